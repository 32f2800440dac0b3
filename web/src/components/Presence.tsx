// Who else is in the conversation: colleagues who look at it or type, and the customer who types.
import { usePick, useText } from "../hooks/app";
import type { Person, Typist } from "../state/model";
import { customer } from "../state/typist";
import { Avatar } from "./Avatar";

const noPeople: Person[] = [];
const noTypists: Typist[] = [];

export function Viewers({ conversation }: { conversation: string }) {
  const t = useText();
  const people = usePick((state) => state.viewers[conversation] ?? noPeople);
  const names = people.map((p) => p.name).join(", ");
  return (
    <div className="viewers" role="status" data-testid="viewers" title={names && t("viewers.label", { names })}>
      {people.length > 0 && <span className="unseen">{t("viewers.label", { names })}</span>}
      {people.slice(0, 3).map((p) => <Avatar key={p.id} id={p.id} name={p.name} />)}
      {people.length > 3 && <span className="viewers-more" aria-hidden="true">+{people.length - 3}</span>}
    </div>
  );
}

export function Typing({ conversation }: { conversation: string }) {
  const t = useText();
  const typists = usePick((state) => state.typing[conversation] ?? noTypists).filter((one) => one.id !== customer);
  if (typists.length === 0) return null;
  const names = typists.map((p) => p.name).join(", ");
  return <span className="typing" data-testid="typing">{t(typists.length > 1 ? "typing.many" : "typing.one", { names })}</span>;
}

/** Where the customer's next message will stand. */
export function CustomerTyping({ conversation, name }: { conversation: string; name: string }) {
  const t = useText();
  const types = usePick((state) => (state.typing[conversation] ?? noTypists).some((one) => one.id === customer));
  if (!types) return null;
  return (
    <div className="message in customer-typing" data-testid="customer-typing">
      <div className="message-line">
        <div className="bubble">
          <span className="unseen">{t("typing.one", { names: name })}</span>
          <span className="dots" aria-hidden="true" title={t("typing.one", { names: name })}><i /><i /><i /></span>
        </div>
      </div>
    </div>
  );
}

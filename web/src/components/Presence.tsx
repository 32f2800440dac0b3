// Colleagues in the same conversation: who looks at it, who types.
import { usePick, useText } from "../hooks/app";
import type { Person, Typist } from "../state/model";
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
  const typists = usePick((state) => state.typing[conversation] ?? noTypists);
  if (typists.length === 0) return null;
  const names = typists.map((p) => p.name).join(", ");
  return <span className="typing" data-testid="typing">{t(typists.length > 1 ? "typing.many" : "typing.one", { names })}</span>;
}

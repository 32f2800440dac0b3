// The labels of a conversation and of its customer, in the list.
import { usePickOf, useText } from "../hooks/app";
import type { Conversation } from "../api.gen";

/** More are a number: they stand beside the name. */
const shown = 2;

export function LabelMarks({ conversation }: { conversation: Conversation }) {
  const t = useText();
  const known = usePickOf(conversation.id, (state) => state.labels);
  const ids = [...new Set([...conversation.labels, ...conversation.contact.labels])];
  const labels = ids.flatMap((id) => known[id] ?? []);
  if (labels.length === 0) return null;
  const more = labels.slice(shown);
  return (
    <span className="row-labels" data-testid="row-labels">
      <span className="unseen">{t("person.labels")}: </span>
      {labels.slice(0, shown).map((label) => (
        <span key={label.id} className="row-label" dir="auto" style={{ borderColor: label.colour }}>{label.name}</span>
      ))}
      {more.length > 0 && <span className="row-label" title={more.map(({ name }) => name).join(", ")}>+{t.number(more.length)}</span>}
    </span>
  );
}

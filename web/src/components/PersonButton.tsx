// Opens what is known of the customer of a conversation.
import type { Conversation } from "../api.gen";
import { PersonIcon } from "./Icons";
import { useText } from "../hooks/app";
import { useLater } from "../hooks/later";
import "../i18n/people";

export function PersonButton({ conversation }: { conversation: Conversation }) {
  const t = useText();
  const dialog = useLater(() => import("./PersonDialog").then((file) => file.PersonDialog));
  return (
    <>
      <button type="button" className="quiet square" aria-label={t("person.open")} title={t("person.open")}
        aria-busy={dialog.busy || undefined} onClick={() => void dialog.open()} data-testid="person-open"><PersonIcon size={18} /></button>
      {dialog.Shown && <dialog.Shown conversation={conversation} onClose={dialog.close} />}
    </>
  );
}

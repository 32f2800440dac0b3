// Opens what is known of the customer of a conversation.
import { useState } from "react";
import type { Conversation } from "../api.gen";
import { PersonIcon } from "./Icons";
import { useText } from "../hooks/app";
import "../i18n/people";
import { PersonDialog } from "./PersonDialog";

export function PersonButton({ conversation }: { conversation: Conversation }) {
  const t = useText();
  const [open, setOpen] = useState(false);
  return (
    <>
      <button type="button" className="quiet square" aria-label={t("person.open")} title={t("person.open")}
        onClick={() => setOpen(true)} data-testid="person-open"><PersonIcon size={18} /></button>
      {open && <PersonDialog conversation={conversation} onClose={() => setOpen(false)} />}
    </>
  );
}

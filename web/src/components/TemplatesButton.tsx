// Opens the templates of a channel; their dialog comes when it is first asked for.
import { useState, type ComponentType } from "react";
import { useApp, useText } from "../hooks/app";
import type { Conversation } from "../api.gen";

interface DialogProps {
  conversation: Conversation;
  onClose: () => void;
}

interface Props {
  conversation: Conversation;
  onOpen?: (open: boolean) => void;
  /** A way beside writing, not the only one. */
  quiet?: boolean;
}

export function TemplatesButton({ conversation, onOpen, quiet = false }: Props) {
  const t = useText();
  const { desk } = useApp();
  const [shown, setShown] = useState<{ Dialog: ComponentType<DialogProps> } | null>(null);
  const [busy, setBusy] = useState(false);

  async function open() {
    setBusy(true);
    try {
      const { TemplatesDialog } = await import("./TemplatesDialog");
      setShown({ Dialog: TemplatesDialog });
      onOpen?.(true);
    } catch {
      desk.complain(new Error(t("page.chunkFailed")));
    } finally {
      setBusy(false);
    }
  }

  return (
    <>
      <button type="button" className={quiet ? "quiet small" : "primary"} aria-haspopup="dialog" aria-busy={busy || undefined}
        data-testid={quiet ? "templates-open" : "choose-template"} onClick={() => void (busy || open())}>
        {t(quiet ? "window.templates" : "window.choose")}
      </button>
      {shown && <shown.Dialog conversation={conversation} onClose={() => { setShown(null); onOpen?.(false); }} />}
    </>
  );
}

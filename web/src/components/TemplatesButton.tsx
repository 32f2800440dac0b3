// Opens the templates of a channel; their dialog comes when it is first asked for.
import { useState, type ComponentType } from "react";
import { useApp, useText } from "../hooks/app";
import type { Conversation } from "../api.gen";

interface DialogProps {
  conversation: Conversation;
  onClose: () => void;
}

export function TemplatesButton({ conversation, onOpen }: { conversation: Conversation; onOpen: (open: boolean) => void }) {
  const t = useText();
  const { desk } = useApp();
  const [shown, setShown] = useState<{ Dialog: ComponentType<DialogProps> } | null>(null);
  const [busy, setBusy] = useState(false);

  async function open() {
    setBusy(true);
    try {
      const { TemplatesDialog } = await import("./TemplatesDialog");
      setShown({ Dialog: TemplatesDialog });
      onOpen(true);
    } catch {
      desk.complain(new Error(t("page.chunkFailed")));
    } finally {
      setBusy(false);
    }
  }

  return (
    <>
      <button type="button" className="primary" aria-haspopup="dialog" aria-busy={busy || undefined} data-testid="choose-template" onClick={() => void (busy || open())}>
        {t("window.choose")}
      </button>
      {shown && <shown.Dialog conversation={conversation} onClose={() => { setShown(null); onOpen(false); }} />}
    </>
  );
}

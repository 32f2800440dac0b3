// Opens the templates of a channel; their dialog comes when it is first asked for.
import { useText } from "../hooks/app";
import { useLater } from "../hooks/later";
import type { Conversation } from "../api.gen";

interface Props {
  conversation: Conversation;
  onOpen?: (open: boolean) => void;
  /** A way beside writing, not the only one. */
  quiet?: boolean;
}

export function TemplatesButton({ conversation, onOpen, quiet = false }: Props) {
  const t = useText();
  const dialog = useLater(() => import("./TemplatesDialog").then((file) => file.TemplatesDialog));
  const open = async () => {
    if (await dialog.open()) onOpen?.(true);
  };
  return (
    <>
      <button type="button" className={quiet ? "quiet small" : "primary"} aria-haspopup="dialog" aria-busy={dialog.busy || undefined}
        data-testid={quiet ? "templates-open" : "choose-template"} onClick={() => void open()}>
        {t(quiet ? "window.templates" : "window.choose")}
      </button>
      {dialog.Shown && <dialog.Shown conversation={conversation} onClose={() => { dialog.close(); onOpen?.(false); }} />}
    </>
  );
}

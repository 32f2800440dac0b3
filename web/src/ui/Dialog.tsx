// A dialog over the page: keeps the focus, closes by Esc, gives the focus back. What is inside scrolls, its ends do not.
import { AlertDialog as Alert } from "@base-ui/react/alert-dialog";
import { Dialog as Base } from "@base-ui/react/dialog";
import type { ReactNode } from "react";
import { useText } from "../hooks/app";
import { Button } from "./Button";
import { CrossIcon } from "./icons";
import "./overlay.css";

interface Props {
  open: boolean;
  onClose: () => void;
  title: string;
  /** One sentence below the title, read with it. */
  hint?: string | undefined;
  /** The buttons at the end; the first one is the one that closes. */
  actions?: ReactNode;
  wide?: boolean;
  children: ReactNode;
}

export function Dialog({ open, onClose, title, hint, actions, wide = false, children }: Props) {
  const t = useText();
  return (
    <Base.Root open={open} onOpenChange={(now) => !now && onClose()}>
      <Base.Portal>
        <Base.Backdrop className="ui-backdrop" />
        <Base.Popup className="ui-dialog" data-wide={wide || undefined}>
          <header className="ui-dialog-head">
            <Base.Title className="ui-dialog-title">{title}</Base.Title>
            <Base.Close className="ui-button ui-button-quiet ui-button-square" aria-label={t("ui.close")}><CrossIcon /></Base.Close>
          </header>
          {hint && <Base.Description className="ui-hint">{hint}</Base.Description>}
          <div className="ui-dialog-body">{children}</div>
          {actions && <footer className="ui-actions">{actions}</footer>}
        </Base.Popup>
      </Base.Portal>
    </Base.Root>
  );
}

interface ConfirmProps {
  open: boolean;
  onClose: () => void;
  onConfirm: () => void;
  title: string;
  /** What will happen, and whether it can be undone. */
  hint: string;
  /** The verb of what is done, "Remove channel" and not "Yes". */
  action: string;
  danger?: boolean;
  busy?: boolean;
}

/** Asks before something that is hard to undo. A click beside it does not answer the question. */
export function Confirm({ open, onClose, onConfirm, title, hint, action, danger = false, busy = false }: ConfirmProps) {
  const t = useText();
  return (
    <Alert.Root open={open} onOpenChange={(now) => !now && onClose()}>
      <Alert.Portal>
        <Alert.Backdrop className="ui-backdrop" />
        <Alert.Popup className="ui-dialog">
          <Alert.Title className="ui-dialog-title">{title}</Alert.Title>
          <Alert.Description className="ui-hint">{hint}</Alert.Description>
          <footer className="ui-actions">
            <Button onClick={onClose}>{t("ui.cancel")}</Button>
            <Button tone={danger ? "danger" : "primary"} busy={busy} onClick={onConfirm}>{action}</Button>
          </footer>
        </Alert.Popup>
      </Alert.Portal>
    </Alert.Root>
  );
}

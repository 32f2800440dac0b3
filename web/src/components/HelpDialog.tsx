// The keys that work everywhere on the page.
import { useEffect, useRef } from "react";
import { useText } from "../hooks/app";
import type { Key } from "../i18n/text";

const rows: [string[], Key][] = [
  [["j", "↓"], "help.next"],
  [["k", "↑"], "help.previous"],
  [["/"], "help.search"],
  [["t"], "help.takeOver"],
  [["r"], "help.write"],
  [["Enter"], "help.send"],
  [["Shift+Enter"], "help.line"],
  [["Esc"], "help.leave"],
  [["?"], "help.help"],
];

export function HelpDialog({ open, onClose }: { open: boolean; onClose: () => void }) {
  const t = useText();
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    if (open) dialog.current?.showModal();
    else dialog.current?.close();
  }, [open]);
  return (
    <dialog ref={dialog} className="help" aria-labelledby="help-title" onClose={onClose}
      onClick={(event) => event.target === dialog.current && onClose()}>
      <div className="help-body">
        <h2 id="help-title">{t("help.title")}</h2>
        <dl>
          {rows.map(([keys, key]) => (
            <div key={key}>
              <dt>{keys.map((name) => <kbd key={name}>{name}</kbd>)}</dt>
              <dd>{t(key)}</dd>
            </div>
          ))}
        </dl>
        <button type="button" onClick={onClose}>{t("help.close")}</button>
      </div>
    </dialog>
  );
}

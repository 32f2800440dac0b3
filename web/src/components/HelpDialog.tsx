// What the keys do, as the table of commands has it.
import { useEffect, useRef } from "react";
import { keycaps, onMac } from "../commands/chord";
import type { Group } from "../commands/command";
import { commands } from "../commands/table";
import { useText } from "../hooks/app";

const groups: Group[] = ["list", "conversation", "page"];
const withKeys = commands.filter(({ keys }) => keys !== undefined);

export function HelpDialog({ open, onClose }: { open: boolean; onClose: () => void }) {
  const t = useText();
  const dialog = useRef<HTMLDialogElement>(null);
  const isMac = onMac();
  useEffect(() => {
    if (open) dialog.current?.showModal();
    else dialog.current?.close();
  }, [open]);
  return (
    <dialog ref={dialog} className="help" aria-labelledby="help-title" onClose={onClose} data-testid="help"
      onClick={(event) => event.target === dialog.current && onClose()}>
      {open && (
        <div className="help-body">
          <h2 id="help-title">{t("help.title")}</h2>
          {groups.map((group) => (
            <section key={group} aria-label={t(`help.group.${group}`)}>
              <h3>{t(`help.group.${group}`)}</h3>
              <dl>
                {withKeys.filter((one) => one.group === group).map(({ id, keys = [], text }) => (
                  <div key={id}>
                    <dt>{keys.map((key) => <span key={key}>{keycaps(key, isMac).map((cap) => <kbd key={cap}>{cap}</kbd>)}</span>)}</dt>
                    <dd>{t(text)}</dd>
                  </div>
                ))}
              </dl>
            </section>
          ))}
          <button type="button" onClick={onClose}>{t("help.close")}</button>
        </div>
      )}
    </dialog>
  );
}

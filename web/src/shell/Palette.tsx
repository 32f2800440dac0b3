// The palette: type a few letters of a command, a page or a name, choose with the arrows, open with Enter.
import { useEffect, useMemo, useRef, useState, type KeyboardEvent } from "react";
import { keycaps, onMac } from "../commands/chord";
import type { Surroundings } from "../commands/command";
import { useApp, useText } from "../hooks/app";
import { composing } from "../hooks/composing";
import { findings, type Finding } from "./findings";

const optionId = (index: number) => `palette-${index}`;

export function Palette({ around, onClose }: { around: Surroundings; onClose: () => void }) {
  const t = useText();
  const { store, router } = useApp();
  const dialog = useRef<HTMLDialogElement>(null);
  const [typed, setTyped] = useState("");
  const [chosen, setChosen] = useState(0);
  // As of the moment of the key: a list that moves under the hand would be chosen from wrongly.
  const found = useMemo(() => findings(t, store.get(), router.get(), typed), [t, store, router, typed]);

  useEffect(() => void dialog.current?.showModal(), []);
  // Scrolling gives a promise in newer browsers, which an effect must not give back.
  useEffect(() => void document.getElementById(optionId(chosen))?.scrollIntoView({ block: "nearest" }), [chosen]);

  function take(one: Finding | undefined) {
    if (!one) return;
    // Closing gives the focus back first, so that what is run may put it elsewhere.
    dialog.current?.close();
    if (one.kind === "command") one.command.run?.(around);
    else router.go(one.to);
  }

  function onKeyDown(event: KeyboardEvent) {
    if (composing(event)) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step !== undefined && found.length > 0) setChosen((chosen + step + found.length) % found.length);
    else if (event.key === "Enter") take(found[chosen]);
    else return;
    event.preventDefault();
  }

  return (
    <dialog ref={dialog} className="palette" aria-label={t("palette.title")} onClose={onClose} data-testid="palette"
      onClick={(event) => event.target === dialog.current && dialog.current?.close()}>
      <div className="palette-body">
        <input
          type="search" autoFocus value={typed} placeholder={t("palette.placeholder")} aria-label={t("palette.title")} role="combobox"
          aria-autocomplete="list" aria-expanded={found.length > 0} aria-controls="palette-list" autoComplete="off" spellCheck={false}
          aria-activedescendant={found[chosen] ? optionId(chosen) : undefined} data-testid="palette-input"
          onChange={(event) => { setTyped(event.target.value); setChosen(0); }} onKeyDown={onKeyDown}
        />
        <p className="unseen" role="status">{t("palette.found", { count: found.length })}</p>
        <ul id="palette-list" role="listbox" aria-label={t("palette.title")}>
          {found.map((one, index) => (
            <li key={one.id} id={optionId(index)} role="option" aria-selected={index === chosen} data-testid="palette-option"
              onMouseDown={(event) => event.preventDefault()} onClick={() => take(one)}>
              <span className="palette-words" dir="auto">{one.words}</span>
              {one.kind === "command"
                ? <span className="palette-keys">{one.command.keys?.map((key) => keycaps(key, onMac()).map((cap) => <kbd key={cap}>{cap}</kbd>))}</span>
                : <span className="palette-detail" dir="auto">{one.detail}</span>}
              <span className="palette-kind">{t(`palette.${one.kind}`)}</span>
            </li>
          ))}
        </ul>
        {found.length === 0 && <p className="palette-none">{t("palette.none", { query: typed.trim() })}</p>}
        <p className="palette-hint">{t("palette.hint")}</p>
      </div>
    </dialog>
  );
}

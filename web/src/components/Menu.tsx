// Who is signed in, language, appearance, help, leaving. A native popover: it closes by Esc and by a click beside it.
import { useRef } from "react";
import { useFrame, usePick } from "../hooks/app";
import type { Theme } from "../services/preferences";
import { MenuIcon } from "./Icons";
import { LanguagePick } from "./LanguagePick";

const themes: [Theme, "menu.system" | "menu.light" | "menu.dark"][] = [
  ["system", "menu.system"], ["light", "menu.light"], ["dark", "menu.dark"],
];

export function Menu({ onHelp }: { onHelp: () => void }) {
  const { app, text: t, preferences, prefer } = useFrame();
  const user = usePick((state) => state.session.user);
  const panel = useRef<HTMLDivElement>(null);
  return (
    <>
      <button type="button" className="quiet square" popoverTarget="menu" aria-label={t("menu.open")}><MenuIcon /></button>
      <div ref={panel} id="menu" popover="auto" className="menu">
        <p className="menu-user">
          <strong>{user?.name}</strong>
          <span>{user?.email}</span>
        </p>
        <p className="menu-label">{t("menu.language")}</p>
        <LanguagePick />
        <p className="menu-label">{t("menu.theme")}</p>
        <div className="pick" role="group" aria-label={t("menu.theme")}>
          {themes.map(([theme, key]) => (
            <button key={theme} type="button" aria-pressed={preferences.theme === theme} onClick={() => prefer({ theme })}>
              {t(key)}
            </button>
          ))}
        </div>
        <hr />
        <button type="button" className="menu-item" onClick={() => { panel.current?.hidePopover(); onHelp(); }}>
          {t("menu.help")} <kbd>?</kbd>
        </button>
        <a className="menu-item" href="docs" target="_blank" rel="noreferrer">{t("menu.docs")}</a>
        <button type="button" className="menu-item" onClick={() => void app.signOut()} data-testid="sign-out">
          {t("menu.signOut")}
        </button>
      </div>
    </>
  );
}

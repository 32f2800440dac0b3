// Who is signed in, language, appearance, help, leaving. A native popover: it closes by Esc and by a click beside it.
import { useRef, type ReactNode } from "react";
import { keycaps, onMac } from "../commands/chord";
import type { Surroundings } from "../commands/command";
import { command } from "../commands/table";
import { useFrame, usePick } from "../hooks/app";
import { settingsAt } from "../routes/pages";
import { format } from "../routes/route";
import { LanguagePick } from "./LanguagePick";
import { ThemePick } from "./ThemePick";

/** Commands that the menu repeats; their keys stand beside them. */
const repeated = ["palette.open", "help.open"];

export function Menu({ around, icon }: { around: Surroundings; icon: ReactNode }) {
  const { text: t } = useFrame();
  const user = usePick((state) => state.session.user);
  const panel = useRef<HTMLDivElement>(null);
  const close = () => panel.current?.hidePopover();
  return (
    <>
      <button type="button" className="nav-item" popoverTarget="menu" aria-label={t("menu.open")}>
        <span className="nav-icon">{icon}</span>
        <span className="nav-words" aria-hidden="true">{t("menu.open")}</span>
      </button>
      <div ref={panel} id="menu" popover="auto" className="menu">
        <p className="menu-user">
          <strong dir="auto">{user?.name}</strong>
          <span>{user?.email}</span>
          {user?.platform_role && <span>{t(`role.${user.platform_role}`)}</span>}
        </p>
        <p className="menu-label">{t("menu.language")}</p>
        <LanguagePick />
        <p className="menu-label">{t("menu.theme")}</p>
        <ThemePick />
        <hr />
        <a className="menu-item" href={format(settingsAt("profile"))} onClick={close}>{t("page.profile")}</a>
        {repeated.map(command).map((one) => (
          <button key={one.id} type="button" className="menu-item" onClick={() => { close(); one.run?.(around); }}>
            {t(one.id === "help.open" ? "menu.help" : one.text)}
            <span>{one.keys?.map((key) => keycaps(key, onMac()).map((cap) => <kbd key={cap}>{cap}</kbd>))}</span>
          </button>
        ))}
        <a className="menu-item" href="docs" target="_blank" rel="noreferrer">{t("menu.docs")}</a>
        <button type="button" className="menu-item" onClick={() => command("session.signOut").run?.(around)} data-testid="sign-out">
          {t("menu.signOut")}
        </button>
      </div>
    </>
  );
}

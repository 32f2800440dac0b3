// The main navigation: a rail at the side, a bar at the bottom of a phone. Shows what the person's roles open.
import { Mark, PersonIcon } from "../components/Icons";
import { Menu } from "../components/Menu";
import { spoken, onMac } from "../commands/chord";
import type { Surroundings } from "../commands/command";
import { usePick, useText } from "../hooks/app";
import { useRoute } from "../hooks/route";
import { seesBusinesses, settingsAt } from "../routes/pages";
import { format, inbox, type Route } from "../routes/route";
import { can, totalUnread } from "../state/select";
import { FindIcon, GearIcon, InboxIcon, ShopIcon } from "./icons";

export function Nav({ around }: { around: Surroundings }) {
  const t = useText();
  const route = useRoute();
  const many = usePick(seesBusinesses);
  const unread = usePick(totalUnread);
  const trouble = usePick((state) => Object.values(state.channels)
    .filter((one) => one.state === "active" && one.health?.state === "down" && can(state, one.tenant, "channel.update")).length);
  const link = (page: Route["page"], to: Route, words: string, icon: React.ReactNode, mark?: React.ReactNode) => (
    <a className="nav-item" href={format(to)} aria-current={route.page === page ? "page" : undefined} data-testid={`nav-${page}`}>
      <span className="nav-icon">{icon}{mark}</span>
      <span className="nav-words">{words}</span>
    </a>
  );
  return (
    <nav className="nav" aria-label={t("nav.label")} data-testid="nav">
      <span className="nav-mark"><Mark /></span>
      {link("inbox", inbox, t("nav.inbox"), <InboxIcon />, unread > 0 && (
        <span className="nav-count"><span aria-hidden="true">{unread > 99 ? "99+" : unread}</span><span className="unseen">{t("list.unread", { count: unread })}</span></span>
      ))}
      {many && link("businesses", { page: "businesses" }, t("nav.businesses"), <ShopIcon />)}
      {link("settings", settingsAt(null), t("nav.settings"), <GearIcon />, trouble > 0 && (
        <span className="nav-trouble"><span className="unseen">{t("nav.trouble", { count: trouble })}</span></span>
      ))}
      <button type="button" className="nav-item" onClick={() => around.open("palette")} aria-keyshortcuts={spoken("Mod+K", onMac())} data-testid="open-palette">
        <span className="nav-icon"><FindIcon /></span>
        <span className="nav-words">{t("nav.find")}</span>
      </button>
      <span className="nav-gap" />
      <Menu around={around} icon={<PersonIcon size={20} />} />
    </nav>
  );
}

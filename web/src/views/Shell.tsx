// The frame around the pages: navigation, what has to be said, and the page of the address. The inbox stays under the
// other pages once it was shown, so that its list is where one left it; it takes no keys and no reading there.
import { useEffect, useRef, useState } from "react";
import { ConnectionBar } from "../components/ConnectionBar";
import { HelpDialog } from "../components/HelpDialog";
import { Notices } from "../components/Notices";
import { Title } from "../components/Title";
import type { Panel } from "../commands/command";
import { useApp, usePick, useText } from "../hooks/app";
import { useRoute } from "../hooks/route";
import { lostTenant } from "../routes/pages";
import { everywhere, type Route } from "../routes/route";
import { Inbox } from "./Inbox";
import { Gone, NoSuchPage } from "../components/Gone";
import { useKeys, useSurroundings } from "../shell/keys";
import { lazyPage } from "../shell/lazy";
import { Nav } from "../shell/Nav";
import { Palette } from "../shell/Palette";

const Settings = lazyPage(() => import("../settings/Settings").then((file) => file.Settings));
const Connect = lazyPage(() => import("../settings/Connect").then((file) => file.Connect));
const Businesses = lazyPage(() => import("../settings/Businesses").then((file) => file.Businesses));

export function Shell() {
  const t = useText();
  const { router } = useApp();
  const route = useRoute();
  const [panel, setPanel] = useState<Panel | null>(null);
  const around = useSurroundings(setPanel);
  const main = useRef<HTMLDivElement>(null);
  const lost = usePick((state) => lostTenant(state, route));
  const isInbox = route.page === "inbox" && lost === null;
  const [wasInbox, setWasInbox] = useState(isInbox);
  if (isInbox && !wasInbox) setWasInbox(true);
  useKeys(setPanel);

  // What lies over a page is of that page: going on or back closes it.
  useEffect(() => router.subscribe(() => setPanel(null)), [router]);

  return (
    <div className="shell" data-page={route.page} data-open={route.page === "inbox" && route.conversation !== null}>
      <button type="button" className="skip" onClick={() => main.current?.querySelector<HTMLElement>(":scope > :not([inert]) h1, :scope > main h1")?.focus()}>
        {t("nav.content")}
      </button>
      <Title />
      <Nav around={around} />
      <div className="shell-top">
        <ConnectionBar />
        <Notices />
      </div>
      <div className="shell-main" ref={main}>
        {wasInbox && <Inbox isShown={isInbox} />}
        {!isInbox && <Page route={route} lost={lost} />}
      </div>
      <HelpDialog open={panel === "help"} onClose={() => setPanel(null)} />
      {panel === "palette" && <Palette around={around} onClose={() => setPanel(null)} />}
    </div>
  );
}

function Page({ route, lost }: { route: Route; lost: string | null }) {
  const t = useText();
  if (lost !== null) {
    const to: Route = route.page === "inbox" && route.query
      ? { page: "inbox", query: { ...route.query, ...everywhere }, conversation: null, seq: null }
      : { page: "settings", section: null, thing: null, scope: everywhere };
    return <Gone title={t("gone.tenant")} hint={t("gone.tenantHint")} to={to} way={t("gone.tenantOthers")} />;
  }
  if (route.page === "settings") return <Settings />;
  if (route.page === "businesses") return <Businesses />;
  if (route.page === "connect") return <Connect />;
  return <NoSuchPage />;
}

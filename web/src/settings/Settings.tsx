// The settings: which sections the person's roles open in the chosen business, and the section of the address.
import { useEffect } from "react";
import "../styles/pages.css";
import { GonePart } from "../components/Gone";
import { useApp, usePick, useText } from "../hooks/app";
import { useByName } from "../hooks/sorted";
import { useRoute } from "../hooks/route";
import { mayMake, mayOpen, pageOf, pages, settingsAt, tenantsFor } from "../routes/pages";
import { everywhere, format, isNew, type Section, type SettingsRoute } from "../routes/route";
import { AppearancePage } from "./Appearance";
import { AppsSection } from "./Apps";
import { ChannelsSection } from "./Channels";
import { CompaniesSection } from "./Companies";
import { DetailsPage } from "./Details";
import { forgetAtSignOut } from "./form";
import { JobsPage } from "./Jobs";
import { LeadsPage } from "./Leads";
import { LinksSection } from "./Links";
import { LogPage } from "./Log";
import { NodesPage } from "./Nodes";
import { PageHead, type SectionProps } from "./Parts";
import { PeoplePage } from "./People";
import { ProfilePage } from "./Profile";
import { WindowsSection } from "./Windows";

const business: Partial<Record<Section, (props: SectionProps) => React.ReactNode>> = {
  companies: CompaniesSection, channels: ChannelsSection, windows: WindowsSection, links: LinksSection, leads: LeadsPage, details: DetailsPage, people: PeoplePage, log: LogPage, jobs: JobsPage,
};
const platform: Partial<Record<Section, (props: { thing: string | null }) => React.ReactNode>> = { apps: AppsSection, nodes: NodesPage };
const own: Partial<Record<Section, () => React.ReactNode>> = { profile: ProfilePage, appearance: AppearancePage };

export function Settings() {
  const route = useRoute();
  const { store } = useApp();
  useEffect(() => forgetAtSignOut(store), [store]);
  return route.page === "settings" ? <At route={route} /> : null;
}

function At({ route }: { route: SettingsRoute }) {
  const t = useText();
  const tenant = useBusiness(route);
  const { section } = route;
  return (
    <div className="settings" data-section={section ?? "all"} data-testid="settings">
      <aside className="settings-side">
        <SideNav route={route} tenant={tenant} />
      </aside>
      <main className="page" data-testid={`page-${section ?? "settings"}`}>
        {section !== null && <a className="page-back" href={format(settingsAt(null, tenant))}>‹ {t("settings.back")}</a>}
        {section === null ? <Overview tenant={tenant} /> : <Part route={route} section={section} tenant={tenant} />}
      </main>
    </div>
  );
}

/** The business of the page: of the address, else of the inbox, else the first; it then stands in the address. */
function useBusiness(route: SettingsRoute): string | null {
  const { router } = useApp();
  const { section, scope } = route;
  const tenant = usePick((state) => {
    if (scope.tenant !== null) return scope.tenant;
    const usable = section === null ? state.session.tenants : tenantsFor(state, section);
    return (usable.find(({ id }) => id === state.filter.tenant) ?? usable[0])?.id ?? null;
  });
  useEffect(() => {
    if (section === null || pageOf(section).group !== "business" || tenant === scope.tenant) return;
    router.go({ ...route, scope: { ...scope, tenant } }, "replace");
  }, [router, route, section, scope, tenant]);
  return tenant;
}

function SideNav({ route, tenant }: { route: SettingsRoute; tenant: string | null }) {
  const t = useText();
  const { router } = useApp();
  const tenants = usePick((state) => state.session.tenants);
  const sorted = useByName()(tenants);
  return (
    <>
      {tenants.length > 1 && (
        <label className="settings-business">
          <span>{t("settings.business")}</span>
          <select value={tenant ?? ""} data-testid="settings-tenant"
            onChange={(event) => router.go({ ...route, thing: null, scope: { ...everywhere, tenant: event.target.value } })}>
            {sorted.map(({ id, name }) => <option key={id} value={id}>{name}</option>)}
          </select>
        </label>
      )}
      <SectionLinks current={route.section} tenant={tenant} />
    </>
  );
}

function SectionLinks({ current, tenant, hints = false }: { current: Section | null; tenant: string | null; hints?: boolean }) {
  const t = useText();
  const state = usePick((all) => all.session);
  const usable = usePick((all) => pages.filter(({ section }) => mayOpen(all, section, tenant)).map(({ section }) => section).join(" "));
  const open = usable.split(" ");
  // With hints it is what the page is about; the way to the other pages is beside it.
  const Links = hints ? "div" : "nav";
  return (
    <Links {...(!hints && { "aria-label": t("settings.title") })}>
      {(["business", "platform", "person"] as const).map((group) => {
        const shown = pages.filter((page) => page.group === group && open.includes(page.section));
        if (shown.length === 0) return null;
        const name = state.tenants.find(({ id }) => id === tenant)?.name;
        return (
          <section key={group}>
            <h2 dir="auto">{group === "business" ? (name ?? t("settings.of")) : t(group === "person" ? "settings.yours" : "settings.platform")}</h2>
            <ul>
              {shown.map(({ section, text, hint }) => (
                <li key={section}>
                  <a className="settings-link" href={format(settingsAt(section, group === "business" ? tenant : null))}
                    aria-current={section === current ? "page" : undefined} data-testid={hints ? undefined : `section-${section}`}>
                    <span>{t(text)}</span>
                    {hints && <span className="settings-hint">{t(hint)}</span>}
                  </a>
                </li>
              ))}
            </ul>
          </section>
        );
      })}
    </Links>
  );
}

function Overview({ tenant }: { tenant: string | null }) {
  const t = useText();
  return (
    <>
      <PageHead title={t("settings.title")} />
      <div className="settings-overview"><SectionLinks current={null} tenant={tenant} hints /></div>
    </>
  );
}

function Part({ route, section, tenant }: { route: SettingsRoute; section: Section; tenant: string | null }) {
  const t = useText();
  const makes = isNew(route.thing) && pageOf(section).make !== undefined;
  const allowed = usePick((state) => mayOpen(state, section, tenant) && (!makes || mayMake(state, section, tenant)));
  const here = usePick((state) => state.session.tenants.find(({ id }) => id === tenant));
  const { text, hint } = pageOf(section);
  const Own = own[section];
  const Everywhere = platform[section];
  if (Own) return <Own />;
  if (Everywhere && allowed) return <Everywhere thing={route.thing} />;
  if (!allowed || tenant === null) {
    const words = Everywhere ? t("page.refusedPlatform") : here ? t("page.refusedIn", { business: here.name, role: t(`role.${here.role}`) }) : t("page.refusedAll");
    return (
      <>
        <PageHead title={t(text)} hint={t(hint)} />
        <div data-testid="refused"><GonePart title={t("page.refused")} hint={words} to={settingsAt(null)} way={t("settings.back")} /></div>
      </>
    );
  }
  const Of = business[section]!;
  return <Of key={tenant} tenant={tenant} thing={route.thing} />;
}

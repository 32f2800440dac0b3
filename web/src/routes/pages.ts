// The pages beside the inbox: what each needs, and what its name is. The one place that says who may open which.
import { needs, type Operation } from "../operations.gen";
import type { Key } from "../i18n/text";
import { can, canOnPlatform } from "../state/select";
import type { State } from "../state/model";
import { everywhere, type Route, type Section, type SettingsRoute } from "./route";

export interface PageOf {
  section: Section;
  text: Key;
  /** What the page is about, for its head and for who looks for it. */
  hint: Key;
  /** What the page asks the server for; a page of the person alone asks for nothing. */
  operation: Operation | null;
  /** What the form of a new thing asks for besides. */
  make?: Operation;
  /** A page of the platform asks for the permission on the platform itself, whatever businesses there are. */
  group: "person" | "business" | "platform";
}

export const pages: readonly PageOf[] = [
  { section: "companies", text: "page.companies", hint: "page.companiesHint", operation: "company.list", make: "company.create", group: "business" },
  { section: "channels", text: "page.channels", hint: "page.channelsHint", operation: "channel.list", make: "channel.create", group: "business" },
  { section: "windows", text: "page.windows", hint: "page.windowsHint", operation: "channel.update", group: "business" },
  { section: "links", text: "page.links", hint: "page.linksHint", operation: "link.list", make: "link.create", group: "business" },
  { section: "leads", text: "page.leads", hint: "page.leadsHint", operation: "lead.list", group: "business" },
  { section: "details", text: "page.details", hint: "page.detailsHint", operation: "attribute.put", group: "business" },
  { section: "people", text: "page.people", hint: "page.peopleHint", operation: "user.list", group: "business" },
  { section: "log", text: "page.log", hint: "page.logHint", operation: "integration_log.list", group: "business" },
  { section: "jobs", text: "page.jobs", hint: "page.jobsHint", operation: "job.list_dead", group: "business" },
  { section: "apps", text: "page.apps", hint: "page.appsHint", operation: "app.list", make: "app.create", group: "platform" },
  { section: "nodes", text: "page.nodes", hint: "page.nodesHint", operation: "node.list", group: "platform" },
  { section: "profile", text: "page.profile", hint: "page.profileHint", operation: null, group: "person" },
  { section: "appearance", text: "page.appearance", hint: "page.appearanceHint", operation: null, group: "person" },
];

export const pageOf = (section: Section): PageOf => pages.find((page) => page.section === section)!;

/** Whether the person may use the form of a new thing of a page. */
export function mayMake(state: State, section: Section, tenant: string | null): boolean {
  const { make, group } = pageOf(section);
  if (make === undefined) return false;
  return group === "platform" ? canOnPlatform(state, make) : tenant !== null && can(state, tenant, make);
}

/** Whether the person may use a page in a tenant; without one, in any of theirs. */
export function mayOpen(state: State, section: Section, tenant: string | null): boolean {
  const { operation, group } = pageOf(section);
  if (operation === null) return true;
  if (group === "platform") return canOnPlatform(state, operation);
  if (tenant !== null) return can(state, tenant, operation);
  return state.session.tenants.some(({ id }) => can(state, id, operation));
}

/** The tenants in which the person may use a page. */
export function tenantsFor(state: State, section: Section): State["session"]["tenants"] {
  const { operation } = pageOf(section);
  return operation === null ? [] : state.session.tenants.filter(({ permissions }) => permissions.includes(needs[operation]));
}

/** People who see several businesses choose among them: those of the platform, and who works for more than one. */
export function seesBusinesses({ session }: State): boolean {
  return session.tenants.length > 1 || (session.user?.platform_role ?? null) !== null;
}

export function settingsAt(section: Section | null, tenant: string | null = null, thing: string | null = null): SettingsRoute {
  return { page: "settings", section, thing, scope: { ...everywhere, tenant } };
}

/** The business that a route names, if it is not one of the person's. */
export function lostTenant({ session }: State, route: Route): string | null {
  const tenant = route.page === "inbox" ? (route.query?.tenant ?? null) : route.page === "settings" ? route.scope.tenant : null;
  return tenant === null || session.tenants.some(({ id }) => id === tenant) ? null : tenant;
}

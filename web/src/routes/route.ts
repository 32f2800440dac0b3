// The addresses of the page as values: what an address names, and the address of a thing. Pure; the browser's address
// bar is router.ts's. Addresses are in the fragment: the server never sees them, so they hold under any sub-path that a
// proxy puts in front, and a reload asks for one and the same file.
import { views, type Query, type Scope, type Sort, type View } from "../state/views";

export const sections = ["profile", "appearance", "companies", "channels", "windows", "links", "leads", "details", "people", "log", "jobs", "apps", "nodes"] as const;
export type Section = (typeof sections)[number];

/** Sections in which one thing has an address of its own; `new` is the form of one that is not there yet, `new-` before a
 * kind that of one of that kind. */
export const withThings: readonly Section[] = ["companies", "channels", "windows", "links", "apps"];

/** What a provider brought back from signing in there. */
export interface CameBack {
  state: string;
  /** Without it the provider says why not. */
  code: string | null;
  error: string | null;
}

export type Route =
  /** Without a query the list stays what it is. `seq` is a message of the conversation. */
  | { page: "inbox"; query: Query | null; conversation: string | null; seq: number | null }
  | { page: "businesses" }
  | { page: "connect"; kind: string; back: CameBack }
  /** Without a section: the list of them. */
  | { page: "settings"; section: Section | null; thing: string | null; scope: Scope }
  | { page: "unknown"; address: string };

export type InboxRoute = Extract<Route, { page: "inbox" }>;
export type SettingsRoute = Extract<Route, { page: "settings" }>;

export const everywhere: Scope = { tenant: null, company: null, channel: null };
export const inbox: InboxRoute = { page: "inbox", query: null, conversation: null, seq: null };

const idForm = /^[\w-]{1,64}$/;
const seqForm = /^[1-9]\d{0,14}$/;
const scopeParts = ["tenant", "company", "channel"] as const;

/** Records are asked for ids: a name that every object inherits, such as `constructor`, would be found in an empty one. */
const isId = (text: string) => idForm.test(text) && !(text in Object.prototype);

/** The route of a fragment, with or without its `#`. */
export function parse(fragment: string): Route {
  const address = fragment.replace(/^#/, "");
  const [path = "", asked = ""] = address.split(/\?(.*)/s);
  const parts = path.split("/").filter((part) => part !== "");
  const params = new URLSearchParams(asked);
  return parsed(parts, params) ?? { page: "unknown", address };
}

function parsed(parts: readonly string[], params: URLSearchParams): Route | null {
  const [first, ...rest] = parts;
  if (first === undefined) return inbox;
  if (first === "c") return inboxOf(null, parts);
  if (first === "inbox") {
    const [view, ...thing] = rest;
    if (view === undefined) return inbox;
    const query = queryOf(view, params);
    return query && inboxOf(query, thing);
  }
  if (first === "businesses") return rest.length === 0 ? { page: "businesses" } : null;
  if (first === "connect") return rest.length === 1 && isId(rest[0]!) ? { page: "connect", kind: rest[0]!, back: cameBack(params) } : null;
  return first === "settings" ? settingsOf(rest, params) : null;
}

function inboxOf(query: Query | null, parts: readonly string[]): Route | null {
  const [c, conversation, m, seq, ...more] = parts;
  if (c === undefined) return { page: "inbox", query, conversation: null, seq: null };
  if (c !== "c" || conversation === undefined || !isId(conversation) || more.length > 0) return null;
  if (m === undefined) return { page: "inbox", query, conversation, seq: null };
  if (m !== "m" || seq === undefined || !seqForm.test(seq)) return null;
  return { page: "inbox", query, conversation, seq: Number(seq) };
}

function queryOf(view: string, params: URLSearchParams): Query | null {
  const sort = params.get("sort") ?? "recent";
  const scope = scopeOf(params);
  if (!scope || !(views as readonly string[]).includes(view) || (sort !== "recent" && sort !== "wait")) return null;
  const label = params.get("label");
  if (label !== null && !isId(label)) return null;
  return { view: view as View, sort: sort satisfies Sort, ...scope, label };
}

function settingsOf([section, thing, ...more]: readonly string[], params: URLSearchParams): Route | null {
  const scope = scopeOf(params);
  if (!scope || more.length > 0) return null;
  if (section === undefined) return { page: "settings", section: null, thing: null, scope };
  const known = sections.find((one) => one === section);
  if (!known) return null;
  if (thing === undefined) return { page: "settings", section: known, thing: null, scope };
  return withThings.includes(known) && isId(thing) ? { page: "settings", section: known, thing, scope } : null;
}

function cameBack(params: URLSearchParams): CameBack {
  const given = (name: string) => params.get(name) || null;
  return { state: given("state") ?? "", code: given("code"), error: given("error") };
}

/** The kind of a thing that is not there yet. `null`: it is there, or its kind is not chosen. */
export function kindOfNew(thing: string | null): string | null {
  return thing?.startsWith("new-") ? thing.slice("new-".length) : null;
}

export const isNew = (thing: string | null): boolean => thing === "new" || kindOfNew(thing) !== null;

function scopeOf(params: URLSearchParams): Scope | null {
  const scope: Scope = { ...everywhere };
  for (const part of scopeParts) {
    const id = params.get(part);
    if (id !== null && !isId(id)) return null;
    scope[part] = id;
  }
  return scope;
}

/** The fragment of a route, with its `#`. `parse` gives the route back. */
export function format(route: Route): string {
  switch (route.page) {
    case "inbox": {
      const { query, conversation, seq } = route;
      const thing = conversation === null ? [] : ["c", conversation, ...(seq === null ? [] : ["m", String(seq)])];
      if (!query) return address(thing);
      const sort = query.sort === "recent" ? null : query.sort;
      return address(["inbox", query.view, ...thing], { sort, ...scopeIn(query), label: query.label });
    }
    case "businesses":
      return address([route.page]);
    case "connect":
      return address([route.page, route.kind], { ...route.back, state: route.back.state || null });
    case "settings": {
      const parts = [route.section, route.section && route.thing].filter((part) => part !== null);
      return address(["settings", ...parts], scopeIn(route.scope));
    }
    case "unknown":
      return `#${route.address}`;
  }
}

function scopeIn({ tenant, company, channel }: Scope): Record<string, string | null> {
  return { tenant, company, channel };
}

function address(parts: readonly string[], params: Record<string, string | null> = {}): string {
  const given = Object.entries(params).filter((pair): pair is [string, string] => pair[1] !== null);
  const query = new URLSearchParams(given).toString();
  return `#/${parts.join("/")}${query && `?${query}`}`;
}

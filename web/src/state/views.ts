// The views of the inbox: which conversations each one holds and in which order, by the rules of the server.
import type { Bucket, Conversation, Standing } from "../api.gen";

export const views = ["all", "mine", "unassigned", "ai", "waiting", "closed"] as const;
export type View = (typeof views)[number];

/** `wait`: those who wait first, the longest wait at the top; then the others by activity. */
export type Sort = "recent" | "wait";

/** The part of the inbox that lists and counts are asked for. */
export interface Scope {
  tenant: string | null;
  company: string | null;
  channel: string | null;
}

export interface Query extends Scope {
  /** Only conversations that show it. */
  label: string | null;
  view: View;
  sort: Sort;
}

/** What decides where a conversation stands in a list. */
export type Place = Pick<Conversation, "id" | "updated_at" | "waiting_since">;

const open: readonly Bucket[] = ["ai", "unassigned", "unassigned_waiting", "assigned", "assigned_waiting"];
const buckets: Record<View, readonly Bucket[]> = {
  all: open,
  mine: open,
  unassigned: ["unassigned", "unassigned_waiting"],
  ai: ["ai"],
  waiting: ["unassigned_waiting", "assigned_waiting"],
  closed: ["closed"],
};

export function inView(view: View, { bucket, assignee }: Standing, me: string | undefined): boolean {
  if (view === "mine" && (assignee === null || assignee !== me)) return false;
  return buckets[view].includes(bucket);
}

export function inScope(scope: Scope, { tenant, company, channel }: Record<keyof Scope, string | null>): boolean {
  return (scope.tenant === null || scope.tenant === tenant) && (scope.company === null || scope.company === company)
    && (scope.channel === null || scope.channel === channel);
}

export function sameScope(a: Scope, b: Scope): boolean {
  return a.tenant === b.tenant && a.company === b.company && a.channel === b.channel;
}

export function inQuery(query: Query, conversation: Conversation, me: string | undefined): boolean {
  return inScope(query, conversation) && hasLabel(query.label, conversation) && inView(query.view, conversation, me);
}

function hasLabel(label: string | null, { labels, contact }: Conversation): boolean {
  return label === null || labels.includes(label) || contact.labels.includes(label);
}

/** Negative when `a` stands above `b`. */
export function compare(sort: Sort, a: Place, b: Place): number {
  if (sort === "wait" && (a.waiting_since !== null || b.waiting_since !== null)) {
    if (a.waiting_since === null) return 1;
    if (b.waiting_since === null) return -1;
    return a.waiting_since - b.waiting_since || byId(a, b);
  }
  return b.updated_at - a.updated_at || byId(b, a);
}

function byId(a: Place, b: Place): number {
  return a.id < b.id ? -1 : a.id > b.id ? 1 : 0;
}

export function listKey({ view, sort, tenant, company, channel, label }: Query): string {
  return [view, sort, tenant, company, channel, label].join(" ");
}

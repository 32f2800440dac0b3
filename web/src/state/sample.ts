// A small deterministic server for tests: it makes histories of events and tells what a fresh page would load.
import type {
  Bucket, Conversation, Counts, Event, InboxItem, InboxAnswer as InboxPage, Message, MessageStatus, Moved, ReadMark,
} from "../api.gen";
import { cursorOf, placeOfCursor } from "./cursor";
import { currentList } from "./lists";
import type { State } from "./model";
import { compare, inQuery, views, type Query } from "./views";

export const me = "u-1";
export const tenant = "t-1";

/** A seeded generator, so that a failing history can be replayed by its seed. */
export function random(seed: number): (below: number) => number {
  let a = seed >>> 0;
  return (below) => {
    a = (a + 0x6d2b79f5) >>> 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

export function conversation(id: string, change: Partial<Conversation> = {}): Conversation {
  const made = {
    id, tenant, company: "c-1", channel: "ch-1", channel_kind: "telegram",
    contact: { id: `contact-${id}`, name: `Customer ${id}`, handle: `+1 555 ${id}`, merged_into: null, labels: [], blocked_at: null, opted_out_at: null },
    labels: [],
    state: "open", owner: "ai", epoch: 1, assignee: null, handoff_reason: null, last_seq: 0, last_message: null,
    inbound_count: 0, turn: null, opened_at: 1, updated_at: 1, waiting_since: null, thread: null, thread_title: null, source: null, can_send_until: null, person_can_send_until: null, ...change,
  } satisfies Omit<Conversation, "bucket">;
  return { ...made, bucket: change.bucket ?? bucketOf(made) };
}

/** Where it stands by what it is. */
export function bucketOf({ state, owner, assignee, waiting_since }: Omit<Conversation, "bucket">): Bucket {
  if (state === "closed") return "closed";
  if (owner === "ai") return "ai";
  if (assignee === null) return waiting_since === null ? "unassigned" : "unassigned_waiting";
  return waiting_since === null ? "assigned" : "assigned_waiting";
}

/** The whole inbox in the order in which the page opens. */
export const everything: Query = { view: "all", sort: "recent", tenant: null, company: null, channel: null, label: null };

export function message(conversationId: string, seq: number, change: Partial<Message> = {}): Message {
  return {
    id: `${conversationId}-m${seq}`, conversation: conversationId, seq, direction: "in", kind: "text",
    text: `message ${seq}`, author: { kind: "customer", id: null, name: "Customer" }, client_id: null, reply_to: null,
    attachments: [], reactions: [], status: "received", error: null, edited_at: null, deleted_at: null,
    provider_at: null, created_at: 1000 + seq, turn: null, data: null, ...change,
  };
}

export function event(cursor: number, kind: Event["kind"], change: Partial<Event> = {}): Event {
  return {
    cursor, tenant, kind, at: cursor, company: null, channel: null, conversation: null, message: null, turn: null,
    channel_state: null, read: null, lead: null, person: null, moved: null, ...change,
  };
}

/** The truth as a server would hold it, with the log of how it came about. */
export class SampleServer {
  readonly log: Event[] = [];
  conversations = new Map<string, Conversation>();
  messages = new Map<string, Message[]>();
  reads = new Map<string, ReadMark>();

  get top(): number {
    return this.log.length;
  }

  write(id: string, direction: Message["direction"], clientId: string | null = null, start: Partial<Conversation> = {}): Message {
    const before = this.conversations.get(id) ?? conversation(id, start);
    const seq = before.last_seq + 1;
    const status: MessageStatus = direction === "in" ? "received" : "queued";
    const made = message(id, seq, { direction, status, client_id: clientId });
    this.messages.set(id, [...(this.messages.get(id) ?? []), made]);
    const after = {
      ...before,
      last_seq: seq,
      updated_at: this.top + 2,
      waiting_since: direction === "in" ? (before.waiting_since ?? this.top + 2) : null,
      inbound_count: before.inbound_count + (direction === "in" ? 1 : 0),
      last_message: { seq, direction, kind: made.kind, text: made.text, author: made.author, at: made.created_at, problem: null },
    };
    this.commit("message.created", { conversation: after, message: made });
    return made;
  }

  touch(id: string, seq: number, change: Partial<Message>): void {
    const list = this.messages.get(id) ?? [];
    const made = { ...list[seq - 1]!, ...change };
    this.messages.set(id, list.map((m) => (m.seq === seq ? made : m)));
    this.commit("message.updated", { conversation: this.conversations.get(id)!, message: made });
  }

  own(id: string, change: Partial<Conversation>): void {
    const before = this.conversations.get(id)!;
    const after = { ...before, ...change, epoch: before.epoch + 1, updated_at: this.top + 2 };
    this.commit("conversation.updated", { conversation: after });
  }

  read(id: string): void {
    const at = this.conversations.get(id)!;
    const mark = { seq: at.last_seq, inbound_count: at.inbound_count };
    this.reads.set(id, mark);
    this.commit("conversation.read", { read: { user: me, conversation: id, ...mark } });
  }

  /** The rows of a view in its order. */
  inbox(query: Query = everything): InboxItem[] {
    return [...this.conversations.values()]
      .filter((one) => inQuery(query, one, me))
      .sort((a, b) => compare(query.sort, a, b))
      .map((one) => ({ ...one, my_read: this.reads.get(one.id) ?? { seq: 0, inbound_count: 0 } }));
  }

  /** A page after the place that `before` names. */
  page(query: Query = everything, before: string | null = null, limit = 1000): InboxPage {
    const from = before === null ? null : placeOfCursor(before);
    const rows = this.inbox(query).filter((one) => from === null || compare(query.sort, from, one) < 0);
    const conversations = rows.slice(0, limit);
    return {
      conversations, next: rows.length > limit ? cursorOf(query.sort, conversations.at(-1)!) : null,
      counts: before === null ? this.counts(query) : null, positions: this.positions(),
    };
  }

  counts(query: Query = everything): Counts {
    const count = (view: (typeof views)[number]) => this.inbox({ ...query, view, label: null }).length;
    return Object.fromEntries(views.map((view) => [view, count(view)])) as unknown as Counts;
  }

  positions(): Record<string, { offset: number; epoch: string }> {
    return { [tenant]: { offset: this.top, epoch: "e" } };
  }

  private commit(kind: Event["kind"], change: Partial<Event>): void {
    let moved: Moved | null = null;
    let after = change.conversation;
    if (after) {
      const before = this.conversations.get(after.id);
      const { assignee } = after;
      after = { ...after, bucket: bucketOf(after) };
      const same = before && before.bucket === after.bucket && before.assignee === assignee;
      if (!same) moved = { from: before ? { bucket: before.bucket, assignee: before.assignee } : null, to: { bucket: after.bucket, assignee } };
      this.conversations.set(after.id, after);
    }
    const about = { company: after?.company ?? null, channel: after?.channel ?? null };
    this.log.push(event(this.top + 1, kind, { ...change, ...about, conversation: after ?? null, moved }));
  }
}

/** The rows of the list that is on the screen, in its order. */
export function visibleConversations(state: State): Conversation[] {
  return (currentList(state)?.ids ?? []).flatMap((id) => state.conversations.get(id)?.value ?? []);
}

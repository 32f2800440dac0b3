// A small deterministic server for tests: it makes histories of events and tells what a fresh page would load.
import type { Conversation, Event, InboxItem, Message, MessageStatus, ReadMark } from "../wire";

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
  return {
    id, tenant, company: "c-1", channel: "ch-1", channel_kind: "telegram",
    contact: { id: `contact-${id}`, name: `Customer ${id}`, handle: `+1 555 ${id}` },
    state: "open", owner: "ai", epoch: 1, assignee: null, handoff_reason: null, last_seq: 0, last_message: null,
    inbound_count: 0, turn: null, opened_at: 1, updated_at: 1, ...change,
  };
}

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
    channel_state: null, read: null, ...change,
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

  write(id: string, direction: Message["direction"], clientId: string | null = null): Message {
    const before = this.conversations.get(id) ?? conversation(id);
    const seq = before.last_seq + 1;
    const status: MessageStatus = direction === "in" ? "received" : "queued";
    const made = message(id, seq, { direction, status, client_id: clientId });
    this.messages.set(id, [...(this.messages.get(id) ?? []), made]);
    const after = {
      ...before,
      last_seq: seq,
      updated_at: this.top + 2,
      inbound_count: before.inbound_count + (direction === "in" ? 1 : 0),
      last_message: { seq, direction, kind: made.kind, text: made.text, author: made.author, at: made.created_at },
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

  inbox(): InboxItem[] {
    return [...this.conversations.values()]
      .sort((a, b) => b.updated_at - a.updated_at)
      .map((c) => ({ ...c, my_read: this.reads.get(c.id) ?? { seq: 0, inbound_count: 0 } }));
  }

  positions(): Record<string, { offset: number; epoch: string }> {
    return { [tenant]: { offset: this.top, epoch: "e" } };
  }

  private commit(kind: Event["kind"], change: Partial<Event>): void {
    if (change.conversation) this.conversations.set(change.conversation.id, change.conversation);
    this.log.push(event(this.top + 1, kind, change));
  }
}

// Questions that views ask of the state. Pure; the answers are remembered by the parts of the state they depend on.
import type { Channel, Colleague, Conversation } from "../wire";
import type { OwnerFilter, Pending, State, Writing } from "./model";

/** Customer messages that this user has not seen; null while the server has not said how far they read. */
export function unread(state: State, conversation: Conversation): number | null {
  const read = state.reads[conversation.id];
  return read ? Math.max(0, conversation.inbound_count - read.inbound_count) : null;
}

export function displayName(conversation: Conversation): string {
  return conversation.contact.name ?? conversation.contact.handle ?? "—";
}

function matchesOwner(conversation: Conversation, owner: OwnerFilter, me: string | undefined): boolean {
  if ((owner === "closed") !== (conversation.state === "closed")) return false;
  switch (owner) {
    case "mine":
      return conversation.assignee !== null && conversation.assignee === me;
    case "unassigned":
      return conversation.owner === "nobody" || (conversation.owner === "human" && conversation.assignee === null);
    case "ai":
      return conversation.owner === "ai";
    default:
      return true;
  }
}

function memo<A extends readonly unknown[], R>(compute: (...args: A) => R): (...args: A) => R {
  let last: { args: A; result: R } | null = null;
  return (...args) => {
    if (last && last.args.every((arg, index) => arg === args[index])) return last.result;
    last = { args, result: compute(...args) };
    return last.result;
  };
}

const rows = memo((all: State["conversations"], filter: State["filter"], me: string | undefined) => {
  const query = filter.query.trim().toLocaleLowerCase();
  const list: Conversation[] = [];
  for (const { value } of Object.values(all)) {
    if (filter.tenant && value.tenant !== filter.tenant) continue;
    if (!matchesOwner(value, filter.owner, me)) continue;
    if (query && !searchText(value).includes(query)) continue;
    list.push(value);
  }
  return list.sort((a, b) => b.updated_at - a.updated_at || (a.id < b.id ? 1 : -1));
});

function searchText(conversation: Conversation): string {
  const { contact, last_message } = conversation;
  return `${contact.name ?? ""}\n${contact.handle ?? ""}\n${last_message?.text ?? ""}`.toLocaleLowerCase();
}

/** The rows of the list under the present filter, newest activity first. */
export function visibleConversations(state: State): Conversation[] {
  return rows(state.conversations, state.filter, state.session.user?.id);
}

const counts = memo((all: State["conversations"], tenant: string | null, me: string | undefined) => {
  const out: Record<OwnerFilter, number> = { all: 0, mine: 0, unassigned: 0, ai: 0, closed: 0 };
  for (const { value } of Object.values(all)) {
    if (tenant && value.tenant !== tenant) continue;
    for (const owner of Object.keys(out) as OwnerFilter[]) if (matchesOwner(value, owner, me)) out[owner] += 1;
  }
  return out;
});

/** How many loaded conversations each filter would show. */
export function filterCounts(state: State): Record<OwnerFilter, number> {
  return counts(state.conversations, state.filter.tenant, state.session.user?.id);
}

export function totalUnread(state: State): number {
  let sum = 0;
  for (const { value } of Object.values(state.conversations)) {
    if (value.state === "open") sum += unread(state, value) ?? 0;
  }
  return sum;
}

const noPending: Pending[] = [];
const byConversation = memo((pending: Pending[]) => {
  const out = new Map<string, Pending[]>();
  for (const one of pending) out.set(one.conversation, [...(out.get(one.conversation) ?? []), one]);
  return out;
});

export function pendingMessages(state: State, conversation: string): Pending[] {
  return byConversation(state.pending).get(conversation) ?? noPending;
}

/** What the AI is writing for the open turn; nothing for a turn that the conversation does not have. */
export function liveWriting(state: State, conversation: Conversation): Writing | null {
  const writing = state.writing[conversation.id];
  return writing && conversation.turn?.id === writing.turn ? writing : null;
}

export function channelOf(state: State, conversation: Conversation): Channel | undefined {
  return state.channels[conversation.channel];
}

export function colleague(state: State, conversation: Conversation, id: string | null): Colleague | undefined {
  return id === null ? undefined : state.people[conversation.tenant]?.[id];
}

/** Whether this user may act for the business of the conversation; viewers may only read. */
export function mayWrite(state: State, conversation: Conversation): boolean {
  const role = state.session.tenants.find((t) => t.id === conversation.tenant)?.role;
  return role !== undefined && role !== "viewer";
}

/** Whether a message can be written into it right now. */
export function takesMessages(state: State, id: string): boolean {
  const conversation = state.conversations[id]?.value;
  return conversation !== undefined && conversation.state === "open" && mayWrite(state, conversation);
}

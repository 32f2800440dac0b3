// Questions that views ask of the state. Pure; the answers are remembered by the parts of the state they depend on.
import type { ChannelView as Channel, Person as Colleague, Conversation } from "../api.gen";
import { needs, type Operation } from "../operations.gen";
import { currentList } from "./lists";
import type { Pending, State, Writing } from "./model";

/** Customer messages that this user has not seen; null while the server has not said how far they read. */
export function unread(state: State, conversation: Conversation): number | null {
  const read = state.reads.get(conversation.id);
  return read ? Math.max(0, conversation.inbound_count - read.inbound_count) : null;
}

export function displayName(conversation: Conversation): string {
  const name = conversation.contact.name ?? conversation.contact.handle ?? "—";
  // A topic has its own name, beside the chat's.
  return conversation.thread_title ? `${name} · ${conversation.thread_title}` : name;
}

function memo<A extends readonly unknown[], R>(compute: (...args: A) => R): (...args: A) => R {
  let last: { args: A; result: R } | null = null;
  return (...args) => {
    if (last && last.args.every((arg, index) => arg === args[index])) return last.result;
    last = { args, result: compute(...args) };
    return last.result;
  };
}

const noIds: readonly string[] = [];

/** What stands at the side: the list, or what was searched for. */
export function shownIds(state: State): readonly string[] {
  return state.search.text.trim() === "" ? (currentList(state)?.ids ?? noIds) : state.search.found.map((one) => one.conversation);
}

/** Whether events of every tenant in the present filter reach this page. */
export function listIsLive(state: State): boolean {
  const { tenant } = state.filter;
  return tenant === null ? state.notLive.length === 0 : !state.notLive.includes(tenant);
}

export function totalUnread(state: State): number {
  return state.unread;
}

export function conversationOf(state: State, id: string | null): Conversation | undefined {
  return id === null ? undefined : state.conversations.get(id)?.value;
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

/** Whether the conversation's channel takes reactions. */
export function canReact(state: State, id: string): boolean {
  const conversation = conversationOf(state, id);
  return conversation !== undefined && channelOf(state, conversation)?.abilities?.reactions === true;
}

export function colleague(state: State, conversation: Conversation, id: string | null): Colleague | undefined {
  return id === null ? undefined : state.people[conversation.tenant]?.[id];
}

/** Whether this user has the permission that an operation needs in a tenant. */
export function can(state: State, tenant: string, operation: Operation): boolean {
  const here = state.session.tenants.find((one) => one.id === tenant);
  return here?.permissions.includes(needs[operation]) ?? false;
}

/** Whether this user has the permission that an operation needs on the platform itself. */
export function canOnPlatform(state: State, operation: Operation): boolean {
  return state.session.platform.includes(needs[operation]);
}

/** Whether this user may act for the business of the conversation. */
export function mayWrite(state: State, conversation: Conversation): boolean {
  return can(state, conversation.tenant, "message.send");
}

/** Whether a message can be written into it right now. */
export function takesMessages(state: State, id: string): boolean {
  const conversation = conversationOf(state, id);
  return conversation !== undefined && conversation.state === "open" && mayWrite(state, conversation);
}

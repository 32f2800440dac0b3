// The conversations that the page knows, whoever brought them, and how many of them it keeps. What was not heard of for
// long and is needed nowhere goes first; it is looked for a few at a time, so that no event pays for all.
import type { Conversation, ReadMark } from "../api.gen";
import { fromAnswer } from "./kept";
import { holds, settle } from "./lists";
import type { Kept, State } from "./model";
import { keepRead, unreadOf } from "./reads";

/** So many that nothing on the page needs: for their unread messages, and for lists to come. */
const spare = 2_000;
/** Of these, the latest half is not looked at. */
const young = spare / 2;
/** So many are looked at for each that comes. With fewer than one in so many to spare, more are kept. */
const lookedAt = 32;

/** Takes a conversation from an answer that is at least as new as the cursor. */
export function keepConversation(state: State, item: Conversation & { my_read?: ReadMark }, cursor: number): State {
  const { my_read, ...conversation } = item;
  const have = state.conversations.get(item.id);
  // It may have been known better, and evicted since.
  if (!have && cursor < (state.eviction.forgotten[item.tenant] ?? 0)) return state;
  const kept = fromAnswer(have, conversation, cursor);
  const next = kept === have ? state : putConversation(state, kept);
  return my_read ? keepRead(next, item.id, my_read) : next;
}

/** Puts what is known now in the place of what was, in the table, in the lists and in the sum of what is unread. */
export function putConversation(state: State, kept: Kept<Conversation>): State {
  const { id } = kept.value;
  const have = state.conversations.get(id);
  const read = state.reads.get(id);
  const unread = state.unread - unreadOf(have?.value, read) + unreadOf(kept.value, read);
  const next = settle({ ...state, conversations: state.conversations.set(id, kept), unread }, have?.value, kept.value);
  return have ? next : evict(next);
}

/** Forgets conversations and their read marks. */
export function dropConversations(state: State, ids: readonly string[]): State {
  let { conversations, reads, unread } = state;
  const forgotten = { ...state.eviction.forgotten };
  for (const id of ids) {
    const kept = conversations.get(id);
    if (!kept) continue;
    const { tenant } = kept.value;
    forgotten[tenant] = Math.max(forgotten[tenant] ?? 0, kept.cursor);
    unread -= unreadOf(kept.value, reads.get(id));
    conversations = conversations.delete(id);
    reads = reads.delete(id);
  }
  return { ...state, conversations, reads, unread, eviction: { ...state.eviction, forgotten } };
}

function evict(state: State): State {
  const { conversations } = state;
  let needed = state.search.found.length + state.pending.length + Object.keys(state.threads).length;
  for (const list of Object.values(state.lists)) needed += list.ids.length;
  if (conversations.size <= needed + spare) return state;
  let { hand } = state.eviction;
  const old: string[] = [];
  for (let seen = 0; seen < lookedAt;) {
    const found = conversations.sweep(hand);
    hand = found.hand;
    seen += Math.max(1, found.entries.length);
    for (const { key, value, tick } of found.entries) {
      if (conversations.ticks - tick > young && !isNeeded(state, value.value)) old.push(key);
    }
  }
  const next = old.length > 0 ? dropConversations(state, old) : state;
  return { ...next, eviction: { ...next.eviction, hand } };
}

function isNeeded(state: State, conversation: Conversation): boolean {
  const { id } = conversation;
  return id === state.active || id in state.threads || state.pending.some((one) => one.conversation === id)
    || state.search.found.some((one) => one.conversation === id)
    || Object.values(state.lists).some((list) => holds(state, list, conversation));
}

/** After a hole in the feed: what no list names and nobody looks at may have changed unheard. */
export function dropDoubtful(state: State, isKnown: (kept: Kept<Conversation>) => boolean): State {
  const named = new Set<string>(state.search.found.map((one) => one.conversation));
  for (const list of Object.values(state.lists)) for (const id of list.ids) named.add(id);
  if (state.active) named.add(state.active);
  const gone: string[] = [];
  state.conversations.forEach((kept, id) => {
    if (!named.has(id) && !isKnown(kept)) gone.push(id);
  });
  return gone.length > 0 ? dropConversations(state, gone) : state;
}

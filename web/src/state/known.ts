// The conversations that the page knows, whoever brought them, and how many of them it keeps. What was not heard of for
// long and is needed nowhere goes first; it is looked for a few at a time, so that no event pays for all.
import type { Conversation, ReadMark } from "../api.gen";
import { fromAnswer } from "./kept";
import { holds, settle } from "./lists";
import type { Kept, State } from "./model";
import { keepRead, unreadOf } from "./reads";

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
  return my_read ? keepRead(next, item.id, my_read, cursor) : next;
}

/** Puts what is known now in the place of what was, in the table, in the lists and in the sum of what is unread. */
export function putConversation(state: State, kept: Kept<Conversation>): State {
  const { id } = kept.value;
  const have = state.conversations.get(id);
  const read = state.reads.get(id);
  const unread = state.unread - unreadOf(have?.value, read) + unreadOf(kept.value, read);
  return settle({ ...state, conversations: state.conversations.set(id, kept), unread }, have?.value, kept.value);
}

/** Forgets conversations and their read marks. */
export function dropConversations(state: State, ids: readonly string[]): State {
  let { conversations, reads, unread } = state;
  const forgotten = { ...state.eviction.forgotten };
  for (const id of ids) {
    const kept = conversations.get(id);
    if (!kept) continue;
    const { tenant } = kept.value;
    forgotten[tenant] = Math.max(forgotten[tenant] ?? 0, kept.cursor, reads.get(id)?.cursor ?? 0);
    unread -= unreadOf(kept.value, reads.get(id));
    conversations = conversations.delete(id);
    reads = reads.delete(id);
  }
  return { ...state, conversations, reads, unread, eviction: { ...state.eviction, forgotten } };
}

/** Read marks of conversations that are not known go once there are too many of them. */
export function dropStrayReads(state: State): State {
  const { reads, conversations, positions, bounds } = state;
  if (reads.size <= conversations.size + bounds.conversations) return state;
  const forgotten = Object.fromEntries(Object.entries(positions).map(([tenant, { offset }]) => [tenant, offset]));
  return { ...state, reads: reads.filter((_, id) => conversations.has(id)),
    eviction: { ...state.eviction, forgotten: { ...state.eviction.forgotten, ...forgotten } } };
}

/** Looks for what can go, after so many conversations came. Not while a page is taken: its rows are in no list yet. */
export function evict(state: State, came = 1): State {
  const { conversations } = state;
  let needed = state.search.found.length + state.pending.length + state.wishes.length + Object.keys(state.threads).length;
  for (const list of Object.values(state.lists)) needed += list.ids.length;
  const spare = state.bounds.conversations;
  if (conversations.size <= needed + spare) return state;
  let { hand } = state.eviction;
  const old: string[] = [];
  for (let seen = 0; seen < came * lookedAt;) {
    const found = conversations.sweep(hand);
    hand = found.hand;
    seen += Math.max(1, found.entries.length);
    for (const { key, value, tick } of found.entries) {
      // Half of them stay for their age alone, so that an answer is hardly ever older than what is forgotten.
      const { cursor, value: { tenant } } = value;
      const settled = cursor <= (state.eviction.heard[tenant] ?? 0) || state.notLive.includes(tenant);
      if (settled && conversations.ticks - tick > spare / 2 && !isNeeded(state, value.value)) old.push(key);
    }
  }
  const next = old.length > 0 ? dropConversations(state, old) : state;
  return { ...next, eviction: { ...next.eviction, hand } };
}

function isNeeded(state: State, conversation: Conversation): boolean {
  const { id } = conversation;
  return id === state.active || id in state.threads || state.pending.some((one) => one.conversation === id)
    || state.wishes.some((one) => one.conversation === id)
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

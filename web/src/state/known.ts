// The conversations that the page knows, whoever brought them, and how many of them it keeps.
import type { Conversation, ReadMark } from "../api.gen";
import { fromAnswer } from "./kept";
import { settle } from "./lists";
import type { State } from "./model";
import { keepRead } from "./reads";

/** Conversations that nothing on the page needs: the newest stay, for their unread messages and for lists to come. */
const spare = 500;

/** Takes a conversation from an answer that is at least as new as the cursor. */
export function keepConversation(state: State, item: Conversation & { my_read?: ReadMark }, cursor: number): State {
  const { my_read, ...conversation } = item;
  const have = state.conversations[item.id];
  const kept = fromAnswer(have, conversation, cursor);
  let next = state;
  if (kept !== have) {
    next = settle({ ...next, conversations: { ...next.conversations, [item.id]: kept } }, kept.value);
  }
  return my_read ? keepRead(next, item.id, my_read) : next;
}

/** Forgets the oldest of those that are in no list, in no thread and in no search, once there are too many. */
export function prune(state: State): State {
  const all = Object.entries(state.conversations);
  if (all.length <= spare) return state;
  const needed = new Set([...Object.keys(state.threads), ...state.search.found.map((one) => one.conversation)]);
  for (const list of Object.values(state.lists)) for (const id of list.ids) needed.add(id);
  for (const pending of state.pending) needed.add(pending.conversation);
  if (state.active) needed.add(state.active);
  const others = all.filter(([id]) => !needed.has(id));
  // Half is left, so that this is not done again with the next event.
  if (others.length <= spare) return state;
  others.sort(([, a], [, b]) => b.value.updated_at - a.value.updated_at);
  for (const [id] of others.slice(0, spare / 2)) needed.add(id);
  const keep = <T>(from: Record<string, T>) => Object.fromEntries(Object.entries(from).filter(([id]) => needed.has(id)));
  return { ...state, conversations: keep(state.conversations), reads: keep(state.reads) };
}

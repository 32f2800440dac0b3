// How far this user has read, and how much is unread for it.
import type { Conversation, ReadMark } from "../api.gen";
import type { State } from "./model";

/** A read mark only moves forward. */
export function keepRead(state: State, conversation: string, mark: ReadMark, cursor: number): State {
  const have = state.reads.get(conversation);
  if (have && have.seq >= mark.seq && have.inbound_count >= mark.inbound_count) return state;
  const read = {
    seq: Math.max(have?.seq ?? 0, mark.seq),
    inbound_count: Math.max(have?.inbound_count ?? 0, mark.inbound_count),
    cursor: Math.max(have?.cursor ?? 0, cursor),
  };
  const known = state.conversations.get(conversation)?.value;
  const unread = state.unread - unreadOf(known, have) + unreadOf(known, read);
  return { ...state, reads: state.reads.set(conversation, read), unread };
}

/** Puts a mark back that the server did not take. */
export function takeBackRead(state: State, conversation: string, before: ReadMark | null): State {
  const have = state.reads.get(conversation);
  const read = before && { ...before, cursor: have?.cursor ?? 0 };
  const known = state.conversations.get(conversation)?.value;
  const unread = state.unread - unreadOf(known, have) + unreadOf(known, read ?? undefined);
  return { ...state, reads: read ? state.reads.set(conversation, read) : state.reads.delete(conversation), unread };
}

/** What a conversation adds to the sum: nothing while it is closed, or while nobody knows how far they read. */
export function unreadOf(conversation: Conversation | undefined, read: ReadMark | undefined): number {
  if (!conversation || !read || conversation.state !== "open") return 0;
  return Math.max(0, conversation.inbound_count - read.inbound_count);
}

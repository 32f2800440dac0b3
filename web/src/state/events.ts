// Applies the events of the feed. Every event carries whole objects, so any order and any repetition ends the same.
import type { Event, ReadMark } from "../wire";
import { fromEvent } from "./kept";
import type { State } from "./model";
import { keepMessage } from "./thread";
import { settleWriting } from "./writing";

export function applyEvent(state: State, event: Event): State {
  let next = advance(state, event);
  const { conversation, message, read, channel_state } = event;
  if (conversation) {
    const have = next.conversations[conversation.id];
    const kept = fromEvent(have, conversation, event.cursor);
    if (kept !== have) {
      next = { ...next, conversations: { ...next.conversations, [conversation.id]: kept } };
      next = settleWriting(next, conversation);
      // The first message that the page ever saw of a conversation is also the first one that nobody read.
      if (!have && conversation.last_seq <= 1 && !next.reads[conversation.id]) {
        next = keepRead(next, conversation.id, { seq: 0, inbound_count: 0 });
      }
    }
  }
  if (message) {
    const thread = next.threads[message.conversation];
    if (thread) {
      const kept = keepMessage(thread, message, event.cursor, fromEvent);
      if (kept !== thread) next = { ...next, threads: { ...next.threads, [message.conversation]: kept } };
    }
    next = acknowledge(next, message.client_id);
  }
  if (read && read.user === next.session.user?.id) next = keepRead(next, read.conversation, read);
  if (event.kind === "channel.updated" && event.channel && channel_state) {
    const channel = next.channels[event.channel];
    if (channel) next = { ...next, channels: { ...next.channels, [channel.id]: { ...channel, ...channel_state } } };
  }
  return next;
}

/** A read mark only moves forward. */
export function keepRead(state: State, conversation: string, mark: ReadMark): State {
  const have = state.reads[conversation];
  if (have && have.seq >= mark.seq && have.inbound_count >= mark.inbound_count) return state;
  const read = {
    seq: Math.max(have?.seq ?? 0, mark.seq),
    inbound_count: Math.max(have?.inbound_count ?? 0, mark.inbound_count),
  };
  return { ...state, reads: { ...state.reads, [conversation]: read } };
}

/** The message with this client id is in the store of the server: it waits no longer. */
export function acknowledge(state: State, clientId: string | null): State {
  if (!clientId || !state.pending.some((p) => p.client_id === clientId)) return state;
  return { ...state, pending: state.pending.filter((p) => p.client_id !== clientId) };
}

function advance(state: State, event: Event): State {
  const at = state.positions[event.tenant];
  if (at && at.offset >= event.cursor) return state;
  const position = { offset: event.cursor, epoch: at?.epoch ?? "" };
  return { ...state, positions: { ...state.positions, [event.tenant]: position } };
}

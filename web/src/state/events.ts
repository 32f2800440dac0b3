// Applies the events of the feed. Every event carries whole objects, so any order and any repetition ends the same.
import type { Event } from "../api.gen";
import { takeMove } from "./counts";
import { fromEvent } from "./kept";
import { prune } from "./known";
import { settle } from "./lists";
import type { State } from "./model";
import { keepRead } from "./reads";
import { keepMessage } from "./thread";
import { settleWriting } from "./writing";

export function applyEvent(state: State, event: Event): State {
  let next = takeMove(advance(state, event), event);
  const { conversation, message, read, channel_state } = event;
  if (conversation) {
    const have = next.conversations[conversation.id];
    const kept = fromEvent(have, conversation, event.cursor);
    if (kept !== have) {
      next = { ...next, conversations: { ...next.conversations, [conversation.id]: kept } };
      next = settle(settleWriting(next, conversation), conversation);
      // The first message that the page ever saw of a conversation is also the first one that nobody read.
      if (!have && conversation.last_seq <= 1 && !next.reads[conversation.id]) {
        next = keepRead(next, conversation.id, { seq: 0, inbound_count: 0 });
      }
      if (!have) next = prune(next);
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
    // The event has no webhook address, which an answer may have brought; of a new channel it is all there is.
    const channel = { ...next.channels[event.channel], ...channel_state };
    next = { ...next, channels: { ...next.channels, [channel.id]: channel } };
  }
  return next;
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

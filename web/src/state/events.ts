// Applies the events of the feed. Every event carries whole objects, so any order and any repetition ends the same.
import type { Event } from "../api.gen";
import { takeMove } from "./counts";
import { fromEvent } from "./kept";
import { putConversation } from "./known";
import type { State } from "./model";
import { keepRead } from "./reads";
import { keepEvent } from "./thread";
import { settleWriting } from "./writing";

export function applyEvent(state: State, event: Event): State {
  let next = takeMove(advance(state, event), event);
  const { conversation, message, read, channel_state } = event;
  if (conversation) {
    const have = next.conversations.get(conversation.id);
    const kept = fromEvent(have, conversation, event.cursor);
    // One that was evicted may have been known better than by an event that comes again.
    const again = !have && event.cursor <= (next.eviction.forgotten[event.tenant] ?? 0);
    if (kept !== have && !again) {
      next = settleWriting(putConversation(next, kept), conversation);
      // The first message that the page ever saw of a conversation is also the first one that nobody read.
      if (!have && conversation.last_seq <= 1 && !next.reads.has(conversation.id)) {
        next = keepRead(next, conversation.id, { seq: 0, inbound_count: 0 });
      }
    }
  }
  if (message) {
    const thread = next.threads[message.conversation];
    if (thread) {
      const kept = keepEvent(thread, message, event.cursor, message.conversation === next.active);
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

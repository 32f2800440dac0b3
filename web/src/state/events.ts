// Applies the events of the feed. Every event carries whole objects, so any order and any repetition ends the same.
import type { Event } from "../api.gen";
import { takeMove } from "./counts";
import { fromEvent } from "./kept";
import { prune } from "./known";
import { settle } from "./lists";
import type { State } from "./model";
import { acknowledge } from "./pending";
import { keepRead } from "./reads";
import { keepMessage } from "./thread";
import { settleTyping } from "./typing";
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
    next = settleTyping(acknowledge(next, message.client_id), message);
  }
  if (read && read.user === next.session.user?.id) next = keepRead(next, read.conversation, read);
  if (event.kind === "channel.updated" && event.channel && channel_state) {
    const channel = next.channels[event.channel];
    if (channel) next = { ...next, channels: { ...next.channels, [channel.id]: { ...channel, ...channel_state } } };
  }
  return next;
}

function advance(state: State, event: Event): State {
  const at = state.positions[event.tenant];
  if (at && at.offset >= event.cursor) return state;
  const position = { offset: event.cursor, epoch: at?.epoch ?? "" };
  return { ...state, positions: { ...state.positions, [event.tenant]: position } };
}

// Applies the events of the feed. Every event carries whole objects, so any order and any repetition ends the same.
import type { Event, Message } from "../api.gen";
import { takeMove } from "./counts";
import { fromEvent } from "./kept";
import { dropStrayReads, evict, putConversation } from "./known";
import type { State, Thread } from "./model";
import { acknowledge } from "./pending";
import { keepRead } from "./reads";
import { cutThread, keepEvent } from "./thread";
import { settleTyping } from "./typing";
import { settleWriting } from "./writing";

/** More are on the page of leads when it is loaded again. */
const mostLeads = 200;

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
      // Nobody has read the first message of a conversation yet.
      if (!have && event.kind === "message.created" && message?.seq === 1) {
        next = keepRead(next, conversation.id, { seq: 0, inbound_count: 0 }, event.cursor);
      }
      next = evict(next);
    }
  }
  if (message) {
    const thread = next.threads[message.conversation];
    if (thread) {
      const kept = keepEvent(thread, message, event.cursor);
      if (kept !== thread) next = { ...next, threads: { ...next.threads, [message.conversation]: shortened(next, kept, message) } };
    }
    next = settleTyping(acknowledge(next, message.client_id), message);
  }
  // A page that is under way may name the conversation, so its mark is kept before it is known.
  if (read && read.user === next.session.user?.id) next = dropStrayReads(keepRead(next, read.conversation, read, event.cursor));
  if (event.kind === "channel.updated" && event.channel && channel_state) {
    // The event has no webhook address, which an answer may have brought; of a new channel it is all there is.
    const channel = { ...next.channels[event.channel], ...channel_state };
    next = { ...next, channels: { ...next.channels, [channel.id]: channel } };
  }
  if (event.lead && !next.leads.some(({ id }) => id === event.lead?.id)) {
    next = { ...next, leads: [event.lead, ...next.leads].slice(0, mostLeads) };
  }
  return next;
}

/** Of a thread that nobody looks at, the end is enough. */
function shortened({ active, bounds }: State, thread: Thread, { conversation }: Message): Thread {
  return conversation === active ? thread : cutThread(thread, bounds.messages, bounds.messages / 2);
}

function advance(state: State, event: Event): State {
  const { tenant, cursor } = event;
  const { heard } = state.eviction;
  const eviction = cursor > (heard[tenant] ?? 0) ? { ...state.eviction, heard: { ...heard, [tenant]: cursor } } : state.eviction;
  const at = state.positions[tenant];
  if (at && at.offset >= cursor) return { ...state, eviction };
  return { ...state, eviction, positions: { ...state.positions, [tenant]: { offset: cursor, epoch: at?.epoch ?? "" } } };
}

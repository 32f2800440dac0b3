// Threads: pages of history and live messages in one map by seq. Decides what is kept, not when to load.
import type { Message, MessagesAnswer as MessagePage } from "../api.gen";
import { fromAnswer } from "./kept";
import type { Kept, Thread } from "./model";

export const noThread: Thread = {
  phase: "idle",
  error: null,
  messages: new Map(),
  oldest: null,
  more: false,
  loadingOlder: false,
};

/** Takes one message; `merge` says whether an event or an answer brought it. */
export function keepMessage(thread: Thread, message: Message, cursor: number, merge = fromAnswer): Thread {
  const have = thread.messages.get(message.seq);
  const next = merge(have, message, cursor);
  if (next === have) return thread;
  const messages = new Map(thread.messages);
  messages.set(message.seq, next);
  // A conversation whose first page was empty becomes visible with its first message.
  const oldest = thread.phase === "ready" && thread.oldest === null ? message.seq : thread.oldest;
  return { ...thread, messages, oldest };
}

/** Takes a page: the newest one, or the one right above `oldest`. */
export function keepPage(thread: Thread, page: MessagePage, older: boolean, cursor: number): Thread {
  const messages = new Map(thread.messages);
  for (const message of page.messages) {
    messages.set(message.seq, fromAnswer(messages.get(message.seq), message, cursor));
  }
  const first = page.messages[0]?.seq ?? null;
  const reach = older ? null : lowest(messages);
  return {
    phase: "ready",
    error: null,
    messages,
    oldest: first ?? (thread.oldest ?? reach),
    more: page.more,
    loadingOlder: false,
  };
}

function lowest(messages: ReadonlyMap<number, Kept<Message>>): number | null {
  let low: number | null = null;
  for (const seq of messages.keys()) if (low === null || seq < low) low = seq;
  return low;
}

const shown = new WeakMap<Thread, Message[]>();

/** The messages to draw, in rising seq; the same array for the same thread. */
export function threadMessages(thread: Thread): Message[] {
  const known = shown.get(thread);
  if (known) return known;
  const oldest = thread.oldest;
  const list: Message[] = [];
  if (oldest !== null) {
    for (const [seq, kept] of thread.messages) if (seq >= oldest) list.push(kept.value);
    list.sort((a, b) => a.seq - b.seq);
  }
  shown.set(thread, list);
  return list;
}

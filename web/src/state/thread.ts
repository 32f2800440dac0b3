// Threads: pages of history and live messages in one table by seq. Decides what is kept, not when to load.
import type { Message, MessagesAnswer as MessagePage } from "../api.gen";
import { fromAnswer, fromEvent } from "./kept";
import type { Thread } from "./model";
import { Table } from "./table";

export const noThread: Thread = {
  phase: "idle",
  error: null,
  messages: Table.empty(),
  order: [],
  oldest: null,
  more: false,
  loadingOlder: false,
  olderFrom: null,
};

/** Whether the provider refused a message because the customer wrote too long ago, and the customer has not written since. */
export function isWindowClosed({ order, messages }: Thread): boolean {
  for (let at = order.length - 1; at >= 0; at -= 1) {
    const message = messages.get(order[at]!)?.value;
    if (message?.direction === "in") return false;
    if (message?.direction === "out" && message.error?.code.endsWith("window_closed")) return true;
  }
  return false;
}

/** Takes one message; `merge` says whether an event or an answer brought it. */
export function keepMessage(thread: Thread, message: Message, cursor: number, merge = fromAnswer): Thread {
  const { seq } = message;
  const have = thread.messages.get(seq);
  const next = merge(have, message, cursor);
  if (next === have) return thread;
  const messages = thread.messages.set(seq, next);
  // A conversation whose first page was empty becomes visible with its first message.
  const oldest = thread.phase === "ready" && thread.oldest === null ? seq : thread.oldest;
  const added = !have && oldest !== null && seq >= oldest;
  return { ...thread, messages, oldest, order: added ? inserted(thread.order, seq) : thread.order };
}

/** Takes the message of an event. */
export function keepEvent(thread: Thread, message: Message, cursor: number): Thread {
  // What no page on its way can bring as it was before is left to the page that will.
  const held = thread.oldest !== null && message.seq < thread.oldest;
  if (held && thread.phase === "ready" && !thread.loadingOlder) return thread;
  return keepMessage(thread, message, cursor, fromEvent);
}

/** Leaves the end of a thread that has become longer than `most`; what is above comes again by its page. */
export function cutThread(thread: Thread, most: number, left: number): Thread {
  const { order, phase, loadingOlder } = thread;
  if (order.length <= most || phase !== "ready" || loadingOlder) return thread;
  const end = order.slice(-left);
  const messages = Table.from(end.map((seq) => [seq, thread.messages.get(seq)!] as const));
  return { ...thread, messages, order: end, oldest: end[0]!, more: true };
}

/** Takes a page: the newest one, or the one right above `oldest`. */
export function keepPage(thread: Thread, page: MessagePage, older: boolean, cursor: number): Thread {
  // The newest page was read again meanwhile: between the two there may be a hole.
  if (older && !(thread.loadingOlder && thread.olderFrom === thread.oldest)) return { ...thread, loadingOlder: false };
  const [first] = page.messages;
  // Above the newest page, older pages go on anew: there may be a hole between it and what was read before. What a lost
  // feed left behind goes.
  let messages = older ? thread.messages
    : thread.messages.filter((kept, seq) => kept.cursor >= 0 && (!first || seq >= first.seq));
  for (const message of page.messages) {
    const have = messages.get(message.seq);
    const kept = fromAnswer(have, message, cursor);
    if (kept !== have) messages = messages.set(message.seq, kept);
  }
  const seqs: number[] = [];
  messages.forEach((_, seq) => seqs.push(seq));
  seqs.sort((a, b) => a - b);
  const oldest = first?.seq ?? (older ? thread.oldest : (seqs[0] ?? null));
  return {
    ...thread,
    phase: "ready",
    error: null,
    messages,
    order: oldest === null ? [] : seqs.filter((seq) => seq >= oldest),
    oldest,
    more: page.more,
    loadingOlder: false,
  };
}

/** The newest mostly comes last, so its place is looked for from the end. */
function inserted(order: readonly number[], seq: number): readonly number[] {
  let at = order.length;
  while (at > 0 && order[at - 1]! > seq) at -= 1;
  const next = order.slice();
  next.splice(at, 0, seq);
  return next;
}

const shown = new WeakMap<Thread, Message[]>();

/** The messages to draw, in rising seq; the same array for the same thread. */
export function threadMessages(thread: Thread): Message[] {
  const known = shown.get(thread);
  if (known) return known;
  const list = thread.order.map((seq) => thread.messages.get(seq)!.value);
  shown.set(thread, list);
  return list;
}

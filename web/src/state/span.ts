// Which part of a thread is drawn: a span that grows where one scrolls to and is cut at its other end, so that drawing
// costs the same however much is loaded. Seqs, not places: messages come and go at both ends.
import { partitionPoint } from "./partition";

export interface Span {
  /** The first seq that is drawn; null follows the end: the newest few. */
  from: number | null;
  /** The last one; null is the newest. */
  to: number | null;
}

export const atEnd: Span = { from: null, to: null };
/** So many are drawn at the end, at most so many at all, and so many come with a step. */
const few = 80;
const most = 200;
const stepBy = 60;

/** Begin and end (exclusive) of what is drawn of the seqs. */
export function placesOf(order: readonly number[], { from, to }: Span): [number, number] {
  const end = to === null ? order.length : after(order, to);
  const begin = from === null ? Math.max(0, end - few) : before(order, from);
  // New ones below may have come while one looks above.
  return [Math.min(begin, end), Math.min(end, begin + most)];
}

/** One looks at the end no more: what is drawn stays. */
export function held(order: readonly number[], span: Span): Span {
  if (span.from !== null) return span;
  const [begin] = placesOf(order, span);
  return { from: order[begin] ?? null, to: span.to };
}

/** More above; null when all that is loaded is drawn up to there. */
export function higher(order: readonly number[], span: Span): Span | null {
  const [begin, end] = placesOf(order, span);
  if (begin === 0) return null;
  const from = Math.max(0, begin - stepBy);
  const to = Math.min(end, from + most);
  return { from: order[from]!, to: to === order.length ? null : order[to - 1]! };
}

/** More below; null when the newest is drawn. */
export function lower(order: readonly number[], span: Span): Span | null {
  const [begin, end] = placesOf(order, span);
  if (end === order.length) return null;
  const to = Math.min(order.length, end + stepBy);
  const from = Math.max(begin, to - most);
  return { from: order[from]!, to: to === order.length ? null : order[to - 1]! };
}

/** What is around one message. */
export function about(order: readonly number[], seq: number): Span {
  const at = before(order, seq);
  const to = Math.min(order.length, at + stepBy);
  return { from: order[Math.max(0, at - stepBy)] ?? null, to: to === order.length ? null : order[to - 1]! };
}

function before(order: readonly number[], seq: number): number {
  return partitionPoint(order.length, (at) => order[at]! < seq);
}

function after(order: readonly number[], seq: number): number {
  return before(order, seq + 1);
}

// What is known of the counts of the views, as plain values.
import type { Counts, Moved } from "../api.gen";

export type Move = Moved & { cursor: number } & Record<"tenant" | "company" | "channel", string | null>;

export interface Counters {
  /** Null while they are not known. */
  values: Counts | null;
  /** By tenant: every move up to this cursor is in the values. */
  at: Record<string, number>;
  moves: readonly Move[];
  /** By tenant: the cursor of the last move that came, and of the last one that was forgotten. */
  seen: Record<string, number>;
  forgotten: Record<string, number>;
}

export const noCounters: Counters = { values: null, at: {}, moves: [], seen: {}, forgotten: {} };

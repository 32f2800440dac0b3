// The one rule of merging: what is true as of the later cursor wins.
import type { AsOf, Kept, State } from "./model";

/** For answers: one that left at cursor c was read at c or later, so it is at least as new as the event c. */
export function fromAnswer<T>(have: Kept<T> | undefined, value: T, cursor: number): Kept<T> {
  return have && have.cursor > cursor ? have : { value, cursor };
}

/** For events: one that is already contained in what is known changes nothing. */
export function fromEvent<T>(have: Kept<T> | undefined, value: T, cursor: number): Kept<T> {
  return have && have.cursor >= cursor ? have : { value, cursor };
}

/** Cursors by tenant at this moment, to be taken before a request leaves. */
export function asOf(state: State): AsOf {
  const out: AsOf = {};
  for (const [tenant, position] of Object.entries(state.positions)) out[tenant] = position.offset;
  return out;
}

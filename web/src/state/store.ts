// Holds the state and tells listeners at most once a frame: a catch-up of hundreds of events draws a few times only.
import { emptyState, type Change, type State } from "./model";
import { reduce } from "./reduce";

const frameMs = 32;

export interface Store {
  get(): State;
  apply(change: Change): void;
  subscribe(listener: () => void): () => void;
}

export function createStore(initial: State = emptyState, now: () => number = () => performance.now()): Store {
  let state = initial;
  let toldAt = -Infinity;
  let waiting = false;
  const listeners = new Set<() => void>();
  const tell = () => {
    waiting = false;
    toldAt = now();
    for (const listener of listeners) listener();
  };
  return {
    get: () => state,
    apply(change) {
      const next = reduce(state, change);
      if (next === state) return;
      state = next;
      // What is typed must be drawn before the key's event ends, or the field would jump back for a moment.
      if (change.type === "draft" || change.type === "filter" || change.type === "search.typed") return tell();
      if (waiting) return;
      waiting = true;
      const rest = frameMs - (now() - toldAt);
      if (rest <= 0) queueMicrotask(() => waiting && tell());
      else setTimeout(() => waiting && tell(), rest);
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

// Holds the state and tells listeners once per burst: a catch-up of hundreds of events draws once.
import { emptyState, type Change, type State } from "./model";
import { reduce } from "./reduce";

export interface Store {
  get(): State;
  apply(change: Change): void;
  subscribe(listener: () => void): () => void;
}

export function createStore(initial: State = emptyState): Store {
  let state = initial;
  let told = true;
  const listeners = new Set<() => void>();
  return {
    get: () => state,
    apply(change) {
      const next = reduce(state, change);
      if (next === state) return;
      state = next;
      if (!told) return;
      told = false;
      queueMicrotask(() => {
        told = true;
        for (const listener of listeners) listener();
      });
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

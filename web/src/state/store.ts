// Holds the state and tells listeners at most once a frame, right before it is painted. A listener that is about one
// conversation is told only when something of that one changed, or of what all of them depend on.
import { emptyState, type Change, type State } from "./model";
import { reduce } from "./reduce";

/** Every frame of a usual screen, and every other one of a quick one. */
const restMs = 12;

export interface Store {
  get(): State;
  apply(change: Change): void;
  /** `about` is the conversation that the listener is about; without it, it is told of everything. */
  subscribe(listener: () => void, about?: string): () => void;
}

/** Calls before the next frame is painted; false where there are no frames to wait for. */
export type Frame = (run: () => void) => boolean;

export function createStore(
  initial: State = emptyState, now: () => number = () => performance.now(), frame: Frame = beforePainting,
): Store {
  let state = initial;
  let told = initial;
  let toldAt = -Infinity;
  let waiting = false;
  const all = new Set<() => void>();
  const about = new Map<string, Set<() => void>>();

  const tell = () => {
    const before = told;
    waiting = false;
    toldAt = now();
    told = state;
    for (const listener of all) listener();
    const common = commonChanged(before, state);
    for (const [id, listeners] of about) {
      if (common || conversationChanged(before, state, id)) for (const listener of listeners) listener();
    }
  };
  const wait = () => {
    const rest = restMs - (now() - toldAt);
    const due = () => {
      if (!waiting) return;
      if (now() - toldAt >= restMs) tell();
      else wait();
    };
    if (frame(due)) return;
    if (rest <= 0) queueMicrotask(() => waiting && tell());
    else setTimeout(() => waiting && tell(), rest);
  };
  return {
    get: () => state,
    apply(change) {
      const begun = performance.now();
      const next = reduce(state, change);
      if (change.type === "event") measure(begun);
      if (next === state) return;
      state = next;
      // What is typed must be drawn before the key's event ends, or the field would jump back for a moment.
      if (change.type === "draft" || change.type === "filter" || change.type === "search.typed") return tell();
      if (waiting) return;
      waiting = true;
      wait();
    },
    subscribe(listener, id) {
      const set = id === undefined ? all : (about.get(id) ?? new Set());
      if (id !== undefined) about.set(id, set);
      set.add(listener);
      return () => {
        set.delete(listener);
        if (id !== undefined && set.size === 0 && about.get(id) === set) about.delete(id);
      };
    },
  };
}

function commonChanged(before: State, after: State): boolean {
  return before.session !== after.session || before.active !== after.active || before.filter !== after.filter
    || before.link !== after.link || before.channels !== after.channels || before.companies !== after.companies
    || before.people !== after.people || before.labels !== after.labels || before.notLive !== after.notLive
    || before.leads !== after.leads;
}

function conversationChanged(before: State, after: State, id: string): boolean {
  return before.conversations.get(id) !== after.conversations.get(id) || before.reads.get(id) !== after.reads.get(id)
    || before.threads[id] !== after.threads[id] || before.drafts[id] !== after.drafts[id]
    || before.writing[id] !== after.writing[id] || before.typing[id] !== after.typing[id]
    || before.viewers[id] !== after.viewers[id] || before.pending !== after.pending
    || before.wishes !== after.wishes;
}

/** A page that is not shown paints nothing, but its title and what it keeps go on. */
function beforePainting(run: () => void): boolean {
  if (typeof requestAnimationFrame === "undefined" || document.visibilityState === "hidden") return false;
  let done = false;
  const once = () => {
    if (done) return;
    done = true;
    cancelAnimationFrame(frame);
    clearTimeout(late);
    run();
  };
  const frame = requestAnimationFrame(once);
  // Frames may stop without a word: a window behind others.
  const late = setTimeout(once, lateMs);
  return true;
}

const lateMs = 100;

/** Shows in a browser's recording what an event cost; nothing is kept. */
function measure(begun: number): void {
  performance.measure("hubbub.event", { start: begun });
  performance.clearMeasures("hubbub.event");
}

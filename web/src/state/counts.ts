// How many conversations each view holds: the server counts, and events move the counts. Loaded rows are never counted.
import type { Counts, Event, Position } from "../api.gen";
import type { Move } from "./counters";
import type { State } from "./model";
import { inScope, inView, sameScope, views, type Scope } from "./views";

/** Moves that are remembered for answers that are still under way. */
const maxMoves = 500;

/** Takes an answer, and adds what came since it was read. One that asked for another scope is not taken. */
export function takeCounts(state: State, scope: Scope, counts: Counts, read: Record<string, Position>): State {
  if (!sameScope(scope, state.filter)) return state;
  const at = Object.fromEntries(Object.entries(read).map(([tenant, position]) => [tenant, position.offset]));
  const { moves, forgotten } = state.counters;
  // Moves that are needed are gone: unknown, and to be asked for again.
  if (Object.entries(at).some(([tenant, cursor]) => (forgotten[tenant] ?? 0) > cursor)) return countsUnknown(state);
  const start: State = { ...state, counters: { ...state.counters, values: counts, at } };
  return moves.reduce(count, start);
}

export function countsUnknown(state: State): State {
  return { ...state, counters: { ...state.counters, values: null, at: {} } };
}

export function takeMove(state: State, event: Event): State {
  const { counters } = state;
  if (!event.moved || event.cursor <= (counters.seen[event.tenant] ?? 0)) return state;
  const { tenant, company, channel, cursor } = event;
  const move: Move = { ...event.moved, tenant, company, channel, cursor };
  const kept = [...counters.moves, move];
  const forgotten = { ...counters.forgotten };
  for (const old of kept.splice(0, Math.max(0, kept.length - maxMoves))) forgotten[old.tenant ?? ""] = old.cursor;
  const seen = { ...counters.seen, [tenant]: cursor };
  return count({ ...state, counters: { ...counters, moves: kept, seen, forgotten } }, move);
}

function count(state: State, move: Move): State {
  const { values, at } = state.counters;
  const tenant = move.tenant ?? "";
  const known = at[tenant];
  // A tenant that the answer did not read is not in the counts.
  if (!values || known === undefined || move.cursor <= known) return state;
  const after = { ...values };
  if (inScope(state.filter, move)) {
    const me = state.session.user?.id;
    for (const view of views) {
      after[view] += Number(inView(view, move.to, me)) - Number(move.from !== null && inView(view, move.from, me));
    }
  }
  return { ...state, counters: { ...state.counters, values: after, at: { ...at, [tenant]: move.cursor } } };
}

// The lists of the page: for each query the ids that the server gave, kept in order by what events say since.
// A list holds exactly what belongs between its top and its reach; what is below comes with its own page.
import type { Conversation } from "../api.gen";
import { cursorOf } from "./cursor";
import type { List, State } from "./model";
import { partitionPoint } from "./partition";
import { compare, inQuery, listKey, type Place, type Query } from "./views";

/** So many lists stay loaded; the one that was loaded longest ago goes first. */
const maxLists = 8;

const noList: Omit<List, "query"> = {
  phase: "idle", error: null, ids: [], next: null, seen: 0, reach: "nothing", asked: 0, floor: 0,
};

export function currentList(state: State): List | undefined {
  return state.lists[listKey(state.filter)];
}

export function listLoading(state: State, query: Query, run: number): State {
  const key = listKey(query);
  const { [key]: have = { ...noList, query, floor: run }, ...others } = state.lists;
  const current = listKey(state.filter);
  const old = Object.keys(others).filter((other) => other !== current);
  for (const other of old.slice(0, Math.max(0, Object.keys(others).length + 1 - maxLists))) delete others[other];
  return { ...state, lists: { ...others, [key]: { ...have, phase: "loading", error: null, asked: run } } };
}

export function listFailed(state: State, query: Query, run: number, reason: string): State {
  const list = state.lists[listKey(query)];
  if (!list || list.asked !== run) return state;
  return putList(state, { ...list, phase: "error", error: reason });
}

/** How far down somebody looks at the list on the screen. */
export function listSeen(state: State, depth: number): State {
  const list = currentList(state);
  if (!list || list.seen === depth) return state;
  return putList(state, bounded(state, { ...list, seen: depth }));
}

/** Puts a conversation where it belongs now in every list, or takes it out. */
export function settle(state: State, before: Conversation | undefined, after: Conversation): State {
  let lists = state.lists;
  for (const [key, list] of Object.entries(state.lists)) {
    const ids = settled(state, list, before, after);
    if (ids !== list.ids) lists = { ...lists, [key]: bounded(state, { ...list, ids }) };
  }
  return lists === state.lists ? state : { ...state, lists };
}

function settled(state: State, list: List, before: Conversation | undefined, after: Conversation): readonly string[] {
  const { query, ids } = list;
  const place = (id: string) => (id === after.id ? before : state.conversations.get(id)?.value);
  const at = before && holds(state, list, before) ? position(query, ids, before, place) : -1;
  const belongs = holds(state, list, after);
  if (at < 0 && !belongs) return ids;
  const others = ids.slice();
  if (at >= 0) others.splice(at, 1);
  if (!belongs) return others;
  const to = lowerBound(query, others, after, place);
  if (to === at) return ids;
  others.splice(to, 0, after.id);
  return others;
}

/** Where a conversation stands that was last known as `as`. */
function position(query: Query, ids: readonly string[], as: Conversation, place: (id: string) => Place | undefined): number {
  const at = lowerBound(query, ids, as, place);
  return ids[at] === as.id ? at : ids.indexOf(as.id);
}

function lowerBound(query: Query, ids: readonly string[], value: Place, place: (id: string) => Place | undefined): number {
  return partitionPoint(ids.length, (at) => {
    const other = place(ids[at]!);
    return other !== undefined && compare(query.sort, other, value) < 0;
  });
}

/** Cuts what is far below what is looked at; a page that is under way goes on from the old end, so it is waited for. */
function bounded(state: State, list: List): List {
  const { rows } = state.bounds;
  if (list.ids.length <= list.seen + rows || (list.phase !== "ready" && list.phase !== "error")) return list;
  const ids = list.ids.slice(0, list.seen + rows / 2);
  const last = state.conversations.get(ids.at(-1)!)!.value;
  return { ...list, ids, reach: placeOf(last), next: cursorOf(list.query.sort, last) };
}

/** The feed has a hole: only the list on the screen stays, for the eye, until its first page is read again. */
export function listsStale(state: State, lost: boolean): State {
  const list = currentList(state);
  if (!list) return { ...state, lists: {} };
  // After a lost feed, answers that are under way may be of a log that is gone.
  const kept: List = { ...list, phase: "idle", floor: lost ? list.asked + 1 : list.floor };
  return { ...state, lists: { [listKey(list.query)]: kept } };
}

/** Whether a list has a row for a conversation, if it is known as it is. */
export function holds(state: State, { query, reach }: List, conversation: Conversation): boolean {
  return inQuery(query, conversation, state.session.user?.id) && reaches(query, reach, conversation);
}

export function reaches({ sort }: Query, reach: List["reach"], place: Place): boolean {
  if (reach === "nothing") return false;
  return reach === "everything" || compare(sort, place, reach) <= 0;
}

export function placeOf({ id, updated_at, waiting_since }: Place): Place {
  return { id, updated_at, waiting_since };
}

export function putList(state: State, list: List): State {
  return { ...state, lists: { ...state.lists, [listKey(list.query)]: list } };
}

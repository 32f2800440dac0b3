// The lists of the page: for each query the ids that the server gave, kept in order by what events say since.
// A list holds exactly what belongs between its top and its reach; what is below comes with its own page.
import type { Conversation } from "../api.gen";
import type { List, State } from "./model";
import { compare, inQuery, listKey, type Place, type Query } from "./views";

/** So many lists stay loaded; the one that was loaded longest ago goes first. */
const maxLists = 8;

const noList: Omit<List, "query"> = {
  phase: "idle", error: null, ids: [], next: null, reach: "nothing", asked: 0, floor: 0,
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

/** Puts a conversation where it belongs now in every list, or takes it out. */
export function settle(state: State, conversation: Conversation): State {
  let lists = state.lists;
  for (const [key, list] of Object.entries(state.lists)) {
    const ids = settled(state, list, conversation);
    if (ids !== list.ids) lists = { ...lists, [key]: { ...list, ids } };
  }
  return lists === state.lists ? state : { ...state, lists };
}

function settled(state: State, { query, reach, ids }: List, conversation: Conversation): readonly string[] {
  const at = ids.indexOf(conversation.id);
  const others = at < 0 ? ids : ids.filter((_, index) => index !== at);
  const belongs = inQuery(query, conversation, state.session.user?.id) && reaches(query, reach, conversation);
  if (!belongs) return others;
  let [low, high] = [0, others.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    const other = state.conversations[others[middle]!]!.value;
    if (compare(query.sort, other, conversation) < 0) low = middle + 1;
    else high = middle;
  }
  return low === at ? ids : [...others.slice(0, low), conversation.id, ...others.slice(low)];
}

/** The feed has a hole: only the list on the screen stays, for the eye, until its first page is read again. */
export function listsStale(state: State, lost: boolean): State {
  const list = currentList(state);
  if (!list) return { ...state, lists: {} };
  // After a lost feed, answers that are under way may be of a log that is gone.
  const kept: List = { ...list, phase: "idle", floor: lost ? list.asked + 1 : list.floor };
  return { ...state, lists: { [listKey(list.query)]: kept } };
}

export function reaches({ sort }: Query, reach: List["reach"], place: Place): boolean {
  if (reach === "nothing") return false;
  return reach === "everything" || compare(sort, place, reach) <= 0;
}

export function putList(state: State, list: List): State {
  return { ...state, lists: { ...state.lists, [listKey(list.query)]: list } };
}

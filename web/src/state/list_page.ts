// Takes the pages of lists: what they name, how far they reach, and as of when they are true.
import type { Conversation, InboxAnswer as InboxPage, Position } from "../api.gen";
import { takeCounts } from "./counts";
import { placeOfCursor } from "./cursor";
import { dropDoubtful, evict, keepConversation } from "./known";
import { currentList, placeOf, putList, reaches } from "./lists";
import type { List, State } from "./model";
import { compare, inQuery, listKey, type Query } from "./views";

export function listLoaded(state: State, query: Query, run: number, page: InboxPage, first: boolean): State {
  const asked = state.lists[listKey(query)];
  if (!asked || run < asked.floor) return state;
  // What was evicted since the page was read may belong into it, or be named by it wrongly: it is asked for again.
  if (isOverwritten(state, page.positions)) {
    return putList(state, { ...asked, phase: run === asked.asked ? "idle" : asked.phase });
  }
  let next = keepPositions(state, page.positions);
  const cursorOf = (tenant: string) => page.positions[tenant]?.offset ?? 0;
  for (const item of page.conversations) next = keepConversation(next, item, cursorOf(item.tenant));

  const list = next.lists[listKey(query)] ?? asked;
  const last = page.conversations.at(-1);
  const reach = page.next === null ? "everything" : (placeOfCursor(page.next) ?? (last ? placeOf(last) : list.reach));
  const me = next.session.user?.id;
  // Down to the old reach the list is right already.
  const from = first ? "nothing" : list.reach;
  const rows = new Map<string, Conversation>();
  const add = (one: Conversation | undefined) => {
    if (one && inQuery(query, one, me) && reaches(query, reach, one) && !reaches(query, from, one)) rows.set(one.id, one);
  };
  for (const { id } of page.conversations) add(next.conversations.get(id)?.value);
  // What the page does not name counts only if an event brought it that the page does not contain yet.
  next.conversations.forEach(({ value, cursor }) => {
    if (cursor > cursorOf(value.tenant)) add(value);
  });
  const added = [...rows.values()].sort((a, b) => compare(query.sort, a, b)).map((one) => one.id);
  const loaded: List = {
    ...list, ids: first ? added : [...list.ids, ...added], next: page.next, reach, error: null,
    phase: run === list.asked ? "ready" : list.phase, floor: first ? run + 1 : list.floor,
  };
  // Without an open feed nothing keeps the other lists true. The one on the screen may still be waiting for its page.
  const shown = currentList(next);
  const others = shown ? { [listKey(shown.query)]: shown } : {};
  next = next.link.phase === "live" ? putList(next, loaded) : { ...next, lists: { ...others, [listKey(query)]: loaded } };
  if (first && next.doubt !== null && run > next.doubt) {
    // What a hole in the feed left behind and the page does not name is closed or further down: its own page brings it.
    const waiting = shown?.phase === "loading" ? { [listKey(shown.query)]: emptied(shown) } : {};
    next = { ...next, lists: { ...waiting, [listKey(query)]: loaded }, doubt: null };
    next = dropDoubtful(next, ({ value, cursor }) => cursor > cursorOf(value.tenant));
  }
  next = evict(next, page.conversations.length);
  return page.counts ? takeCounts(next, query, page.counts, page.positions) : next;
}

function emptied(list: List): List {
  return { ...list, ids: [], next: null, reach: "nothing" };
}

function isOverwritten({ eviction }: State, read: Record<string, Position>): boolean {
  return Object.entries(read).some(([tenant, { offset }]) => offset < (eviction.forgotten[tenant] ?? 0));
}

/** What the server says is true as of a position: later answers are at least as new. */
export function keepPositions(state: State, read: Record<string, Position>): State {
  const positions = { ...state.positions };
  for (const [tenant, position] of Object.entries(read)) {
    const have = positions[tenant];
    const known = have && (have.epoch === position.epoch || have.epoch === "") ? have.offset : 0;
    positions[tenant] = { offset: Math.max(known, position.offset), epoch: position.epoch };
  }
  return { ...state, positions };
}

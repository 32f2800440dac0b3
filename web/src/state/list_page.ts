// Takes the pages of lists: what they name, how far they reach, and as of when they are true.
import type { Conversation, InboxAnswer as InboxPage, Position } from "../api.gen";
import { takeCounts } from "./counts";
import { keepConversation, prune } from "./known";
import { currentList, putList, reaches } from "./lists";
import type { List, State } from "./model";
import { compare, inQuery, listKey, type Place, type Query } from "./views";

export function listLoaded(state: State, query: Query, run: number, page: InboxPage, first: boolean): State {
  const asked = state.lists[listKey(query)];
  if (!asked || run < asked.floor) return state;
  let next = keepPositions(state, page.positions);
  const cursorOf = (tenant: string) => page.positions[tenant]?.offset ?? 0;
  for (const item of page.conversations) next = keepConversation(next, item, cursorOf(item.tenant));

  const list = next.lists[listKey(query)] ?? asked;
  const last = page.conversations.at(-1);
  const reach = page.next === null ? "everything" : last ? placeOf(last) : list.reach;
  const candidates = new Set(first ? [] : list.ids);
  for (const { id } of page.conversations) candidates.add(id);
  // What the page does not name counts only if an event brought it that the page does not contain yet.
  for (const { value, cursor } of Object.values(next.conversations)) {
    if (cursor > cursorOf(value.tenant)) candidates.add(value.id);
  }
  const me = next.session.user?.id;
  const rows = [...candidates].flatMap((id) => next.conversations[id]?.value ?? [])
    .filter((one) => inQuery(query, one, me) && reaches(query, reach, one))
    .sort((a, b) => compare(query.sort, a, b));
  const loaded: List = {
    ...list, ids: rows.map((one) => one.id), next: page.next, reach, error: null,
    phase: run === list.asked ? "ready" : list.phase, floor: first ? run + 1 : list.floor,
  };
  // Without an open feed nothing keeps the other lists true. The one on the screen may still be waiting for its page.
  const shown = currentList(next);
  const others = shown ? { [listKey(shown.query)]: shown } : {};
  next = next.link.phase === "live" ? putList(next, loaded) : { ...next, lists: { ...others, [listKey(query)]: loaded } };
  if (first) next = dropForgotten(next, loaded);
  if (page.counts) next = takeCounts(next, query, page.counts, page.positions);
  return prune(next);
}

/** What a lost feed left behind and the page does not name is closed or further down: its own page will bring it. */
function dropForgotten(state: State, list: List): State {
  const all = Object.entries(state.conversations);
  const known = all.filter(([id, kept]) => kept.cursor >= 0 || id === state.active || list.ids.includes(id));
  if (known.length === all.length) return state;
  return { ...state, conversations: Object.fromEntries(known), lists: { [listKey(list.query)]: list } };
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

function placeOf({ id, updated_at, waiting_since }: Conversation): Place {
  return { id, updated_at, waiting_since };
}

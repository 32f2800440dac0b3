// What part of the inbox is on the screen. A change of the scope makes the counts unknown; the view and the order do not.
import { countsUnknown } from "./counts";
import { currentList, putList } from "./lists";
import type { State } from "./model";
import { sameScope, type Query } from "./views";

export function changeFilter(state: State, change: Partial<Query>): State {
  const filter = { ...state.filter, ...change };
  const company = filter.company === null ? undefined : state.companies[filter.company];
  if (company && filter.tenant !== null && company.tenant !== filter.tenant) filter.company = null;
  const channel = filter.channel === null ? undefined : state.channels[filter.channel];
  const foreign = channel && ((filter.tenant !== null && channel.tenant !== filter.tenant)
    || (filter.company !== null && channel.company !== filter.company));
  if (foreign) filter.channel = null;
  const label = filter.label === null ? undefined : state.labels[filter.label];
  if (label && filter.tenant !== null && label.tenant !== filter.tenant) filter.label = null;
  // Of the list that leaves the screen, nothing is looked at any more.
  const old = currentList(state);
  const seen = old && old.seen > 0 ? putList(state, { ...old, seen: 0 }) : state;
  const next = { ...seen, filter };
  return sameScope(filter, state.filter) ? next : countsUnknown(next);
}

/** A remembered filter may name what is gone, or what this user does not see. */
export function dropUnknown(state: State, part: "company" | "channel"): State {
  const id = state.filter[part];
  const known = part === "company" ? state.companies : state.channels;
  return id === null || id in known ? state : changeFilter(state, { [part]: null });
}

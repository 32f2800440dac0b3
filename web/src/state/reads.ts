// How far this user has read.
import type { ReadMark } from "../api.gen";
import type { State } from "./model";

/** A read mark only moves forward. */
export function keepRead(state: State, conversation: string, mark: ReadMark): State {
  const have = state.reads[conversation];
  if (have && have.seq >= mark.seq && have.inbound_count >= mark.inbound_count) return state;
  const read = {
    seq: Math.max(have?.seq ?? 0, mark.seq),
    inbound_count: Math.max(have?.inbound_count ?? 0, mark.inbound_count),
  };
  return { ...state, reads: { ...state.reads, [conversation]: read } };
}

// Where the next page of a list begins, as the server writes it: so a list that was cut goes on from its own last row.
// The format is that of `Position` in the server's `store/views.rs`; a test there keeps it.
import type { Place, Sort } from "./views";

export function cursorOf(sort: Sort, { id, updated_at, waiting_since }: Place): string {
  return sort === "wait" && waiting_since !== null ? `w${waiting_since}.${id}` : `r${updated_at}.${id}`;
}

/** The place after which the page begins; null for what is written otherwise. */
export function placeOfCursor(cursor: string): Place | null {
  const [, kind, at, id] = /^([rw])(-?\d+)\.(.+)$/.exec(cursor) ?? [];
  if (!kind || !at || !id) return null;
  const time = Number(at);
  return { id, updated_at: time, waiting_since: kind === "w" ? time : null };
}

// The search: what is typed, and what the server found for it. An answer to other words is not taken.
import type { Hit, SearchAnswer } from "../api.gen";
import { keepConversation } from "./known";
import { nothingFound, type AsOf, type Found, type Search, type State } from "./model";

const minCharacters = 2;

/** What is asked for; nothing while too little is typed. U+0000 is in no text. */
export function searchQuery(text: string): string | null {
  const query = text.replaceAll("\0", "").trimStart();
  return [...query.trim()].length < minCharacters ? null : query;
}

export function searchTyped(state: State, text: string): State {
  const query = searchQuery(text);
  const same = query !== null && query === searchQuery(state.search.text) && state.search.phase !== "error";
  if (same) return { ...state, search: { ...state.search, text } };
  if (query === null) return { ...state, search: { ...nothingFound, text } };
  // What was found last stays on the screen until the next answer.
  return { ...state, search: { ...state.search, text, phase: "loading", error: null } };
}

export function searchFailed(state: State, query: string, reason: string): State {
  if (searchQuery(state.search.text) !== query) return state;
  return { ...state, search: { ...nothingFound, text: state.search.text, phase: "error", error: reason } };
}

export function searchFound(state: State, query: string, answer: SearchAnswer, asOf: AsOf): State {
  if (searchQuery(state.search.text) !== query) return state;
  const found = answer.contacts.map(({ tenant, contact, conversation }) => ({ tenant, contact, conversation: conversation.id }));
  const search: Search = {
    text: state.search.text, phase: "ready", error: null, found, hits: answer.hits, next: answer.next ?? null,
    wide: answer.too_wide, building: !answer.complete,
  };
  return answer.contacts.reduce(
    (next, one) => keepConversation(next, one.conversation, asOf[one.tenant] ?? 0), { ...state, search });
}

/** The page after those that are shown. A message that moved between two pages is shown once. */
export function searchOlder(state: State, query: string, answer: SearchAnswer): State {
  const { search } = state;
  if (searchQuery(search.text) !== query || search.phase !== "ready") return state;
  const shown = new Set(search.hits.map((one) => one.id));
  const hits = [...search.hits, ...answer.hits.filter((one) => !shown.has(one.id))];
  return { ...state, search: { ...search, hits, next: answer.next ?? null } };
}

export type ResultKind = "contact" | Hit["kind"];

/** One result as the keys walk over it. */
export type Result = { key: string; address: string } & ({ kind: "contact"; found: Found } | { kind: Hit["kind"]; hit: Hit });

const order: ResultKind[] = ["contact", "conversation", "message", "note"];

/** The results by what they are, in the order in which they are shown. */
export function groups({ found, hits }: Pick<Search, "found" | "hits">): { kind: ResultKind; results: Result[] }[] {
  const contacts = found.map((one): Result =>
    ({ kind: "contact", key: one.contact.id, address: address(one.conversation), found: one }));
  const others = hits.map((hit): Result =>
    ({ kind: hit.kind, key: hit.id, address: address(hit.conversation, hit.kind === "conversation" ? null : hit.seq), hit }));
  return order
    .map((kind) => ({ kind, results: [...contacts, ...others].filter((one) => one.kind === kind) }))
    .filter(({ results }) => results.length > 0);
}

/** The results one after the other. */
export function results(search: Pick<Search, "found" | "hits">): Result[] {
  return groups(search).flatMap((group) => group.results);
}

/** Where a result is shown: a conversation, or a message in it. */
export function address(conversation: string, seq: number | null = null): string {
  return seq === null ? `#/c/${conversation}` : `#/c/${conversation}/m/${seq}`;
}

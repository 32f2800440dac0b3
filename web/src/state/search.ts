// The search for contacts: what is typed, and what the server found for it. An answer to other words is not taken.
import type { FoundContact } from "../api.gen";
import { keepConversation } from "./known";
import type { AsOf, State } from "./model";

const minCharacters = 2;

/** What is asked for; nothing while too little is typed. */
export function searchQuery(text: string): string | null {
  const query = text.trim();
  return [...query].length < minCharacters ? null : query;
}

export function searchTyped(state: State, text: string): State {
  const query = searchQuery(text);
  const same = query !== null && query === searchQuery(state.search.text) && state.search.phase !== "error";
  if (same) return { ...state, search: { ...state.search, text } };
  if (query === null) return { ...state, search: { text, phase: "idle", error: null, found: [] } };
  // What was found last stays on the screen until the next answer.
  return { ...state, search: { ...state.search, text, phase: "loading", error: null } };
}

export function searchFailed(state: State, query: string, reason: string): State {
  if (searchQuery(state.search.text) !== query) return state;
  return { ...state, search: { ...state.search, phase: "error", error: reason, found: [] } };
}

export function searchFound(state: State, query: string, contacts: FoundContact[], asOf: AsOf): State {
  if (searchQuery(state.search.text) !== query) return state;
  const found = contacts.map(({ tenant, contact, conversation }) => ({ tenant, contact, conversation: conversation.id }));
  const start: State = { ...state, search: { ...state.search, phase: "ready", error: null, found } };
  return contacts.reduce((next, one) => keepConversation(next, one.conversation, asOf[one.tenant] ?? 0), start);
}

// What is being written, by conversation. Empty ones are kept for a while (whether a note was being written), the newest only.
import type { Draft, State } from "./model";

/** So many empty ones stay. A day's work leaves one for each conversation that was answered. */
const keptEmpty = 50;

export function keepDraft(state: State, conversation: string, draft: Draft): State {
  const { [conversation]: _, ...others } = state.drafts;
  // The one that changed last comes last.
  const drafts = { ...others, [conversation]: draft };
  if (!isEmpty(draft)) return { ...state, drafts };
  const empty = Object.keys(drafts).filter((id) => isEmpty(drafts[id]!));
  for (const id of empty.slice(0, -keptEmpty)) if (id !== state.active) delete drafts[id];
  return { ...state, drafts };
}

function isEmpty({ text, reply_to, refusal }: Draft): boolean {
  return text === "" && reply_to === null && !refusal;
}

// The answer that the AI is writing right now: appended token by token, gone when the turn ends or is written anew.
import type { Conversation } from "../api.gen";
import type { State, Writing } from "./model";

export interface Delta {
  conversation: string;
  turn: string;
  attempt: number;
  index: number;
  text: string;
}

export function applyDelta(state: State, delta: Delta): State {
  const have = state.writing[delta.conversation];
  const same = have?.turn === delta.turn;
  if (same && have.attempt > delta.attempt) return state;
  const chunks = same && have.attempt === delta.attempt ? have.chunks : {};
  const writing: Writing = {
    turn: delta.turn,
    attempt: delta.attempt,
    chunks: { ...chunks, [delta.index]: delta.text },
  };
  return { ...state, writing: { ...state.writing, [delta.conversation]: writing } };
}

export function resetWriting(state: State, conversation: string, turn?: string): State {
  const have = state.writing[conversation];
  if (!have || (turn !== undefined && have.turn !== turn)) return state;
  const { [conversation]: _, ...writing } = state.writing;
  return { ...state, writing };
}

/** Drops what was written for a turn that the conversation no longer has, or that waits for more messages again. */
export function settleWriting(state: State, conversation: Conversation): State {
  const have = state.writing[conversation.id];
  if (!have) return state;
  const turn = conversation.turn;
  if (turn?.id === have.turn && turn.state === "offered") return state;
  return resetWriting(state, conversation.id);
}

/** The text so far; a start that was missed (the page was opened in the middle) is marked with an ellipsis. */
export function writingText(writing: Writing): string {
  const order = Object.keys(writing.chunks).map(Number).sort((a, b) => a - b);
  const text = order.map((index) => writing.chunks[index]).join("");
  return order[0] === 0 ? text : `… ${text.trimStart()}`;
}

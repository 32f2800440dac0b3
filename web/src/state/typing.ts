// Who types in a conversation. It is over with the message that was typed, with the leaving of the person, or by itself.
import type { Message } from "../api.gen";
import type { State } from "./model";
import { customer, type Typist, type TypingChange } from "./typist";

export function typingChange(state: State, change: TypingChange): State {
  switch (change.type) {
    case "typing":
      return wroteSince(state, change.conversation, change.who) ? state
        : put(state, change.conversation, [...without(state, change.conversation, change.who.id), change.who]);
    case "typing.left":
      return put(state, change.conversation, change.user === null ? [] : without(state, change.conversation, change.user));
    case "typing.swept":
      return Object.keys(state.typing).reduce(
        (next, id) => put(next, id, (next.typing[id] ?? []).filter((one) => one.until > change.now)), state);
  }
}

/** The message is there, so its author types no more; news of an older message says nothing. */
export function settleTyping(state: State, message: Message): State {
  const { conversation } = message;
  return put(state, conversation, (state.typing[conversation] ?? []).filter((one) => !wrote(message, one)));
}

function wrote(message: Message, who: Typist): boolean {
  const isAuthor = who.id === customer ? message.author.kind === "customer" : message.author.id === who.id;
  return isAuthor && message.created_at >= who.at;
}

/** Typing and messages come in different rooms: the news of the typing may come after what was typed. */
function wroteSince(state: State, conversation: string, who: Typist): boolean {
  for (const { value } of state.threads[conversation]?.messages.values() ?? []) {
    if (wrote(value, who)) return true;
  }
  return false;
}

function without(state: State, conversation: string, user: string): Typist[] {
  return (state.typing[conversation] ?? []).filter((one) => one.id !== user);
}

function put(state: State, conversation: string, typists: Typist[]): State {
  const have = state.typing[conversation];
  if ((have?.length ?? 0) === typists.length && typists.every((one, at) => one === have?.[at])) return state;
  const { [conversation]: _, ...others } = state.typing;
  return { ...state, typing: typists.length ? { ...others, [conversation]: typists } : others };
}

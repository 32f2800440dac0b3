// What this person did and the server has not confirmed: messages, and wishes (a read mark, an assignee, another owner).
// Both are shown at once and go out in the order in which they were made. Sending them is the outbox's.
import type { Conversation } from "../api.gen";
import type { State } from "./model";
import { keepRead, takeBackRead } from "./reads";
import type { Aim, PendingChange, Wish } from "./unsent";

export function pendingChange(state: State, change: PendingChange): State {
  switch (change.type) {
    case "pending.added": {
      const { pending } = change;
      const others = state.pending.filter((one) => one.client_id !== pending.client_id);
      return { ...state, pending: [...others, pending].sort((a, b) => a.order - b.order) };
    }
    case "pending.moved":
      return {
        ...state,
        pending: state.pending.map((p) =>
          p.client_id === change.client_id ? { ...p, state: change.state, reason: change.reason } : p),
      };
    case "pending.dropped":
      return acknowledge(state, change.client_id);
    case "pending.returned":
      return returned(state, change.client_id, change.reason);
    case "wish.added":
      return wished(state, change.wish);
    case "wish.dropped":
      return settled(state, change.id, change.refused);
  }
}

/** The place of the next one: after all that any tab has made so far. */
export function nextOrder({ pending, wishes }: Pick<State, "pending" | "wishes">): number {
  return Math.max(0, ...pending.map((one) => one.order), ...wishes.map((one) => one.order)) + 1;
}

/** The message with this client id is in the store of the server: it waits no longer. */
export function acknowledge(state: State, clientId: string | null): State {
  if (!clientId || !state.pending.some((p) => p.client_id === clientId)) return state;
  return { ...state, pending: state.pending.filter((p) => p.client_id !== clientId) };
}

/** Puts a refused message back where it was written, above what was written since. */
function returned(state: State, clientId: string, refusal: string): State {
  const pending = state.pending.find((one) => one.client_id === clientId);
  if (!pending) return state;
  const { conversation, text, note, reply_to, human_agent } = pending;
  const since = state.drafts[conversation]?.text ?? "";
  const draft = { text: since ? `${text}\n${since}` : text, note, reply_to, refusal, ...(human_agent && { human_agent }) };
  return acknowledge({ ...state, drafts: { ...state.drafts, [conversation]: draft } }, clientId);
}

function wished(state: State, wish: Wish): State {
  // Where only the last one counts, an earlier one that was not sent is not sent any more; the outbox keeps what is under way.
  const wishes = [...state.wishes.filter((one) => one.id !== wish.id), wish].sort((a, b) => a.order - b.order);
  const next = { ...state, wishes };
  return wish.aim.kind === "read" ? keepRead(next, wish.conversation, wish.aim.mark, 0) : next;
}

function settled(state: State, id: string, refused: boolean): State {
  const wish = state.wishes.find((one) => one.id === id);
  if (!wish) return state;
  const next = { ...state, wishes: state.wishes.filter((one) => one.id !== id) };
  const { aim, conversation } = wish;
  if (!refused || aim.kind !== "read" || state.reads.get(conversation)?.seq !== aim.mark.seq) return next;
  return takeBackRead(next, conversation, aim.before);
}

const shown = new WeakMap<Conversation, { wishes: readonly Wish[]; me: string | undefined; as: Conversation }>();

/** The conversation as it will be when the wishes of this person are granted; the same object for the same state. */
export function asWished(state: State, conversation: Conversation): Conversation {
  const me = state.session.user?.id;
  const known = shown.get(conversation);
  if (known && known.wishes === state.wishes && known.me === me) return known.as;
  const own = state.wishes.filter((one) => one.conversation === conversation.id && one.aim.kind !== "read");
  const as = own.length === 0 ? conversation : own.reduce((next, { aim }) => granted(next, aim, me), conversation);
  shown.set(conversation, { wishes: state.wishes, me, as });
  return as;
}

function granted(conversation: Conversation, aim: Aim, me: string | undefined): Conversation {
  switch (aim.kind) {
    case "take_over":
      return { ...conversation, owner: "human", assignee: me ?? conversation.assignee };
    case "hand_back":
      return { ...conversation, owner: "ai" };
    case "close":
      return { ...conversation, state: "closed" };
    case "reopen":
      return { ...conversation, state: "open" };
    case "assign":
      return { ...conversation, assignee: aim.assignee };
    case "read":
      return conversation;
  }
}

// Whether the business may write to a customer now, and what is left where it may not: the provider's window for answers,
// and the customer's own wish. The server decides again when a message is sent. Pure.
import type { ChannelAbilities, Conversation } from "../api.gen";
import type { Thread } from "./model";
import { isWindowClosed } from "./thread";

/** So long before its end a window is said to close. */
const soonMs = 60 * 60_000;

export interface Road {
  window: "none" | "open" | "soon" | "closed";
  /** When the window closes or has closed; null where the customer has not written, or it is not known. */
  until: number | null;
  /** What can be done after it closed. */
  remedy: "template" | "person" | "wait";
  /** Until when an answer of a person is taken. */
  personUntil: number | null;
  /** The customer wants no messages and has not written since. */
  optedOut: boolean;
}

export function roadOf(conversation: Conversation, thread: Thread, abilities: ChannelAbilities | undefined, now: number): Road {
  const { can_send_until: until = null, person_can_send_until: person = null } = conversation;
  const personUntil = person !== null && now < person ? person : null;
  const remedy = abilities?.templates === true ? "template" : personUntil !== null && abilities?.human_agent !== false ? "person" : "wait";
  const said = { until: until || null, remedy, personUntil, optedOut: isOptedOut(conversation, thread) } as const;
  // A provider knows better than its customer's last message, as far as it came here.
  if (isWindowClosed(thread) || (until !== null && now >= until)) return { ...said, window: "closed" };
  if (until === null) return { ...said, window: "none" };
  return { ...said, window: until - now <= soonMs ? "soon" : "open" };
}

/** A person may answer what the customer writes after the wish. */
function isOptedOut({ contact }: Conversation, thread: Thread): boolean {
  const since = contact.opted_out_at ?? null;
  if (since === null) return false;
  for (let at = thread.order.length - 1; at >= 0; at -= 1) {
    const message = thread.messages.get(thread.order[at]!)?.value;
    if (message?.direction === "in") return (message.provider_at ?? message.created_at) <= since;
  }
  return thread.phase === "ready";
}

/** Why a refused message was not taken, by the code of its words: the socket's errors have no code of their own. */
export function roadCode(conversation: Conversation | undefined, now: number): "opted_out" | "window_closed" | null {
  if (!conversation) return null;
  if ((conversation.contact.opted_out_at ?? null) !== null) return "opted_out";
  const until = conversation.can_send_until ?? null;
  return until !== null && now >= until ? "window_closed" : null;
}

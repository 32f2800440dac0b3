// What a provider's message says around its words. Read with care: it is the provider's, and through it the customer's.
import type { Message } from "../api.gen";

export interface Context {
  /** Who wrote it first; empty where only that it was passed on is known. */
  forwardedFrom: string | null;
  /** The message that is answered, as the body had it. */
  quoted: { text: string | null; author: string | null; kind: string | null; elsewhere: boolean } | null;
  /** Addresses behind words: http and https, and no others. */
  links: { text: string; url: string }[];
  poll: { question: string; options: string[] } | null;
}

const nothing: Context = { forwardedFrom: null, quoted: null, links: [], poll: null };
const MAX_LINKS = 20;

export function contextOf(message: Message): Context {
  const data = message.data;
  if (!data || message.deleted_at !== null) return nothing;
  const quoted = part(data["quoted"]);
  const poll = part(data["poll"]);
  return {
    forwardedFrom: word(data["forwarded_from"]) ?? (data["forwarded"] === true ? "" : null),
    quoted: quoted && (word(quoted["text"]) ?? word(quoted["kind"])) !== null
      ? {
        text: word(quoted["text"]), author: word(quoted["author"]), kind: word(quoted["kind"]),
        elsewhere: quoted["elsewhere"] === true,
      }
      : null,
    links: list(data["links"]).flatMap((link) => {
      const text = word(part(link)?.["text"]);
      const url = word(part(link)?.["url"]);
      return text && url && /^https?:\/\/[^\s]+$/i.test(url) ? [{ text, url }] : [];
    }).slice(0, MAX_LINKS),
    poll: poll ? { question: word(poll["question"]) ?? "", options: list(poll["options"]).flatMap((one) => word(one) ?? []) } : null,
  };
}

export interface Place {
  topic: string | null;
  /** It came through an account of the business, not to the bot itself. */
  business: boolean;
}

/** The server's name of a place in a chat, in its parts: `topic:42`, `business:…`, or both. */
export function placeOf(thread: string | null): Place | null {
  if (!thread) return null;
  const parts = thread.split("/");
  const after = (name: string) => parts.find((one) => one.startsWith(name))?.slice(name.length) ?? null;
  const place = { topic: after("topic:"), business: after("business:") !== null };
  return place.topic === null && !place.business ? { topic: thread, business: false } : place;
}

function part(value: unknown): Record<string, unknown> | null {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : null;
}

function list(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

function word(value: unknown): string | null {
  return typeof value === "string" && value.trim() ? value : null;
}

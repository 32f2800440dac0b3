// Why a message did not leave, in the reader's language where the code is known; otherwise in the provider's own words.
import type { Message } from "../api.gen";
import { en } from "./en";
import type { Key, Text } from "./text";

/** What the page keeps of a refusal is one text: a code of its own, or the server's words. */
export function reasonWords(t: Text, reason: string): string {
  return refusal(t, { code: reason, reason });
}

export function refusal(t: Text, error: NonNullable<Message["error"]>): string {
  const key = `refusal.${error.code}`;
  return Object.hasOwn(en, key) ? t(key as Key) : error.reason;
}

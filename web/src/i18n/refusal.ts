// Why a message did not leave, in the reader's language where the code is known; otherwise in the provider's own words.
import type { Message } from "../api.gen";
import { en } from "./en";
import type { Key, Text } from "./text";

export function refusal(t: Text, error: NonNullable<Message["error"]>): string {
  const key = `refusal.${error.code}`;
  return Object.hasOwn(en, key) ? t(key as Key) : error.reason;
}

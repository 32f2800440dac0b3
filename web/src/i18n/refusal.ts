// Why a message did not leave, in the reader's language where the code is known; otherwise in the provider's own words.
import type { Message } from "../api.gen";
import { en } from "./en";
import type { Key, Text } from "./text";

/** What the page keeps of a refusal is one text: a code of its own, or the server's words. */
export function reasonWords(t: Text, reason: string): string {
  return refusal(t, { code: reason, reason });
}

/** Some parts of the message have arrived. */
const partly = "partly_sent:";

export function refusal(t: Text, error: NonNullable<Message["error"]>): string {
  if (error.code.startsWith(partly)) {
    const code = error.code.slice(partly.length);
    const reason = refusal(t, { ...error, code });
    return reason === asPart(error.reason) ? reason : t("refusal.partly", { reason });
  }
  // A provider has many reasons to refuse a template, and the remedy is one.
  const key = `refusal.${error.code.startsWith("template_") ? "template" : error.code}`;
  return Object.hasOwn(en, key) ? t(key as Key) : asPart(error.reason);
}

/** The provider's sentence stands within one of ours, which has its own end. */
const asPart = (reason: string): string => reason.replace(/\.+$/, "");

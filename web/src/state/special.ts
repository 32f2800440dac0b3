// What a message has beside words and files, out of its data. Read with care: a provider's data can be of any form. Pure.
import type { Message } from "../api.gen";

interface Special {
  buttons: string[];
  template: { name: string; language: string } | null;
  noAnswer: "automatic" | "standby" | "history" | "stranger" | null;
  reactionRefused: { emoji: string; code: string; reason: string } | null;
  /** The customer mentions the business in a story, which can still be seen or not. */
  story: "mention" | "gone" | null;
}

const nothing: Special = { buttons: [], template: null, noAnswer: null, reactionRefused: null, story: null };

export function specialOf(message: Message): Special {
  const { data } = message;
  if (!data || message.deleted_at !== null) return nothing;
  const template = part(data["template"]);
  const refused = part(data["reaction_refused"]);
  const why = message.direction === "in" || message.direction === "out" ? data["no_answer"] : null;
  const gone = message.attachments.length > 0 && message.attachments.every((file) => file.state === "failed");
  const buttons = Array.isArray(data["buttons"]) && message.direction === "out" ? data["buttons"] : [];
  return {
    buttons: buttons.map((button) => word(part(button)?.["title"])).filter((title) => title !== "").slice(0, 20),
    template: template && message.direction === "out" ? { name: word(template["name"]), language: word(template["language"]) } : null,
    noAnswer: why === "automatic" || why === "standby" || why === "history" || why === "stranger" ? why : null,
    reactionRefused: refused ? { emoji: word(refused["emoji"]), code: word(refused["code"]), reason: word(refused["reason"]) } : null,
    story: data["story_mention"] !== true ? null : gone ? "gone" : "mention",
  };
}

function word(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function part(value: unknown): Record<string, unknown> | null {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : null;
}

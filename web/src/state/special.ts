// What a message has beside words and files, out of its data. Read with care: a provider's data can be of any form. Pure.
import type { Message } from "../api.gen";

interface Special {
  buttons: string[];
  template: { name: string; language: string } | null;
  noAnswer: "automatic" | "standby" | "history" | "stranger" | null;
  reactionRefused: { emoji: string; code: string; reason: string } | null;
  /** The customer mentions the business in a story, which can still be seen or not. */
  story: "mention" | "gone" | null;
  /** When it was written, of one that came long after that. */
  late: number | null;
}

const nothing: Special = { buttons: [], template: null, noAnswer: null, reactionRefused: null, story: null, late: null };
/** Webhooks take seconds; a longer way means that something was down. */
const lateMs = 5 * 60_000;

export function specialOf(message: Message): Special {
  const { data } = message;
  if (message.deleted_at !== null) return nothing;
  const late = data?.["no_answer"] === "history" ? null : writtenLate(message);
  if (!data) return late === null ? nothing : { ...nothing, late };
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
    late,
  };
}

/** What we send has no time of the provider's before its own; the owner's phone may tell of its messages late as well. */
function writtenLate({ direction, provider_at, created_at }: Message): number | null {
  return direction !== "note" && provider_at !== null && created_at - provider_at >= lateMs ? provider_at : null;
}

function word(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function part(value: unknown): Record<string, unknown> | null {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : null;
}

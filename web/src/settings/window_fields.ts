// The fields of a channel's AI windows: what stands in the form for each setting, and back. Pure.
import type { ChannelSettings } from "../api.gen";
import type { Key } from "../i18n/text";

type Setting = keyof ChannelSettings;
export type FieldKind = "switch" | "seconds" | "count" | "lines" | "texts";
export type Written = Record<string, string>;

interface WindowField {
  name: Setting;
  kind: FieldKind;
  part: "gather" | "answer" | "phone" | "wishes";
  /** Only channels of this kind have it. */
  of?: string;
  hint?: Key;
}

export const windowFields: readonly WindowField[] = [
  { name: "ai", kind: "switch", part: "gather" },
  { name: "quiet_ms", kind: "seconds", part: "gather", hint: "windows.quiet_msHint" },
  { name: "max_wait_ms", kind: "seconds", part: "gather", hint: "windows.max_wait_msHint" },
  { name: "max_messages", kind: "count", part: "gather" },
  { name: "flush_words", kind: "lines", part: "gather", hint: "windows.flush_wordsHint" },
  { name: "backlog_ms", kind: "seconds", part: "gather", hint: "windows.backlog_msHint" },
  { name: "supersede", kind: "switch", part: "answer" },
  { name: "max_supersedes", kind: "count", part: "answer" },
  { name: "lease_ms", kind: "seconds", part: "answer" },
  { name: "max_attempts", kind: "count", part: "answer" },
  { name: "nobody_ms", kind: "seconds", part: "answer" },
  { name: "answers_per_hour", kind: "count", part: "answer", hint: "windows.answers_per_hourHint" },
  { name: "silence_ms", kind: "seconds", part: "phone", hint: "windows.silence_msHint" },
  { name: "greeting_grace_ms", kind: "seconds", part: "phone" },
  { name: "human_pace", kind: "switch", part: "phone", of: "waha" },
  { name: "automatic_texts", kind: "texts", part: "phone", hint: "windows.automatic_textsHint" },
  { name: "opt_out_words", kind: "lines", part: "wishes", hint: "windows.opt_out_wordsHint" },
  { name: "opt_in_words", kind: "lines", part: "wishes", hint: "windows.opt_in_wordsHint" },
];

/** The settings as they stand in the fields, by the names that the server gives fields. */
export function toWritten(settings: ChannelSettings): Written {
  return Object.fromEntries(windowFields.map(({ name, kind }) => [`settings.${name}`, write(kind, settings[name])]));
}

function write(kind: FieldKind, value: unknown): string {
  if (kind === "seconds") return String(Number(value) / 1_000);
  if (kind === "lines") return (value as string[]).join("\n");
  return kind === "texts" ? (value as string[]).join("\n\n") : String(value);
}

/** What a field means; null if it is no number where one is wanted. */
export function fromWritten(kind: FieldKind, written: string): boolean | number | string[] | null {
  switch (kind) {
    case "switch":
      return written === "true";
    case "lines":
      return parts(written, /\n/);
    case "texts":
      return parts(written, /\n\s*\n/);
    default: {
      // A comma is a point where people write it so.
      const text = written.trim().replace(",", ".");
      if (!/^\d{1,9}(\.\d{1,3})?$/.test(text)) return null;
      const value = kind === "seconds" ? Math.round(Number(text) * 1_000) : Number(text);
      return Number.isInteger(value) ? value : null;
    }
  }
}

function parts(text: string, between: RegExp): string[] {
  return text.split(between).map((part) => part.trim()).filter((part) => part !== "");
}

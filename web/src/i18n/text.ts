// Turns keys into words: values, plurals by Intl, dates and sizes in the manner of the language.
import { en, type Key as FirstKey, type Plural } from "./en";
import { enFiles } from "./en_files";
import type { enConnect } from "./en_connect";
import type { enPages } from "./en_pages";
import type { enPeople } from "./en_people";
import type { enRules } from "./en_rules";
import type { enSources } from "./en_sources";

/** Of the words that come with the page and of those that come with a later one (`addWords`). */
export type Key = FirstKey | keyof typeof enFiles | keyof typeof enPages | keyof typeof enConnect | keyof typeof enPeople | keyof typeof enRules | keyof typeof enSources;

/** The key of a channel's kind. More kinds come with more providers; one that is not known here is shown by its name. */
export const kindKey = (kind: string) => `channel.${kind}` as Key;
export type Language = "en" | "ru";
export type Values = Record<string, string | number>;

type Words = Record<Key, string | Plural>;
const languages: Record<Language, Words> = { en: { ...en, ...enFiles } as Words, ru: {} as Words };
/** The words of the languages that do not come with the page. */
const loaders: Partial<Record<Language, () => Promise<Partial<Words>>>> = {
  ru: async () => (await import("./first_ru")).firstRu,
};
const here = new Set<Language>(["en"]);

export const hasWords = (language: Language): boolean => here.has(language);

/** Loads the words of a language, once. A text that was made before has them then. */
export async function bringWords(language: Language): Promise<void> {
  const load = loaders[language];
  if (!load || here.has(language)) return;
  Object.assign(languages[language], await load());
  here.add(language);
}

/** Takes the words of a page that has just come. */
export function addWords(more: Record<Language, Partial<Words>>): void {
  Object.assign(languages.en, more.en);
  Object.assign(languages.ru, more.ru);
}

export const languageNames: Record<Language, string> = { en: "English", ru: "Русский" };

export interface Text {
  language: Language;
  (key: Key, values?: Values): string;
  /** The time of day. */
  time(at: number): string;
  /** Short: minutes within the hour, the time today, else the weekday, else the date. */
  short(at: number, now: number): string;
  day(at: number, now: number): string;
  full(at: number): string;
  /** A day with its weekday and year. */
  date(at: number): string;
  /** How long to wait, never shorter than it is. */
  wait(seconds: number): string;
  /** How long something lasts, in its largest unit. */
  span(ms: number): string;
  number(value: number): string;
  size(bytes: number): string;
}

export function makeText(language: Language): Text {
  const words = languages[language];
  const plural = new Intl.PluralRules(language);
  const number = new Intl.NumberFormat(language, { maximumFractionDigits: 1 });
  const format = (options: Intl.DateTimeFormatOptions) => {
    const made = new Intl.DateTimeFormat(language, options);
    return (at: number) => made.format(at);
  };
  const unit = (name: "second" | "minute" | "hour" | "day") =>
    new Intl.NumberFormat(language, { style: "unit", unit: name, unitDisplay: "short" });
  const [seconds, minutes, hours, days] = [unit("second"), unit("minute"), unit("hour"), unit("day")];
  const time = format({ hour: "numeric", minute: "2-digit" });
  const weekday = format({ weekday: "short" });
  const date = format({ day: "numeric", month: "short" });
  const dateYear = format({ day: "numeric", month: "short", year: "numeric" });
  const longDay = format({ weekday: "long", day: "numeric", month: "long" });
  const calendarDay = format({ weekday: "short", day: "numeric", month: "long", year: "numeric" });
  const full = format({ dateStyle: "long", timeStyle: "short" });

  const say = (key: Key, values: Values = {}) => {
    // The words of another language may not have come yet. A newer server may name kinds that this page does not know: their own
    // name is better than nothing.
    const entry: string | Plural = words[key] ?? languages.en[key] ?? key.slice(key.lastIndexOf(".") + 1);
    const form = typeof entry === "string" ? entry : (entry[plural.select(Number(values["count"]))] ?? entry.other);
    return form.replace(/\{(\w+)\}/g, (whole, name: string) => {
      const value = values[name];
      return value === undefined ? whole : typeof value === "number" ? number.format(value) : value;
    });
  };
  return Object.assign(say, {
    language,
    time,
    short(at: number, now: number) {
      const midnights = daysBetween(at, now);
      const minutesAgo = Math.floor((now - at) / 60_000);
      if (minutesAgo < 1) return say("time.now");
      if (minutesAgo < 60) return minutes.format(minutesAgo);
      if (midnights <= 0) return time(at);
      if (midnights < 7) return weekday(at);
      return new Date(at).getFullYear() === new Date(now).getFullYear() ? date(at) : dateYear(at);
    },
    day(at: number, now: number) {
      const days = daysBetween(at, now);
      if (days === 0) return say("day.today");
      if (days === 1) return say("day.yesterday");
      return days < 300 ? longDay(at) : dateYear(at);
    },
    full,
    date: calendarDay,
    wait: (time: number) => (time < 60 ? seconds.format(Math.ceil(time)) : minutes.format(Math.ceil(time / 60))),
    span(ms: number) {
      const passed = Math.max(0, Math.floor(ms / 60_000));
      if (passed < 1) return `<${minutes.format(1)}`;
      if (passed < 60) return minutes.format(passed);
      return passed < 2880 ? hours.format(Math.floor(passed / 60)) : days.format(Math.floor(passed / 1440));
    },
    number: (value: number) => number.format(value),
    size(bytes: number) {
      const units = ["byte", "kilobyte", "megabyte", "gigabyte"];
      const power = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(1, bytes)) / 3));
      const options = { style: "unit", unit: units[power]!, unitDisplay: "short", maximumFractionDigits: 1 } as const;
      return new Intl.NumberFormat(language, options).format(bytes / 1000 ** power);
    },
  });
}

/** Midnights between two moments, in the time zone of the reader. */
export function daysBetween(at: number, now: number): number {
  const midnight = (t: number) => new Date(t).setHours(0, 0, 0, 0);
  return Math.round((midnight(now) - midnight(at)) / 86_400_000);
}

export function guessLanguage(preferred: readonly string[]): Language {
  const known = preferred.map((tag) => tag.slice(0, 2)).find((tag) => tag in languages);
  return (known as Language | undefined) ?? "en";
}

// Language, appearance and what the list shows: of the browser, not of the account, so they hold on the sign-in page too.
import { browserShelf, put, take } from "./shelf";
import type { Query } from "../state/views";
import { guessLanguage, languageNames, type Language } from "../i18n/text";

export type Theme = "system" | "light" | "dark";

/** All of the filter but the view: the page opens with all conversations. */
export type ListPreferences = Omit<Query, "view">;

export interface Preferences {
  language: Language;
  theme: Theme;
  list: ListPreferences;
}

export function loadPreferences(): Preferences {
  return {
    language: readLanguage(take(browserShelf, "hubbub.language")) ?? guessLanguage(navigator.languages),
    theme: readTheme(take(browserShelf, "hubbub.theme")) ?? "system",
    list: readList(take(browserShelf, "hubbub.list")),
  };
}

/** What another tab has just stored, where it concerns this one: how the page looks does, what a list shows does not. */
export function storedPreference(key: string, text: string | null): Partial<Preferences> | null {
  const language = key === "hubbub.language" ? readLanguage(text) : null;
  const theme = key === "hubbub.theme" ? readTheme(text) : null;
  return language ? { language } : theme ? { theme } : null;
}

function readLanguage(text: string | null): Language | null {
  return text && Object.hasOwn(languageNames, text) ? (text as Language) : null;
}

function readTheme(text: string | null): Theme | null {
  return text === "light" || text === "dark" || text === "system" ? text : null;
}

/** Whatever was stored: only ids and orders that could be meant are taken. */
export function readList(text: string | null): ListPreferences {
  let found: Record<string, unknown> = {};
  try {
    found = Object(JSON.parse(text ?? "{}")) as Record<string, unknown>;
  } catch {
    // Not ours.
  }
  const id = (value: unknown) => (typeof value === "string" && /^[\w-]{1,64}$/.test(value) ? value : null);
  return {
    sort: found["sort"] === "wait" ? "wait" : "recent",
    tenant: id(found["tenant"]), company: id(found["company"]), channel: id(found["channel"]),
  };
}

/** What the list showed names tenants and channels, so it leaves with the session; how the page looks stays. */
export function withoutList(preferences: Preferences): Preferences {
  return { ...preferences, list: readList(null) };
}

export function applyPreferences({ language, theme }: Pick<Preferences, "language" | "theme">): void {
  const root = document.documentElement;
  root.lang = language;
  if (theme === "system") delete root.dataset["theme"];
  else root.dataset["theme"] = theme;
}

/** Only what was changed here: another tab may have changed the rest. Without storage it holds until the page is closed. */
export function savePreferences({ language, theme, list }: Partial<Preferences>): void {
  if (language) put(browserShelf, "hubbub.language", language);
  if (theme) put(browserShelf, "hubbub.theme", theme);
  if (list) put(browserShelf, "hubbub.list", JSON.stringify(list));
}

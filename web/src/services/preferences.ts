// Language, appearance and what the list shows: of the browser, not of the account, so they hold on the sign-in page too.
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
  const language = stored("hubbub.language");
  const theme = stored("hubbub.theme");
  return {
    language: language && language in languageNames ? (language as Language) : guessLanguage(navigator.languages),
    theme: theme === "light" || theme === "dark" ? theme : "system",
    list: readList(stored("hubbub.list")),
  };
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

export function savePreferences({ language, theme, list }: Preferences): void {
  try {
    localStorage.setItem("hubbub.language", language);
    localStorage.setItem("hubbub.theme", theme);
    localStorage.setItem("hubbub.list", JSON.stringify(list));
  } catch {
    // Without storage the choice holds until the page is closed.
  }
}

function stored(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

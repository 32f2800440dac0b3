// Language, appearance and what the list shows: of the browser, not of the account, so they hold on the sign-in page too.
import { place } from "./address";
import { browserShelf, put, take, type Shelf } from "./shelf";
import type { Query } from "../state/views";
import { guessLanguage, languageNames, type Language } from "../i18n/text";

/** It names tenants and channels of one installation; the looks are the same for all of a host. */
const listKey = () => `hubbub.list.${place()}`;

export type Theme = "system" | "light" | "dark";

/** All of the filter but the view and the label: the page opens with all conversations. */
export type ListPreferences = Omit<Query, "view" | "label">;

export interface Preferences {
  language: Language;
  theme: Theme;
  list: ListPreferences;
}

export function readLanguage(text: string | null): Language | null {
  return text && Object.hasOwn(languageNames, text) ? (text as Language) : null;
}

export function readTheme(text: string | null): Theme | null {
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

export function applyPreferences({ language, theme }: Pick<Preferences, "language" | "theme">): void {
  const root = document.documentElement;
  root.lang = language;
  if (theme === "system") delete root.dataset["theme"];
  else root.dataset["theme"] = theme;
}

/** The preferences of this page and of the browser. Another tab may have changed what this one has not: each change
 * writes only itself. Without storage a change holds until the page is closed. */
export class PreferenceShelf {
  private present: Preferences;

  constructor(
    private readonly shelf: Shelf = browserShelf,
    languages: readonly string[] = navigator.languages,
  ) {
    this.present = {
      language: readLanguage(take(shelf, "hubbub.language")) ?? guessLanguage(languages),
      theme: readTheme(take(shelf, "hubbub.theme")) ?? "system",
      list: readList(take(shelf, listKey())),
    };
  }

  get(): Preferences {
    return this.present;
  }

  choose(change: Partial<Preferences>): void {
    const { language, theme, list } = change;
    this.present = { ...this.present, ...change };
    if (language) put(this.shelf, "hubbub.language", language);
    if (theme) put(this.shelf, "hubbub.theme", theme);
    if (list) put(this.shelf, listKey(), JSON.stringify(list));
  }

  /** What the list showed names tenants and channels, so it leaves with the session; how the page looks stays. */
  forgetList(): void {
    this.choose({ list: readList(null) });
  }

  /** Another tab has stored something. Whether this page changes: how it looks does, what a list shows does not. */
  changed(key: string, text: string | null): boolean {
    const language = key === "hubbub.language" ? readLanguage(text) : null;
    const theme = key === "hubbub.theme" ? readTheme(text) : null;
    if (language) this.present = { ...this.present, language };
    if (theme) this.present = { ...this.present, theme };
    return language !== null || theme !== null;
  }
}

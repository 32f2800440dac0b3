// Language and appearance: of the browser, not of the account, so they hold on the sign-in page too.
import { guessLanguage, languageNames, type Language } from "../i18n/text";

export type Theme = "system" | "light" | "dark";

export interface Preferences {
  language: Language;
  theme: Theme;
}

export function loadPreferences(): Preferences {
  const language = stored("hubbub.language");
  const theme = stored("hubbub.theme");
  return {
    language: language && language in languageNames ? (language as Language) : guessLanguage(navigator.languages),
    theme: theme === "light" || theme === "dark" ? theme : "system",
  };
}

export function applyPreferences({ language, theme }: Preferences): void {
  const root = document.documentElement;
  root.lang = language;
  if (theme === "system") delete root.dataset["theme"];
  else root.dataset["theme"] = theme;
}

export function savePreferences({ language, theme }: Preferences): void {
  try {
    localStorage.setItem("hubbub.language", language);
    localStorage.setItem("hubbub.theme", theme);
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

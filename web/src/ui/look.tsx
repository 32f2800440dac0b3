// Language, appearance and direction of a page outside the inbox: from its address, kept by its address, not stored.
import { useEffect, useMemo, useState, type ReactNode } from "react";
import type { App } from "../app";
import { AppProvider } from "../hooks/app";
import { bringWords, guessLanguage } from "../i18n/text";
import { applyPreferences, readLanguage, readList, readTheme, type Preferences } from "../services/preferences";

export type Dir = "ltr" | "rtl";

function asked(): Preferences & { dir: Dir } {
  const query = new URLSearchParams(location.search);
  const [language, theme] = [query.get("lang"), query.get("theme")];
  return {
    language: readLanguage(language) ?? guessLanguage(navigator.languages),
    theme: readTheme(theme) ?? "system",
    list: readList(null),
    dir: query.get("dir") === "rtl" ? "rtl" : "ltr",
  };
}

/** Brings the words in which the page is read; without them it begins in English. */
export const lookWords = (): Promise<void> => bringWords(asked().language).catch(() => undefined);

/** The words and looks of the inbox without the inbox: nothing is stored, nobody is signed in. */
export function LookProvider({ children }: { children: ReactNode }) {
  const app = useMemo(() => {
    let preferences: Preferences = asked();
    const listeners = new Set<() => void>();
    applyPreferences(preferences);
    return {
      preferences: () => preferences,
      prefer(change: Partial<Preferences>) {
        preferences = { ...preferences, ...change };
        applyPreferences(preferences);
        address({ lang: preferences.language, theme: preferences.theme });
        for (const listener of listeners) listener();
      },
      onPreferences(changed: () => void) {
        listeners.add(changed);
        return () => void listeners.delete(changed);
      },
    } satisfies Pick<App, "preferences" | "prefer" | "onPreferences"> as unknown as App;
  }, []);
  return <AppProvider app={app}>{children}</AppProvider>;
}

export function useDir(): [Dir, (dir: Dir) => void] {
  const [dir, setDir] = useState<Dir>(() => asked().dir);
  useEffect(() => {
    document.documentElement.dir = dir;
    address({ dir: dir === "rtl" ? dir : "" });
  }, [dir]);
  return [dir, setDir];
}

function address(change: Record<string, string>): void {
  const query = new URLSearchParams(location.search);
  for (const [name, value] of Object.entries(change)) {
    if (value === "" || value === "system") query.delete(name);
    else query.set(name, value);
  }
  const text = query.toString();
  history.replaceState(null, "", `${location.pathname}${text && `?${text}`}${location.hash}`);
}

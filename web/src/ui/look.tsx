// Language, appearance and direction of a page outside the inbox: from its address, kept by its address, not stored.
import { useEffect, useMemo, useState, type ReactNode } from "react";
import type { App } from "../app";
import { AppProvider, useFrame } from "../hooks/app";
import { guessLanguage, languageNames, type Language } from "../i18n/text";
import { applyPreferences, readList, type Preferences, type Theme } from "../services/preferences";

export type Dir = "ltr" | "rtl";

function asked(): Preferences & { dir: Dir } {
  const query = new URLSearchParams(location.search);
  const [language, theme] = [query.get("lang"), query.get("theme")];
  return {
    language: language !== null && Object.hasOwn(languageNames, language) ? (language as Language) : guessLanguage(navigator.languages),
    theme: theme === "light" || theme === "dark" ? (theme as Theme) : "system",
    list: readList(null),
    dir: query.get("dir") === "rtl" ? "rtl" : "ltr",
  };
}

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

/** The switches of language and appearance. */
export function LookPick({ children }: { children?: ReactNode }) {
  const { text: t, preferences, prefer } = useFrame();
  const themes = [["system", "menu.system"], ["light", "menu.light"], ["dark", "menu.dark"]] as const;
  return (
    <div className="look">
      <div className="pick" role="group" aria-label={t("menu.language")}>
        {(Object.keys(languageNames) as Language[]).map((language) => (
          <button key={language} type="button" lang={language} aria-pressed={preferences.language === language} onClick={() => prefer({ language })}>{languageNames[language]}</button>
        ))}
      </div>
      <div className="pick" role="group" aria-label={t("menu.theme")}>
        {themes.map(([theme, key]) => (
          <button key={theme} type="button" aria-pressed={preferences.theme === theme} onClick={() => prefer({ theme })}>{t(key)}</button>
        ))}
      </div>
      {children}
    </div>
  );
}

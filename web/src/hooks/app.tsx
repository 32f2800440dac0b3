// The way from views to the app: context for the services, a hook for the state, a hook for the words.
import {
  createContext, useCallback, useContext, useEffect, useMemo, useState, useSyncExternalStore, type ReactNode,
} from "react";
import type { App } from "../app";
import { bringWords, hasWords, makeText, type Language, type Text } from "../i18n/text";
import type { Preferences } from "../services/preferences";
import type { State } from "../state/model";

interface Frame {
  app: App;
  text: Text;
  preferences: Preferences;
  prefer: (change: Partial<Preferences>) => void;
}

const Context = createContext<Frame | null>(null);

export function AppProvider({ app, children }: { app: App; children: ReactNode }) {
  const [preferences, setPreferences] = useState(app.preferences);
  const prefer = useCallback((change: Partial<Preferences>) => {
    app.prefer(change);
  }, [app]);
  useEffect(() => app.onPreferences(() => setPreferences(app.preferences())), [app]);
  const zone = useZone();
  const brought = useWords(preferences.language);
  const frame = useMemo(
    () => ({ app, preferences, prefer, text: makeText(preferences.language) }),
    // The words of times are made for the time zone of the moment.
    [app, preferences, prefer, zone, brought],
  );
  return <Context value={frame}>{children}</Context>;
}

const wordsAgainMs = 3_000;

/** Whether the words of the language are there; asks for them until they are. */
function useWords(language: Language): boolean {
  const [tries, setTries] = useState(0);
  useEffect(() => {
    if (hasWords(language)) return;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let left = false;
    const again = () => left || setTries((count) => count + 1);
    bringWords(language).then(again, () => (timer = setTimeout(again, wordsAgainMs)));
    return () => {
      left = true;
      clearTimeout(timer);
    };
  }, [language, tries]);
  return hasWords(language);
}

export function useFrame(): Frame {
  const frame = useContext(Context);
  if (!frame) throw new Error("used outside AppProvider");
  return frame;
}

export const useApp = () => useFrame().app;
export const useText = () => useFrame().text;

/** A part of the state; `pick` must give the same value for the same state. */
export function usePick<T>(pick: (state: State) => T): T {
  const { store } = useApp();
  return useSyncExternalStore(store.subscribe, () => pick(store.get()));
}

/** A part of the state that one conversation decides, or what all of them depend on: nothing else wakes the component. */
export function usePickOf<T>(conversation: string, pick: (state: State) => T): T {
  const { store } = useApp();
  const subscribe = useCallback((listener: () => void) => store.subscribe(listener, conversation), [store, conversation]);
  return useSyncExternalStore(subscribe, () => pick(store.get()));
}

/** The server's present time, renewed every so often and when the page is looked at; the component draws again with it. */
export function useNow(everyMs: number): number {
  const { clock, store } = useApp();
  const [now, setNow] = useState(() => clock.now());
  // The clock is set by the server as soon as the page is connected.
  const phase = usePick((state) => state.link.phase);
  useEffect(() => {
    const draw = () => setNow(clock.now());
    draw();
    const timer = setInterval(draw, everyMs);
    document.addEventListener("visibilitychange", draw);
    return () => {
      clearInterval(timer);
      document.removeEventListener("visibilitychange", draw);
    };
  }, [clock, store, everyMs, phase]);
  return now;
}

const zoneEveryMs = 30_000;

/** The time zone of the reader, who may travel while the page is open. */
function useZone(): string {
  const [zone, setZone] = useState(readZone);
  useEffect(() => {
    const read = () => setZone(readZone());
    const timer = setInterval(read, zoneEveryMs);
    for (const name of ["focus", "pageshow"]) window.addEventListener(name, read);
    document.addEventListener("visibilitychange", read);
    return () => {
      clearInterval(timer);
      for (const name of ["focus", "pageshow"]) window.removeEventListener(name, read);
      document.removeEventListener("visibilitychange", read);
    };
  }, []);
  return zone;
}

/** With the offset: the rules of a zone change, too. */
function readZone(): string {
  return `${new Intl.DateTimeFormat().resolvedOptions().timeZone} ${new Date().getTimezoneOffset()}`;
}

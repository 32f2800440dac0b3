// The way from views to the app: context for the services, a hook for the state, a hook for the words.
import {
  createContext, useCallback, useContext, useEffect, useMemo, useState, useSyncExternalStore, type ReactNode,
} from "react";
import type { App } from "../app";
import { makeText, type Text } from "../i18n/text";
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
    setPreferences(app.preferences());
  }, [app]);
  const frame = useMemo(
    () => ({ app, preferences, prefer, text: makeText(preferences.language) }),
    [app, preferences, prefer],
  );
  return <Context value={frame}>{children}</Context>;
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

/** The present time, renewed every so often; the component draws again with it. */
export function useNow(everyMs: number): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    setNow(Date.now());
    const timer = setInterval(() => setNow(Date.now()), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return now;
}

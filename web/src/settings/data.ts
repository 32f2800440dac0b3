// What a page asks the server for: loading, failed, there; asked again by a button, by time, and when the connection is
// back. An answer that was overtaken by a later request is not taken.
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { useApp, usePick } from "../hooks/app";
import { reasonOf } from "../services/problem";
import { callsOf, type Calls } from "./calls";

export function useCalls(): Calls {
  const { request } = useApp();
  return useMemo(() => callsOf(request), [request]);
}

export interface Data<T> {
  phase: "loading" | "ready" | "error";
  value: T | null;
  reason: string | null;
  /** When the value was true. */
  at: number | null;
  busy: boolean;
  again: () => void;
  change: (change: (value: T) => T) => void;
}

/** `load` is asked again whenever it is another function, every so often while the page is looked at, and by `again`. */
export function useData<T>(load: () => Promise<T>, everyMs: number | null = null): Data<T> {
  const [kept, setKept] = useState<{ load: typeof load; value: T; at: number } | null>(null);
  const [reason, setReason] = useState<string | null>(null);
  const [busy, setBusy] = useState(true);
  const run = useRef(0);
  const { clock } = useApp();
  const isLive = usePick((state) => state.link.phase === "live");

  const ask = useCallback(async () => {
    const mine = (run.current += 1);
    setBusy(true);
    try {
      const value = await load();
      if (mine !== run.current) return;
      setKept({ load, value, at: clock.now() });
      setReason(null);
    } catch (error) {
      if (mine === run.current) setReason(reasonOf(error));
    } finally {
      if (mine === run.current) setBusy(false);
    }
  }, [load, clock]);

  useEffect(() => {
    void ask();
    return () => void (run.current += 1);
  }, [ask, isLive]);

  useEffect(() => {
    if (everyMs === null) return;
    const timer = setInterval(() => document.visibilityState === "visible" && void ask(), everyMs);
    return () => clearInterval(timer);
  }, [ask, everyMs]);

  const mine = kept?.load === load ? kept : null;
  return {
    phase: mine ? "ready" : reason !== null && !busy ? "error" : "loading",
    value: mine?.value ?? null, at: mine?.at ?? null, reason, busy, again: useCallback(() => void ask(), [ask]),
    change: useCallback((change) => setKept((now) => now && { ...now, value: change(now.value) }), []),
  };
}

/** The channels and companies of the store, loaded anew when a page needs them; events keep the channels true. */
export function useNames(): Data<true> {
  const { loader } = useApp();
  return useData(useCallback(async () => {
    await Promise.all([loader.channels(), loader.companies()]);
    return true as const;
  }, [loader]));
}

// An attachment's object URL for as long as the component is there.
import { useCallback, useEffect, useState } from "react";
import { useApp } from "./app";

export type MediaState = { phase: "loading" | "failed"; url: null } | { phase: "ready"; url: string };

export function useMedia(id: string | null): [MediaState, () => void] {
  const { media } = useApp();
  const [state, setState] = useState<MediaState>({ phase: "loading", url: null });
  const [attempt, setAttempt] = useState(0);
  useEffect(() => {
    if (id === null) return;
    let here = true;
    setState({ phase: "loading", url: null });
    media.acquire(id).then(
      (url) => here && setState({ phase: "ready", url }),
      () => here && setState({ phase: "failed", url: null }),
    );
    return () => {
      here = false;
      media.release(id);
    };
  }, [media, id, attempt]);
  return [state, useCallback(() => setAttempt((n) => n + 1), [])];
}

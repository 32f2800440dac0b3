// The messages around one of a thread, however far back it is: pages in both directions from it, without the pages
// between it and the newest. What events changed since is taken from the thread's own messages.
import { useCallback, useEffect, useRef, useState } from "react";
import type { Message, MessagesAnswer } from "../api.gen";
import { reasonOf } from "../services/problem";
import { useApp } from "./app";

const page = 50;

export interface MessageWindow {
  phase: "loading" | "ready" | "gone" | "error";
  reason: string | null;
  messages: readonly Message[];
  /** There are older ones above; newer ones below are told by the conversation's last seq. */
  more: boolean;
}

const nothing: MessageWindow = { phase: "loading", reason: null, messages: [], more: false };

export function useMessageWindow(conversation: string, seq: number) {
  const { request } = useApp();
  const [shown, setShown] = useState(nothing);
  const [attempt, setAttempt] = useState(0);
  const busy = useRef(false);
  const get = useCallback((where: string) =>
    request<MessagesAnswer>("GET", `/api/v1/conversations/${conversation}/messages?${where}&limit=${page}`), [request, conversation]);

  useEffect(() => {
    let here = true;
    setShown(nothing);
    get(`before_seq=${seq + page / 2 + 1}`).then(
      ({ messages, more }) => {
        const has = messages.some((one) => one.seq === seq);
        if (here) setShown({ phase: has ? "ready" : "gone", reason: null, messages, more });
      },
      (error: unknown) => here && setShown({ ...nothing, phase: "error", reason: reasonOf(error) }),
    );
    return () => {
      here = false;
    };
  }, [get, seq, attempt]);

  /** One page further. What fails is asked for again when one scrolls there again. */
  const extend = useCallback(async (where: "older" | "newer") => {
    const { messages } = shown;
    const edge = where === "older" ? messages[0] : messages.at(-1);
    if (busy.current || shown.phase !== "ready" || !edge) return;
    busy.current = true;
    try {
      const answer = await get(where === "older" ? `before_seq=${edge.seq}` : `after_seq=${edge.seq}`);
      setShown((now) => {
        // Another jump has taken its place.
        if (now.messages !== messages) return now;
        return where === "older"
          ? { ...now, messages: [...answer.messages, ...messages], more: answer.more }
          : { ...now, messages: [...messages, ...answer.messages] };
      });
    } catch {
      // The mark at the edge stays, so the next look at it asks again.
    } finally {
      busy.current = false;
    }
  }, [get, shown]);

  return { shown, extend, again: useCallback(() => setAttempt((n) => n + 1), []) };
}

// Reads new customer messages aloud to those who listen instead of looking; history that loads above stays silent.
import { useEffect, useRef, useState } from "react";
import { useText } from "../hooks/app";
import { authorName } from "./author";
import type { Message } from "../api.gen";

export function Announcer({ messages }: { messages: Message[] }) {
  const t = useText();
  const last = messages.at(-1);
  const heard = useRef(last?.seq ?? 0);
  const [words, setWords] = useState("");
  useEffect(() => {
    if (!last || last.seq <= heard.current) return;
    heard.current = last.seq;
    if (last.direction === "in") setWords(`${authorName(t, last.author, null)}: ${last.text ?? t(`kind.${last.kind}`)}`);
  }, [last, t]);
  return <p className="unseen" aria-live="polite">{words}</p>;
}

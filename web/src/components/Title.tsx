// The title of the tab, with what is unread. A browser tells the title to its other processes, so it changes at most
// once a second; and it is apart, so that nothing else is drawn for it.
import { useEffect, useRef, useSyncExternalStore } from "react";
import { usePick } from "../hooks/app";
import { titleWords } from "../hooks/title";
import { totalUnread } from "../state/select";

const everyMs = 1_000;

export function Title() {
  const words = useSyncExternalStore(titleWords.subscribe, titleWords.get);
  const count = usePick(totalUnread);
  const setAt = useRef(-Infinity);
  const named = useRef(words);
  const title = count > 0 ? `(${count}) ${words}` : words;
  useEffect(() => {
    if (words === "") return;
    const set = () => {
      named.current = words;
      setAt.current = performance.now();
      document.title = title;
    };
    const rest = everyMs - (performance.now() - setAt.current);
    if (rest <= 0 || named.current !== words) return set();
    const timer = setTimeout(set, rest);
    return () => clearTimeout(timer);
  }, [title, words]);
  return null;
}

// The title of the tab, with what is unread. A browser tells the title to its other processes, so it changes at most
// once a second; and it is apart, so that nothing else is drawn for it.
import { useEffect, useRef } from "react";
import { usePick, useText } from "../hooks/app";
import { totalUnread } from "../state/select";

const everyMs = 1_000;

export function Title() {
  const t = useText();
  const count = usePick(totalUnread);
  const setAt = useRef(-Infinity);
  const title = count > 0 ? `(${count}) ${t("app.name")}` : t("app.name");
  useEffect(() => {
    const set = () => {
      setAt.current = performance.now();
      document.title = title;
    };
    const rest = everyMs - (performance.now() - setAt.current);
    if (rest <= 0) return set();
    const timer = setTimeout(set, rest);
    return () => clearTimeout(timer);
  }, [title]);
  return null;
}

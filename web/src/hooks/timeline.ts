// Scrolling of a thread: stays at the newest while one is there, keeps its place while older messages load above,
// and tells when one has scrolled away.
import { useCallback, useLayoutEffect, useRef, useState, type RefObject } from "react";

const nearPx = 60;
const loadWithinPx = 500;

export interface Timeline {
  scroller: RefObject<HTMLDivElement | null>;
  content: RefObject<HTMLDivElement | null>;
  away: boolean;
  onScroll: () => void;
  toLatest: () => void;
}

/** `first` names the topmost entry that is drawn; when it changes, entries came above. */
export function useTimeline(first: string | null, more: boolean, loadOlder: () => void): Timeline {
  const scroller = useRef<HTMLDivElement>(null);
  const content = useRef<HTMLDivElement>(null);
  const stick = useRef(true);
  const before = useRef<{ first: string | null; height: number }>({ first: null, height: 0 });
  const [away, setAway] = useState(false);

  const wantOlder = useCallback(() => {
    const box = scroller.current;
    if (box && more && box.scrollTop < loadWithinPx) loadOlder();
  }, [more, loadOlder]);

  useLayoutEffect(() => {
    const box = scroller.current;
    if (!box) return;
    const grown = before.current.first !== null && before.current.first !== first;
    if (stick.current) box.scrollTop = box.scrollHeight;
    else if (grown) box.scrollTop += box.scrollHeight - before.current.height;
    before.current = { first, height: box.scrollHeight };
    wantOlder();
  }, [first, wantOlder]);

  useLayoutEffect(() => {
    const box = scroller.current;
    if (!box || !content.current) return;
    const watch = new ResizeObserver(() => {
      if (stick.current) box.scrollTop = box.scrollHeight;
      before.current.height = box.scrollHeight;
    });
    watch.observe(box);
    watch.observe(content.current);
    return () => watch.disconnect();
  }, []);

  const onScroll = useCallback(() => {
    const box = scroller.current;
    if (!box) return;
    stick.current = box.scrollHeight - box.scrollTop - box.clientHeight < nearPx;
    setAway(!stick.current);
    wantOlder();
  }, [wantOlder]);

  const toLatest = useCallback(() => {
    const box = scroller.current;
    if (!box) return;
    stick.current = true;
    setAway(false);
    box.scrollTop = box.scrollHeight;
  }, []);

  return { scroller, content, away, onScroll, toLatest };
}

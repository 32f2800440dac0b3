// Scrolling of a thread: stays at the newest while one is there, keeps in its place what is looked at while messages
// come above and go below, draws a part of the thread only, and tells when one has scrolled away.
import { useCallback, useLayoutEffect, useRef, useState, type RefObject } from "react";
import { about, atEnd, held, higher, lower, placesOf, type Span } from "../state/span";

const nearPx = 60;
const loadWithinPx = 500;

export interface Timeline {
  scroller: RefObject<HTMLDivElement | null>;
  content: RefObject<HTMLDivElement | null>;
  away: boolean;
  /** Begin and end (exclusive) of what is drawn. */
  places: [number, number];
  onScroll: () => void;
  toLatest: () => void;
  /** Goes to a message that is loaded. */
  toMessage: (seq: number) => void;
}

/** `order` are the seqs that are loaded; `more` says that there are older ones, which `loadOlder` brings. */
export function useTimeline(order: readonly number[], more: boolean, loadOlder: () => void): Timeline {
  const scroller = useRef<HTMLDivElement>(null);
  const content = useRef<HTMLDivElement>(null);
  const stick = useRef(true);
  const [span, setSpan] = useState<Span>(atEnd);
  const [away, setAway] = useState(false);
  const target = useRef<number | null>(null);
  /** What stood at the top of the view, and where. */
  const anchor = useRef<{ element: HTMLElement; px: number } | null>(null);
  const places = placesOf(order, span);
  const [begin, end] = places;

  const hold = useCallback(() => {
    const box = scroller.current;
    anchor.current = null;
    if (!box || stick.current || !content.current) return;
    for (const element of content.current.querySelectorAll<HTMLElement>("[data-seq]")) {
      if (element.offsetTop + element.offsetHeight <= box.scrollTop) continue;
      anchor.current = { element, px: element.offsetTop - box.scrollTop };
      return;
    }
  }, []);

  /** Draws or loads more where the view comes near an end of what is drawn. */
  const reach = useCallback(() => {
    const box = scroller.current;
    if (!box) return;
    if (box.scrollTop < loadWithinPx) {
      const above = stick.current ? null : higher(order, span);
      if (above) return setSpan(above);
      if (begin === 0 && more) return loadOlder();
    }
    if (!stick.current && box.scrollHeight - box.scrollTop - box.clientHeight < loadWithinPx) {
      const below = lower(order, span);
      if (below) setSpan(below);
    }
  }, [order, span, begin, more, loadOlder]);

  const keep = useCallback(() => {
    const box = scroller.current;
    if (!box) return;
    if (stick.current) box.scrollTop = box.scrollHeight;
    else if (anchor.current?.element.isConnected) box.scrollTop = anchor.current.element.offsetTop - anchor.current.px;
  }, []);

  const first = order[begin];
  const last = order[end - 1];
  useLayoutEffect(() => {
    const wanted = target.current === null ? null
      : content.current?.querySelector<HTMLElement>(`[data-seq="${target.current}"]`);
    if (wanted) {
      target.current = null;
      wanted.scrollIntoView({ block: "center" });
      wanted.animate([{ opacity: 0.4 }, { opacity: 1 }], { duration: 700 });
    } else {
      keep();
    }
    hold();
    reach();
  }, [first, last, span, keep, hold, reach]);

  useLayoutEffect(() => {
    const box = scroller.current;
    if (!box || !content.current) return;
    const watch = new ResizeObserver(keep);
    watch.observe(box);
    watch.observe(content.current);
    return () => watch.disconnect();
  }, [keep]);

  const newest = end === order.length;
  const onScroll = useCallback(() => {
    const box = scroller.current;
    if (!box) return;
    const was = stick.current;
    stick.current = newest && box.scrollHeight - box.scrollTop - box.clientHeight < nearPx;
    setAway(!stick.current);
    if (was && !stick.current) setSpan((now) => held(order, now));
    if (!was && stick.current) setSpan(atEnd);
    hold();
    reach();
  }, [newest, order, hold, reach]);

  const toLatest = useCallback(() => {
    stick.current = true;
    setAway(false);
    setSpan(atEnd);
    const box = scroller.current;
    if (box) box.scrollTop = box.scrollHeight;
  }, []);

  const toMessage = useCallback((seq: number) => {
    stick.current = false;
    setAway(true);
    target.current = seq;
    setSpan(about(order, seq));
  }, [order]);

  return { scroller, content, away, places, onScroll, toLatest, toMessage };
}

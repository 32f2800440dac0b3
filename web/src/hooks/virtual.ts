// The rows of a long list that are drawn: those in view, some around them, and those that must stay (the focus is on
// one). Heights are measured as rows come, so they may differ; while somebody scrolls, what is looked at stays in its
// place when rows above come and go. Knows nothing of what the rows are.
import { useCallback, useLayoutEffect, useMemo, useReducer, useRef, type RefObject } from "react";
import { partitionPoint } from "../state/partition";

const around = 8;
const usualPx = 69;
/** A list that nobody has touched for so long, or that has sunk so far since, lets its rows pass by: what is looked at
 * would go down for ever, and all that is above it would be kept. */
const keepsPlaceMs = 30_000;
const mostSunkPx = 300 * usualPx;
const maxHeights = 2_000;

export interface Row {
  id: string;
  at: number;
  /** Space for what is not drawn between the row before and this one. */
  gap: number;
}

export interface VirtualRows {
  box: RefObject<HTMLDivElement | null>;
  rows: Row[];
  /** Space below the last row. */
  rest: number;
  /** The lowest row in view. */
  last: number;
  onScroll: () => void;
  /** Somebody uses the list. */
  onUse: () => void;
  /** For the element of a row, which carries its id in `data-row`. */
  measure: (element: HTMLElement | null) => (() => void) | undefined;
  /** Scrolls as little as is needed to have a row in view. */
  reveal: (at: number) => void;
}

/** Where each row begins, and at the end where the last one ends. */
export function topsOf(ids: readonly string[], heightOf: (id: string) => number): Float64Array {
  const tops = new Float64Array(ids.length + 1);
  for (let at = 0; at < ids.length; at += 1) tops[at + 1] = tops[at]! + heightOf(ids[at]!);
  return tops;
}

/** The row at a place, by its begin. */
export function rowAt(tops: Float64Array, px: number): number {
  return Math.max(0, partitionPoint(tops.length - 1, (at) => tops[at]! <= px) - 1);
}

/** The rows to draw, in order, with the space between them. */
export function drawn(ids: readonly string[], tops: Float64Array, from: number, to: number, pinned: readonly number[]): { rows: Row[]; rest: number } {
  const places = new Set<number>(pinned.filter((at) => at >= 0 && at < ids.length));
  for (let at = Math.max(0, from); at < Math.min(ids.length, to); at += 1) places.add(at);
  let end = 0;
  const rows = [...places].sort((a, b) => a - b).map((at) => {
    const gap = tops[at]! - tops[end]!;
    end = at + 1;
    return { id: ids[at]!, at, gap };
  });
  return { rows, rest: tops[ids.length]! - tops[end]! };
}

/** How far the rows that were in view have moved: most of them by the same; one that jumped away does not count. */
export function shiftOf(before: Map<string, number>, ids: readonly string[], tops: Float64Array): number {
  const shifts: number[] = [];
  for (const [id, top] of before) {
    const at = ids.indexOf(id);
    if (at >= 0) shifts.push(tops[at]! - top);
  }
  shifts.sort((a, b) => a - b);
  return shifts[shifts.length >> 1] ?? 0;
}

export function useVirtualRows(ids: readonly string[], pinned: readonly (string | null)[]): VirtualRows {
  const box = useRef<HTMLDivElement>(null);
  const heights = useRef(new Map<string, number>());
  const usual = useRef(usualPx);
  const view = useRef({ top: 0, height: 900 });
  /** The rows in view and where they began, as they were drawn last. */
  const seen = useRef({ ids, tops: new Map<string, number>() });
  const [version, measured] = useReducer((n: number) => n + 1, 0);
  const [, redraw] = useReducer((n: number) => n + 1, 0);

  const tops = useMemo(
    () => topsOf(ids, (id) => heights.current.get(id) ?? usual.current),
    // A new measure makes new places.
    [ids, version],
  );
  const first = rowAt(tops, view.current.top);
  const last = rowAt(tops, view.current.top + view.current.height);
  const range = useRef({ first, last });
  range.current = { first, last };
  const { rows, rest } = drawn(ids, tops, first - around, last + 1 + around, pinned.map((id) => (id === null ? -1 : ids.indexOf(id))));

  const usedAt = useRef(-Infinity);
  const sunk = useRef(0);
  const onUse = useCallback(() => {
    usedAt.current = performance.now();
    sunk.current = 0;
  }, []);
  const look = useCallback(() => {
    const element = box.current;
    if (!element) return;
    view.current = { top: element.scrollTop, height: element.clientHeight };
  }, []);

  const onScroll = useCallback(() => {
    look();
    const { first: drawnFirst, last: drawnLast } = range.current;
    const now = { first: rowAt(tops, view.current.top), last: rowAt(tops, view.current.top + view.current.height) };
    if (now.first !== drawnFirst || now.last !== drawnLast) redraw();
  }, [look, tops]);

  useLayoutEffect(() => {
    const element = box.current;
    const used = performance.now() - usedAt.current < keepsPlaceMs && sunk.current < mostSunkPx;
    if (element && used && seen.current.ids !== ids && view.current.top > usual.current / 2) {
      const shift = shiftOf(seen.current.tops, ids, tops);
      if (shift !== 0) {
        sunk.current += shift;
        element.scrollTop = view.current.top + shift;
        look();
        redraw();
      }
    }
    const places = new Map<string, number>();
    for (let at = first; at <= Math.min(last, ids.length - 1); at += 1) places.set(ids[at]!, tops[at]!);
    seen.current = { ids, tops: places };
  }, [ids, tops, first, last, look]);

  const observer = useMemo(() => typeof ResizeObserver === "undefined" ? null : new ResizeObserver((entries) => {
    let changed = false;
    for (const { target, borderBoxSize } of entries) {
      const id = (target as HTMLElement).dataset["row"];
      const height = borderBoxSize[0]?.blockSize ?? 0;
      if (id === undefined) {
        view.current.height = (target as HTMLElement).clientHeight;
        changed = true;
      } else if (height > 0 && Math.abs((heights.current.get(id) ?? usual.current) - height) > 0.5) {
        // Rows mostly look alike: what one measures, the others do until they are drawn.
        if (heights.current.size === 0) usual.current = height;
        else heights.current.set(id, height);
        changed = true;
      }
    }
    if (heights.current.size > maxHeights) heights.current.clear();
    if (changed) measured();
  }), []);
  useLayoutEffect(() => {
    if (box.current) observer?.observe(box.current);
    return () => observer?.disconnect();
  }, [observer]);

  const measure = useCallback((element: HTMLElement | null) => {
    if (!element || !observer) return undefined;
    observer.observe(element);
    return () => observer.unobserve(element);
  }, [observer]);

  const reveal = useCallback((at: number) => {
    const element = box.current;
    if (!element || at < 0 || at + 1 >= tops.length) return;
    const [top, bottom] = [tops[at]!, tops[at + 1]!];
    if (top < element.scrollTop) element.scrollTop = top;
    else if (bottom > element.scrollTop + element.clientHeight) element.scrollTop = bottom - element.clientHeight;
    else return;
    look();
    redraw();
  }, [tops, look]);

  return { box, rows, rest, last, onScroll, onUse, measure, reveal };
}

// A press on a row of a list whose rows move: between pressing and letting go another row may have come under the pointer,
// or none. What was pressed is what is meant, unless the hand moved as well: that takes the press back.
import { useRef, type MouseEvent, type PointerEvent } from "react";

const heldPx = 6;

interface Point {
  x: number;
  y: number;
}

/** The row that a click means: the one under it, or another one that was pressed and has moved away. Null: none. */
export function meant(pressed: { row: string | null; at: Point } | null, under: string | null, at: Point): string | null {
  if (pressed === null || pressed.row === under) return under;
  const isHeld = Math.hypot(at.x - pressed.at.x, at.y - pressed.at.y) <= heldPx;
  return isHeld ? pressed.row : null;
}

/** Handlers for the element around the rows, each of which carries its id in `data-row`. */
export function usePress(open: (row: string) => void) {
  const pressed = useRef<{ row: string | null; at: Point } | null>(null);
  const rowOf = (event: MouseEvent) => (event.target as HTMLElement).closest<HTMLElement>("[data-row]")?.dataset["row"] ?? null;
  const pointOf = (event: MouseEvent): Point => ({ x: event.clientX, y: event.clientY });
  return {
    onPointerDownCapture(event: PointerEvent) {
      pressed.current = { row: rowOf(event), at: pointOf(event) };
    },
    onClickCapture(event: MouseEvent) {
      const before = pressed.current;
      pressed.current = null;
      // A key presses nothing; with another key held the browser opens a tab.
      if (event.detail === 0 || event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
      const under = rowOf(event);
      const row = meant(before, under, pointOf(event));
      if (row === under) return;
      event.preventDefault();
      event.stopPropagation();
      if (row !== null) open(row);
    },
  };
}

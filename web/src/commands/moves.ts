// Moving through the list by keys: from conversation to conversation, or with the focus from row to row.
import type { App } from "../app";
import { inbox } from "../routes/route";
import { shownIds } from "../state/select";

const row = (id: string | null) => document.querySelector<HTMLElement>(`[data-conversation-id="${id}"]`);

/** Opens the conversation below or above the open one. */
export function stepBy(app: App, by: number): void {
  const state = app.store.get();
  const ids = shownIds(state);
  const at = ids.indexOf(state.active ?? "");
  const next = ids[at < 0 ? 0 : Math.min(ids.length - 1, Math.max(0, at + by))];
  if (!next) return;
  app.router.go({ ...inbox, query: state.filter, conversation: next });
  row(next)?.scrollIntoView({ block: "nearest" });
}

/** Arrows belong to whatever has the focus (a thread that scrolls, a player), but for the rows and for nothing at all. */
export function stepFocus(app: App, by: number): boolean {
  const focused = document.activeElement;
  const rows = [...document.querySelectorAll<HTMLElement>("[data-conversation-id]")];
  const at = rows.indexOf(focused as HTMLElement);
  if (at >= 0) rows[at + by]?.focus();
  else if (focused === null || focused === document.body || focused.closest(".list")) stepBy(app, by);
  else return false;
  return true;
}

/** Out of the field, then out of the conversation. */
export function leave(app: App): boolean {
  const focused = document.activeElement;
  if (focused instanceof HTMLElement && isField(focused)) {
    focused.blur();
    return true;
  }
  const { active, filter } = app.store.get();
  if (!active) return false;
  const from = row(active);
  app.router.go({ ...inbox, query: filter });
  from?.focus();
  return true;
}

/** Where letters are written, or where they choose something. */
export function isField(element: Element): boolean {
  return (element instanceof HTMLElement && element.isContentEditable)
    || element.matches("input, textarea, select, audio, video, [role=textbox], [role=combobox], [role=listbox], [role=menu], [role=menu] *");
}

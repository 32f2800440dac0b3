// The keyboard: one table, active outside of fields. Esc works everywhere.
import { useEffect, useRef } from "react";
import { shownIds } from "../state/select";
import { useApp } from "./app";
import { composing } from "./composing";
import { composerId, searchId } from "./places";

export function useKeys(onHelp: () => void): void {
  const { store, desk } = useApp();
  const help = useRef(onHelp);
  help.current = onHelp;

  useEffect(() => {
    const step = (by: number) => {
      const state = store.get();
      const ids = shownIds(state);
      const at = ids.indexOf(state.active ?? "");
      const next = ids[at < 0 ? 0 : Math.min(ids.length - 1, Math.max(0, at + by))];
      if (!next) return;
      location.hash = `#/c/${next}`;
      document.querySelector(`[data-conversation-id="${next}"]`)?.scrollIntoView({ block: "nearest" });
    };
    const moveFocus = (by: number): boolean => {
      const rows = [...document.querySelectorAll<HTMLElement>("[data-conversation-id]")];
      const at = rows.indexOf(document.activeElement as HTMLElement);
      if (at >= 0) rows[at + by]?.focus();
      return at >= 0;
    };
    const keys: Record<string, () => void> = {
      j: () => step(1),
      k: () => step(-1),
      ArrowDown: () => void (moveFocus(1) || step(1)),
      ArrowUp: () => void (moveFocus(-1) || step(-1)),
      "/": () => document.getElementById(searchId)?.focus(),
      t: () => desk.takeOverActive(),
      r: () => document.getElementById(composerId)?.focus(),
      "?": () => help.current(),
    };

    const onKey = (event: KeyboardEvent) => {
      if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || composing(event)) return;
      const target = event.target as HTMLElement;
      if (document.querySelector("dialog[open]")) return;
      if (event.key === "Escape") {
        if (document.querySelector(":popover-open")) return;
        if (inField(target)) target.blur();
        else if (store.get().active) leave();
        return;
      }
      // Arrows belong to whatever has the focus: a select, a player, a thread that scrolls.
      const arrow = event.key.startsWith("Arrow");
      if (inField(target) || (arrow && target !== document.body && !target.closest(".list"))) return;
      // Keys are found by their place too, so that they work while another alphabet is switched on.
      const act = keys[event.key] ?? (event.shiftKey ? undefined : keys[byPlace[event.code] ?? ""]);
      if (!act) return;
      event.preventDefault();
      act();
    };
    const leave = () => {
      const row = document.querySelector<HTMLElement>(`[data-conversation-id="${store.get().active}"]`);
      location.hash = "#/";
      row?.focus();
    };
    window.addEventListener("keydown", onKey);
    return () => window.removeEventListener("keydown", onKey);
  }, [store, desk]);
}

const byPlace: Record<string, string> = { KeyJ: "j", KeyK: "k", KeyT: "t", KeyR: "r" };

function inField(target: HTMLElement): boolean {
  return target.isContentEditable || ["INPUT", "TEXTAREA", "SELECT", "AUDIO", "VIDEO"].includes(target.tagName);
}

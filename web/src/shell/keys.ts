// Listens to the keyboard for the whole page; what a key means is in the table of commands.
import { useEffect } from "react";
import { Layout, onMac } from "../commands/chord";
import type { Panel, Surroundings } from "../commands/command";
import { commandFor } from "../commands/keyboard";
import { isField } from "../commands/moves";
import { commands } from "../commands/table";
import { useFrame } from "../hooks/app";

const covers = "dialog[open], [role=dialog], [role=alertdialog], [popover]:popover-open";

/** Dialogs and open menus have the keys to themselves. */
export const isCovered = () => document.querySelector(covers) !== null;

export function useSurroundings(open: (panel: Panel) => void): Surroundings {
  const { app, prefer } = useFrame();
  return { app, prefer, open };
}

export function useKeys(open: (panel: Panel) => void): void {
  const { app, prefer, preferences } = useFrame();
  const { language } = preferences;
  useEffect(() => {
    const layout = new Layout(language !== "ru");
    const isMac = onMac();
    const onKey = (event: KeyboardEvent) => {
      const found = commandFor(commands, event, {
        state: app.store.get(), route: app.router.get(), inField: event.target instanceof Element && isField(event.target),
        isCovered: isCovered(), layout, isMac,
      });
      if (found?.run?.({ app, prefer, open }) === false || !found) return;
      event.preventDefault();
    };
    window.addEventListener("keydown", onKey);
    return () => window.removeEventListener("keydown", onKey);
  }, [app, prefer, open, language]);
}

// Dialogs whose code comes when they are first asked for, so that the page itself is small.
import { useState, type ComponentType } from "react";
import { useApp, useText } from "./app";

interface Later<Props> {
  /** What came, while it is open. */
  Shown: ComponentType<Props> | null;
  busy: boolean;
  /** Whether it could be opened; that it could not is told. */
  open(): Promise<boolean>;
  close(): void;
}

export function useLater<Props>(load: () => Promise<ComponentType<Props>>): Later<Props> {
  const t = useText();
  const { desk } = useApp();
  const [shown, setShown] = useState<{ Shown: ComponentType<Props> } | null>(null);
  const [busy, setBusy] = useState(false);
  return {
    Shown: shown?.Shown ?? null,
    busy,
    async open() {
      if (busy) return false;
      setBusy(true);
      try {
        const Shown = await load();
        setShown({ Shown });
        return true;
      } catch {
        desk.complain(new Error(t("page.chunkFailed")));
        return false;
      } finally {
        setBusy(false);
      }
    },
    close: () => setShown(null),
  };
}

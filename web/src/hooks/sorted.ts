// Things with names in the order that readers of the page's language expect.
import { useMemo } from "react";
import { byName } from "../state/fold";
import { useText } from "./app";

export function useByName(): <T extends { name: string }>(things: readonly T[]) => T[] {
  const { language } = useText();
  return useMemo(() => {
    const order = byName(language);
    return (things) => [...things].sort((a, b) => order(a.name, b.name));
  }, [language]);
}

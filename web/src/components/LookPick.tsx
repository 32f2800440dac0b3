// The switches of language and appearance side by side, for pages outside the inbox.
import type { ReactNode } from "react";
import { LanguagePick } from "./LanguagePick";
import { ThemePick } from "./ThemePick";

export function LookPick({ children }: { children?: ReactNode }) {
  return <div className="look"><LanguagePick /><ThemePick />{children}</div>;
}

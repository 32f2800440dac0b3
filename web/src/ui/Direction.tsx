// Tells the primitives which way the text runs, for the arrows of menus, tabs and switches. Set beside `dir` of <html>.
import { DirectionProvider } from "@base-ui/react/direction-provider";
import type { ReactNode } from "react";

export function Direction({ dir, children }: { dir: "ltr" | "rtl"; children: ReactNode }) {
  return <DirectionProvider direction={dir}>{children}</DirectionProvider>;
}

// The route for components, and what goes with it: the title of the document, the focus on the heading of a new page.
import { useEffect, useRef, useSyncExternalStore, type RefObject } from "react";
import type { Link } from "../routes/follow";
import type { Route } from "../routes/route";
import { useApp, useText } from "./app";
import { titleWords } from "./title";

export function useRoute(): Route {
  const { router } = useApp();
  return useSyncExternalStore(router.subscribe, router.get);
}

/** How it stands with what the address names. */
export function useLink(): Link {
  const { follow } = useApp();
  return useSyncExternalStore(follow.subscribe, follow.get);
}

/** Names the document after what is shown. */
export function useTitle(...parts: (string | null | undefined)[]): void {
  const t = useText();
  const words = [...parts.filter(Boolean), t("app.name")].join(" · ");
  useEffect(() => titleWords.set(words), [words]);
}

/** The main heading of a page takes the focus when a person comes to it from another; not when the page is loaded. */
export function useHeading(key: string): RefObject<HTMLHeadingElement | null> {
  const { router } = useApp();
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    if (router.hasMoved) heading.current?.focus();
  }, [router, key]);
  return heading;
}

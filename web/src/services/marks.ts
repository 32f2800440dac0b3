// Read marks of conversations that events brought and no page has: events do not say how far this user has read.
// They have just had activity, so the newest page of the inbox names them all in one request.
import { currentList } from "../state/lists";
import type { Store } from "../state/store";
import type { Loader } from "./loader";

const gatherMs = 1_000;
/** The newest page names so many; what is further down in the list was loaded with its mark, or waits for its event. */
const named = 50;
const maxAsked = 1_000;

export class Marks {
  private readonly asked = new Set<string>();
  private timer: ReturnType<typeof setTimeout> | undefined;
  private stopListening: (() => void) | null = null;

  constructor(
    private readonly store: Store,
    private readonly loader: Pick<Loader, "newest">,
  ) {}

  start(): void {
    this.stopListening = this.store.subscribe(() => this.look());
  }

  stop(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.stopListening?.();
    this.asked.clear();
  }

  private look(): void {
    const state = this.store.get();
    const top = currentList(state)?.ids.slice(0, named) ?? [];
    const missing = top.filter((id) => !state.reads.has(id) && !this.asked.has(id));
    if (missing.length === 0) return;
    if (this.asked.size > maxAsked) this.asked.clear();
    for (const id of missing) this.asked.add(id);
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      this.loader.newest().catch(() => undefined);
    }, gatherMs);
  }
}

// Read marks of conversations that events brought and no page has: events do not say how far this user has read.
// They have just had activity, so the first page of the inbox names them all in one request.
import type { Store } from "../state/store";
import type { Loader } from "./loader";

const gatherMs = 1_000;

export class Marks {
  private readonly asked = new Set<string>();
  private timer: ReturnType<typeof setTimeout> | undefined;
  private stopListening: (() => void) | null = null;

  constructor(
    private readonly store: Store,
    private readonly loader: Pick<Loader, "inbox">,
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
    const { conversations, reads, pages } = this.store.get();
    if (pages.open.phase !== "ready") return;
    const missing = Object.values(conversations).filter(
      ({ value }) => value.state === "open" && !reads[value.id] && !this.asked.has(value.id),
    );
    if (missing.length === 0) return;
    for (const { value } of missing) this.asked.add(value.id);
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      void this.loader.inbox();
    }, gatherMs);
  }
}

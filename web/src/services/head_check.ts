// A socket can be dead without a word: after sleep, behind a proxy that forgot it. When the page is looked at again
// and the log has an event that the feed has not brought, the connection is made anew and recovers it.
import type { Store } from "../state/store";
import type { Api } from "./api";
import type { Socket } from "./socket";

const awayMs = 20_000;
const graceMs = 3_000;

export class HeadCheck {
  private hiddenAt: number | null = null;

  constructor(
    private readonly store: Store,
    private readonly api: Pick<Api, "eventsAfter">,
    private readonly socket: Pick<Socket, "live" | "renew" | "retryNow">,
    private readonly now: () => number = Date.now,
  ) {}

  hidden(): void {
    this.hiddenAt = this.now();
  }

  /** The page is on the screen again. */
  async shown(): Promise<void> {
    const away = this.hiddenAt !== null && this.now() - this.hiddenAt >= awayMs;
    this.hiddenAt = null;
    if (!this.socket.live) return this.socket.retryNow();
    if (away) await this.woke();
  }

  /** The computer slept, or its clock was set; the answers also say what time it is. */
  async woke(): Promise<void> {
    if (!this.socket.live) return this.socket.retryNow();
    const { positions, notLive } = this.store.get();
    const pushed = Object.entries(positions).filter(([tenant]) => !notLive.includes(tenant));
    const checks = pushed.map(async ([tenant, { offset }]) => {
      const { events } = await this.api.eventsAfter(tenant, offset);
      const first = events[0];
      if (first) setTimeout(() => this.missing(tenant, first.cursor), graceMs);
    });
    await Promise.allSettled(checks);
  }

  private missing(tenant: string, cursor: number): void {
    const position = this.store.get().positions[tenant];
    if (position && position.offset < cursor) this.socket.renew();
  }
}

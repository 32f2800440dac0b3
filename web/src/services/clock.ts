// The server's time, and time that only moves on. The computer's clock may be wrong, or be set while the page is open:
// it is never read where the server has said what time it is, and never for how long something takes.

/** A step of the computer's clock beside the elapsed time: it was set, or the computer slept. */
const stepMs = 2_000;

export class ServerClock {
  /** The server's time less the elapsed time; null until the server has said it. */
  private offset: number | null = null;
  private seen: { own: number; elapsed: number };

  constructor(
    readonly elapsed: () => number = () => performance.now(),
    private readonly own: () => number = Date.now,
  ) {
    this.seen = { own: own(), elapsed: elapsed() };
  }

  /** Unix milliseconds. */
  now(): number {
    return this.offset === null ? this.own() : this.offset + this.elapsed();
  }

  /** The server said its time just now, to the millisecond. */
  told(at: number): void {
    this.offset = at - this.elapsed();
  }

  /** The `Date` of an answer, in whole seconds, to a request that left at `sentAt` of the elapsed time. It is taken only
   * where it contradicts what is known: after a sleep in which the elapsed time stood still, for example. */
  heard(date: string | null, sentAt: number): void {
    const at = Date.parse(date ?? "");
    if (Number.isNaN(at)) return;
    const known = this.offset === null ? NaN : this.now();
    const fits = known >= at - 500 && known <= at + 1_500 + (this.elapsed() - sentAt);
    if (!fits) this.told(at + 500);
  }

  /** Whether the computer's clock was set since the last question, or the computer slept. */
  stepped(): boolean {
    const before = this.seen;
    this.seen = { own: this.own(), elapsed: this.elapsed() };
    const step = this.seen.own - before.own - (this.seen.elapsed - before.elapsed);
    return Math.abs(step) > stepMs;
  }
}

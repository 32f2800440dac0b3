// How long to wait before the next attempt: exponential, half of it by chance, so that many pages do not come at once.
const firstMs = 500;
const longestMs = 20_000;
/** A connection that lived this long, and longer than the wait before it, was a good one. */
const steadyMs = 10_000;

export function retryDelay(attempt: number, random: () => number): number {
  const ceiling = Math.min(longestMs, firstMs * 2 ** Math.min(attempt, 10));
  return Math.round(ceiling / 2 + random() * (ceiling / 2));
}

/** The waits between connections. A server that accepts and then drops is no better than one that refuses: what counts
 * is how long a connection lasted, not that it came about. */
export class Backoff {
  private attempts = 0;
  private waited = 0;
  private openedAt: number | null = null;

  constructor(
    private readonly elapsed: () => number,
    private readonly random: () => number,
  ) {}

  opened(): void {
    this.openedAt = this.elapsed();
  }

  /** The connection ended, or did not come about: how long to wait for the next one. */
  next(): number {
    if (this.openedAt !== null && this.elapsed() - this.openedAt >= steadyMs + this.waited) this.attempts = 0;
    this.openedAt = null;
    this.waited = retryDelay(this.attempts, this.random);
    this.attempts += 1;
    return this.waited;
  }

  /** In a row, with the one that `next` was asked for. */
  get failures(): number {
    return this.attempts;
  }

  reset(): void {
    this.attempts = 0;
    this.waited = 0;
    this.openedAt = null;
  }
}

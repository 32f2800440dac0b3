// The access token, in memory only. The refresh token is a cookie that this code never sees.
import type { Session } from "../wire";
import { RequestError } from "./problem";

/** Runs one piece of work at a time among all tabs: two tabs must not spend the same refresh cookie. */
export type Lock = <T>(work: () => Promise<T>) => Promise<T>;

export const tabLock: Lock = (work) =>
  navigator.locks ? (navigator.locks.request("hubbub-refresh", work) as ReturnType<typeof work>) : work();

const marginMs = 30_000;

export class Tokens {
  private session: { token: string; expiresAt: number } | null = null;
  private running: Promise<string> | null = null;

  constructor(
    private readonly renew: () => Promise<Session>,
    private readonly now: () => number,
    private readonly lock: Lock = tabLock,
  ) {}

  take(session: Session): void {
    this.session = { token: session.access_token, expiresAt: session.expires_at };
  }

  forget(): void {
    this.session = null;
  }

  get present(): string | null {
    return this.session?.token ?? null;
  }

  /** A token that is good for a while yet. */
  async fresh(): Promise<string> {
    if (this.session && this.session.expiresAt - this.now() > marginMs) return this.session.token;
    return this.refresh(this.session?.token ?? null);
  }

  /** A new token in place of `spent`; many callers at once make one request. */
  refresh(spent: string | null): Promise<string> {
    if (this.session && this.session.token !== spent) return Promise.resolve(this.session.token);
    this.running ??= this.lock(this.renew)
      .then((session) => {
        this.take(session);
        return session.access_token;
      })
      .catch((error: unknown) => {
        if (error instanceof RequestError && error.status === 401) this.forget();
        throw error;
      })
      .finally(() => {
        this.running = null;
      });
    return this.running;
  }
}

// The access token, in memory only. The refresh token is a cookie that this code never sees.
import type { Session } from "../api.gen";
import { RequestError } from "./problem";

/** Runs one piece of work at a time among all tabs: two tabs must not spend the same refresh cookie. */
export type Lock = <T>(work: () => Promise<T>) => Promise<T>;

export const tabLock: Lock = (work) =>
  navigator.locks ? (navigator.locks.request("hubbub-refresh", work) as ReturnType<typeof work>) : work();

const marginMs = 30_000;

/** Whose session it is, and at which installation. */
export interface Holder {
  user: string;
  installation: string;
}

/** The code of an error: the browser's session is another person's by now. */
export const otherHolder = "other_holder";

export class Tokens {
  private session: { token: string; expiresAt: number } | null = null;
  private owner: Holder | null = null;
  /** Grows when the session is left: an answer to it that comes later is nobody's. */
  private left = 0;
  private running: Promise<string> | null = null;

  constructor(
    private readonly renew: () => Promise<Session>,
    private readonly now: () => number,
    private readonly lock: Lock = tabLock,
  ) {}

  take(session: Session): void {
    this.owner = { user: session.user.id, installation: session.installation };
    this.session = { token: session.access_token, expiresAt: session.expires_at };
  }

  forget(): void {
    this.session = null;
    this.owner = null;
    this.left += 1;
  }

  get holder(): Holder | null {
    return this.owner;
  }

  /** Work that changes the cookie, one piece at a time among all tabs: an answer that comes late must not put back what
   * another tab has just replaced. */
  alone<T>(work: () => Promise<T>): Promise<T> {
    return this.lock(work);
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
    const { left } = this;
    this.running ??= this.lock(this.renew)
      .then((session) => {
        if (left !== this.left) throw new RequestError(401, "signed_out", "signed out");
        // All tabs have one cookie: somebody else has signed in beside this page.
        if (this.owner && !isOf(this.owner, session)) throw new RequestError(401, otherHolder, "another session began");
        this.take(session);
        return session.access_token;
      })
      .catch((error: unknown) => {
        if (error instanceof RequestError && error.status === 401 && left === this.left) this.forget();
        throw error;
      })
      .finally(() => {
        this.running = null;
      });
    return this.running;
  }
}

function isOf(holder: Holder, session: Session): boolean {
  return holder.user === session.user.id && holder.installation === session.installation;
}

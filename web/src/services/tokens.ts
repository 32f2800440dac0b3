// The access token, in memory only. The refresh token is a cookie that this code never sees.
// How long a token lasts is counted from the moment it was asked for, by the server's own times: the computer's clock
// says nothing. What the server refuses is renewed all the same.
import type { Session } from "../api.gen";
import type { Lock } from "./lock";
import { RequestError } from "./problem";

const marginMs = 30_000;
/** A token that another tab has fetched while this one waited for the lock may be told a moment after the lock. */
const toldWithinMs = 30;

/** Whose session it is, and at which installation. */
export interface Holder {
  user: string;
  installation: string;
}

/** A renewal, and how long ago it was asked for. */
export interface Renewed {
  session: Session;
  ageMs: number;
}

/** The code of an error: the browser's session is another person's by now. */
export const otherHolder = "other_holder";

export class Tokens {
  private session: { token: string; askedAt: number; endsAt: number; marginMs: number } | null = null;
  private owner: Holder | null = null;
  /** Grows when the session is left: an answer to it that comes later is nobody's. */
  private left = 0;
  private running: Promise<string> | null = null;
  /** Tells the other tabs, which take the renewal for theirs. */
  share: (renewed: Renewed) => void = () => undefined;

  constructor(
    private readonly renew: () => Promise<Session>,
    private readonly elapsed: () => number,
    private readonly lock: Lock,
  ) {}

  /** `askedAt`: of the elapsed time. */
  take(session: Session, askedAt = this.elapsed()): void {
    this.owner = holderOf(session);
    const lasts = Math.max(0, session.expires_at - session.now);
    this.session = { token: session.access_token, askedAt, endsAt: askedAt + lasts, marginMs: Math.min(marginMs, lasts / 4) };
  }

  /** Takes what another tab has fetched, if it is for the same person. */
  adopt({ session, ageMs }: Renewed): void {
    const askedAt = this.elapsed() - ageMs;
    if (!this.owner || !isOf(this.owner, session) || (this.session && this.session.askedAt > askedAt)) return;
    this.take(session, askedAt);
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
    if (this.session && this.session.endsAt - this.elapsed() > this.session.marginMs) return this.session.token;
    return this.refresh(this.session?.token ?? null);
  }

  /** A new token in place of `spent`; many callers at once make one request, in all tabs together. */
  refresh(spent: string | null): Promise<string> {
    if (this.session && this.session.token !== spent) return Promise.resolve(this.session.token);
    const { left } = this;
    const asked = this.elapsed();
    this.running ??= this.lock(() => this.renewed(spent, left, asked))
      .catch((error: unknown) => {
        if (error instanceof RequestError && error.status === 401 && left === this.left) this.forget();
        throw error;
      })
      .finally(() => {
        this.running = null;
      });
    return this.running;
  }

  private async renewed(spent: string | null, left: number, asked: number): Promise<string> {
    if (this.owner && this.elapsed() - asked > toldWithinMs) {
      await new Promise<void>((told) => setTimeout(told, toldWithinMs));
      if (this.session && this.session.token !== spent) return this.session.token;
    }
    const askedAt = this.elapsed();
    const session = await this.renew();
    if (left !== this.left) throw new RequestError(401, "signed_out", "signed out");
    // All tabs have one cookie: somebody else has signed in beside this page.
    if (this.owner && !isOf(this.owner, session)) throw new RequestError(401, otherHolder, "another session began");
    this.take(session, askedAt);
    this.share({ session, ageMs: this.elapsed() - askedAt });
    return session.access_token;
  }
}

export function holderOf(session: Session): Holder {
  return { user: session.user.id, installation: session.installation };
}

function isOf(holder: Holder, session: Session): boolean {
  return holder.user === session.user.id && holder.installation === session.installation;
}

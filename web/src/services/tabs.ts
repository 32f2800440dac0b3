// The other tabs of this browser. All of them show one person: when the session ends in one, it ends in all, and when
// somebody else signs in in one, the others become that person's. Whose browser it is stands in the shared storage, so
// that a tab that slept, or has no channel to the others, sees it before it does anything.
import { parsed, put, remove, take, browserShelf, type Shelf } from "./shelf";
import type { Holder, Renewed } from "./tokens";

type Word = { kind: "ended"; holder: Holder; expired: boolean } | { kind: "renewed"; renewed: Renewed };

/** For each installation: two of them may be served by one host, under two paths. */
export const holderKey = (installation: string) => `hubbub.holder.${installation}`;

export interface TabsOptions {
  holder: () => Holder | null;
  /** Another tab says that this session is over. */
  ended: (expired: boolean) => void;
  /** The browser is somebody else's by now. */
  replaced: () => void;
  renewed: (renewed: Renewed) => void;
  shelf?: Shelf;
  channel?: BroadcastChannel | null;
}

export class Tabs {
  private readonly shelf: Shelf;
  private readonly channel: BroadcastChannel | null;
  /** A storage that takes nothing cannot say that somebody has left. */
  private claimed = false;

  constructor(private readonly options: TabsOptions) {
    this.shelf = options.shelf ?? browserShelf;
    this.channel = options.channel === undefined ? open() : options.channel;
    this.channel?.addEventListener("message", ({ data }: MessageEvent<Word>) => this.hear(data));
  }

  /** This browser is the present holder's. */
  claim(): void {
    const mine = this.options.holder();
    if (mine) this.claimed = put(this.shelf, holderKey(mine.installation), JSON.stringify(mine));
  }

  /** Nobody's any more, unless somebody else has it by now. */
  release(): void {
    const mine = this.options.holder();
    if (mine && same(this.stored(mine), mine)) remove(this.shelf, holderKey(mine.installation));
  }

  /** Whether this page may still act for its person. If not, it is ended or replaced within this call. */
  check(): boolean {
    const mine = this.options.holder();
    if (!mine) return false;
    const stored = this.stored(mine);
    if (same(stored, mine) || (!stored && !this.claimed)) return true;
    if (stored) this.options.replaced();
    else this.options.ended(true);
    return false;
  }

  /** For the storage's event. */
  storedChanged(key: string | null): void {
    const mine = this.options.holder();
    if (mine && (key === null || key === holderKey(mine.installation))) this.check();
  }

  tellEnded(expired: boolean): void {
    const holder = this.options.holder();
    if (holder) this.post({ kind: "ended", holder, expired });
  }

  /** Through memory only: a token is not stored. */
  tellRenewed(renewed: Renewed): void {
    this.post({ kind: "renewed", renewed });
  }

  private stored({ installation }: Holder): Holder | null {
    return parsed<Holder>(take(this.shelf, holderKey(installation)));
  }

  private post(word: Word): void {
    try {
      this.channel?.postMessage(word);
    } catch {
      // A closed channel: the storage says it too.
    }
  }

  private hear(word: Word): void {
    if (word.kind === "renewed") return this.options.renewed(word.renewed);
    const mine = this.options.holder();
    if (word.kind === "ended" && mine && same(word.holder, mine)) this.options.ended(word.expired);
  }
}

function same(a: Holder | null, b: Holder): boolean {
  return a !== null && a.user === b.user && a.installation === b.installation;
}

/** Nothing where pages have no storage: there tabs share nothing. */
function open(): BroadcastChannel | null {
  try {
    return new BroadcastChannel("hubbub.session");
  } catch {
    return null;
  }
}

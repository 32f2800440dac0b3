// The other tabs of this browser. All of them show one person: when the session ends in one, it ends in all, and when
// somebody else signs in in one, the others become that person's. Whose browser it is stands in the shared storage, so
// that a tab that slept, or has no channel to the others, sees it before it does anything.
import { place } from "./address";
import { readHolder, readWord, type Word } from "./heard";
import { removeLeavings } from "./own_shelf";
import { parsed, put, remove, take, browserShelf, type Shelf } from "./shelf";
import type { Holder, Renewed } from "./tokens";

/** For each installation: two of them may be served by one host, under two paths. */
export const holderKey = (installation: string) => `hubbub.holder.${installation}`;

/** The installation that somebody signed in to on this page: what is left when the session is over is of that one. */
const homeKey = () => `hubbub.home.${place()}`;

export type Channel = Pick<BroadcastChannel, "postMessage" | "addEventListener" | "close">;

export interface TabsOptions {
  holder: () => Holder | null;
  /** Another tab says that this session is over. */
  ended: (expired: boolean) => void;
  /** The browser is somebody else's by now. */
  replaced: () => void;
  renewed: (renewed: Renewed) => void;
  shelf?: Shelf;
  /** Nothing where pages have no channels: there the storage says it. */
  channel?: (name: string) => Channel | null;
}

export class Tabs {
  private readonly shelf: Shelf;
  private channel: { installation: string; to: Channel | null } | null = null;
  /** A storage that takes nothing cannot say that somebody has left. */
  private claimed = false;
  /** Who has left this page. */
  private left: Holder | null = null;

  constructor(private readonly options: TabsOptions) {
    this.shelf = options.shelf ?? browserShelf;
  }

  /** This browser is the present holder's. */
  claim(): void {
    const mine = this.options.holder();
    if (!mine) return;
    this.left = null;
    const before = take(this.shelf, homeKey());
    if (before !== null && before !== mine.installation) this.removeFrom(before);
    put(this.shelf, homeKey(), mine.installation);
    this.claimed = put(this.shelf, holderKey(mine.installation), JSON.stringify(mine));
    this.listen(mine.installation);
  }

  /** Nobody's any more, unless somebody else has it by now. */
  release(): void {
    const mine = this.options.holder();
    if (mine) this.left = mine;
    if (!mine || !same(this.stored(mine), mine)) return;
    remove(this.shelf, holderKey(mine.installation));
    remove(this.shelf, homeKey());
  }

  /** Removes what any person left on this page: nobody is signed in. */
  removePersonal(): void {
    const home = take(this.shelf, homeKey());
    if (home !== null) this.removeFrom(home);
    remove(this.shelf, homeKey());
  }

  private removeFrom(installation: string): void {
    removeLeavings(this.shelf, installation);
    remove(this.shelf, holderKey(installation));
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
    if (holder) this.post(holder.installation, { kind: "ended", holder, expired });
  }

  /** Through memory only: a token is not stored. */
  tellRenewed(renewed: Renewed): void {
    this.post(renewed.session.installation, { kind: "renewed", renewed });
  }

  private stored({ installation }: Holder): Holder | null {
    return readHolder(parsed(take(this.shelf, holderKey(installation))));
  }

  /** Two installations may be served by one host: each has its own channel. */
  private listen(installation: string): void {
    if (this.channel?.installation === installation) return;
    this.channel?.to?.close();
    const to = (this.options.channel ?? open)(`hubbub.session.${installation}`);
    this.channel = { installation, to };
    to?.addEventListener("message", ({ data }) => this.hear(readWord(data)));
  }

  private post(installation: string, word: Word): void {
    this.listen(installation);
    try {
      this.channel?.to?.postMessage(word);
    } catch {
      // A closed channel: the storage says it too.
    }
  }

  private hear(word: Word | null): void {
    if (word?.kind === "renewed") return this.options.renewed(word.renewed);
    if (word?.kind !== "ended") return;
    const mine = this.options.holder();
    if (mine && same(word.holder, mine)) this.options.ended(word.expired);
    // The storage or the server may have been faster, and know only that it is over, not that the person wanted it.
    else if (!mine && !word.expired && same(this.left, word.holder)) this.options.ended(false);
  }
}

function same(a: Holder | null, b: Holder): boolean {
  return a !== null && a.user === b.user && a.installation === b.installation;
}

/** Nothing where pages have no storage: there tabs share nothing. */
function open(name: string): Channel | null {
  try {
    return new BroadcastChannel(name);
  } catch {
    return null;
  }
}

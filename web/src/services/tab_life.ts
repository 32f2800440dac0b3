// Which tabs of this browser are still there: what a closed one has left to be sent is sent by another. A tab holds a
// lock for as long as it lives; where browsers give no locks, it counts in the shared storage.
import { newId } from "./ids";
import { browserLocks, type Locks } from "./lock";
import { browserShelf, keys, put, remove, take, type Shelf } from "./shelf";

const prefix = "hubbub.tab.";
const beatEveryMs = 3_000;
/** Browsers let a page in the background do something once a minute. */
const goneAfterMs = 75_000;

export class TabLife {
  readonly id = newId();
  private readonly watched = new Map<string, (() => void)[]>();
  private beats = 0;

  constructor(
    private readonly locks: Locks | null = browserLocks(),
    private readonly shelf: Shelf = browserShelf,
  ) {
    if (!locks) {
      this.count();
      return;
    }
    // Held for ever, or refused because storage is denied, where there are no other tabs to tell.
    locks.request(prefix + this.id, () => new Promise<void>(() => undefined)).catch(() => this.count());
  }

  /** Calls `gone` when that tab is closed, at once if it is. */
  watch(tab: string, gone: () => void): void {
    if (tab === this.id) return;
    const waiting = this.watched.get(tab);
    if (waiting) return void waiting.push(gone);
    this.watched.set(tab, [gone]);
    const end = () => {
      const told = this.watched.get(tab) ?? [];
      this.watched.delete(tab);
      for (const one of told) one();
    };
    if (this.locks) this.locks.request(prefix + tab, async () => end()).catch(() => this.listen(tab, end));
    else this.listen(tab, end);
  }

  private listen(tab: string, end: () => void): void {
    let [seen, unchangedMs] = [take(this.shelf, prefix + tab), 0];
    if (seen === null) return void setTimeout(end);
    const timer = setInterval(() => {
      const now = take(this.shelf, prefix + tab);
      unchangedMs = now === seen ? unchangedMs + beatEveryMs : 0;
      seen = now;
      if (now !== null && unchangedMs < goneAfterMs) return;
      clearInterval(timer);
      remove(this.shelf, prefix + tab);
      end();
    }, beatEveryMs);
  }

  private count(): void {
    if (typeof window === "undefined") return;
    const beat = () => put(this.shelf, prefix + this.id, String((this.beats += 1)));
    beat();
    setInterval(beat, beatEveryMs);
    window.addEventListener("pagehide", () => remove(this.shelf, prefix + this.id));
    window.addEventListener("pageshow", beat);
    // What tabs left that were killed.
    for (const key of keys(this.shelf, prefix)) this.watch(key.slice(prefix.length), () => undefined);
  }
}

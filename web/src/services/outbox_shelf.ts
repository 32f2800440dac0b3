// What is to be sent, in the storage that all tabs share, under the installation and the user it belongs to: it is read
// by nobody else. Every tab shows all of it. Each item has one tab that sends it; when that one is closed, another takes
// it over. What a tab does to an item (sent, refused, tried again, thrown away) the others hear by the storage.
import type { Pending } from "../state/model";
import type { Store } from "../state/store";
import type { Wish } from "../state/unsent";
import { readItem, type StoredItem } from "./heard";
import { OwnShelf } from "./own_shelf";
import { browserShelf, parsed, type Shelf } from "./shelf";
import type { TabLife } from "./tab_life";
import type { Holder } from "./tokens";

export class OutboxShelf {
  private readonly own: OwnShelf;
  private readonly tabs = new Map<string, { tab: string; tries: number }>();
  private readonly written = new Map<string, string>();
  private readonly watching = new Set<string>();
  private stopListening: (() => void) | null = null;
  private saved: { pending: readonly Pending[]; wishes: readonly Wish[] } | null = null;

  constructor(
    private readonly store: Store,
    private readonly life: Pick<TabLife, "id" | "watch">,
    private readonly adopted: () => void,
    shelf: Shelf = browserShelf,
  ) {
    this.own = new OwnShelf("out", shelf);
  }

  start(holder: Holder): void {
    this.own.start(holder);
    for (const id of this.own.ids()) this.heard(id, this.own.take(id));
    this.stopListening = this.store.subscribe(() => this.save());
  }

  /** Nothing of this person is left here, nor in the browser. */
  forget(): void {
    this.stopListening?.();
    this.stopListening = null;
    this.own.forget();
    this.tabs.clear();
    this.written.clear();
    this.saved = null;
  }

  /** Whether this tab sends it. */
  mine(id: string): boolean {
    const known = this.tabs.get(id);
    return known === undefined || known.tab === this.life.id;
  }

  /** From now on this tab sends it. */
  take(id: string, tries = this.tries(id)): void {
    this.tabs.set(id, { tab: this.life.id, tries });
    this.saved = null;
    this.save();
  }

  tries(id: string): number {
    return this.tabs.get(id)?.tries ?? 0;
  }

  /** Another tab has written this key, or removed it. */
  changed(key: string, text: string | null): void {
    const id = this.own.idOf(key);
    if (id !== null) this.heard(id, text);
  }

  private heard(id: string, text: string | null): void {
    if (this.written.get(id) === text) return;
    if (text === null) return this.gone(id);
    const stored = readItem(parsed(text), id);
    // It is another version's: that one sends it.
    if (!stored) return;
    this.written.set(id, text);
    this.tabs.set(id, { tab: stored.tab, tries: stored.tries });
    if ("pending" in stored.item) this.store.apply({ type: "pending.added", pending: stored.item.pending });
    else this.store.apply({ type: "wish.added", wish: stored.item.wish });
    if (stored.tab !== this.life.id) this.watch(stored.tab);
  }

  /** Writes what changed, and removes what is done: called with each change of the state, so it looks at nothing else. */
  save(): void {
    const { pending, wishes } = this.store.get();
    if (!this.own.isOpen || (this.saved?.pending === pending && this.saved.wishes === wishes)) return;
    this.saved = { pending, wishes };
    const here = new Map<string, StoredItem["item"]>();
    for (const one of pending) here.set(one.client_id, { pending: one.state === "sending" ? { ...one, state: "waiting" } : one });
    for (const one of wishes) here.set(one.id, { wish: one });
    for (const [id, item] of here) {
      if (!this.mine(id)) continue;
      const text = JSON.stringify({ item, tab: this.life.id, tries: this.tries(id) } satisfies StoredItem);
      if (this.written.get(id) === text) continue;
      this.written.set(id, text);
      this.tabs.set(id, { tab: this.life.id, tries: this.tries(id) });
      this.own.put(id, text);
    }
    for (const id of [...this.written.keys()].filter((one) => !here.has(one))) {
      this.own.remove(id);
      this.written.delete(id);
      this.tabs.delete(id);
    }
  }

  /** Each tab is watched once, however many items it has. */
  private watch(tab: string): void {
    if (this.watching.has(tab)) return;
    this.watching.add(tab);
    this.life.watch(tab, () => {
      this.watching.delete(tab);
      this.adopt(tab);
    });
  }

  private gone(id: string): void {
    this.written.delete(id);
    this.tabs.delete(id);
    this.store.apply({ type: "pending.dropped", client_id: id });
    this.store.apply({ type: "wish.dropped", id, refused: false });
  }

  /** Two tabs may hear of it at once; the later one to write has it, and the server takes an item once. */
  private adopt(tab: string): void {
    if (!this.own.isOpen) return;
    for (const [id, known] of [...this.tabs]) {
      if (known.tab !== tab) continue;
      const text = this.own.take(id);
      if (text === null) this.gone(id);
      else if ((readItem(parsed(text), id)?.tab ?? tab) === tab) this.take(id);
    }
    this.adopted();
  }
}

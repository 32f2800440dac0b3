// Drafts in the storage that all tabs share, a key for each conversation: what is written in one tab overwrites nothing
// that another wrote. Each has a version, which grows with every change in any tab; a draft that was sent stays as an
// empty one for a while, so that a tab that still shows it learns of it and does not bring it back.
import type { Draft } from "../state/model";
import type { Store } from "../state/store";
import { browserShelf, keys, parsed, put, remove, take, type Shelf } from "./shelf";
import type { Holder } from "./tokens";

const everything = "hubbub.draft.";
const saveAfterMs = 300;
const keptEmpty = 50;
/** So many more come together before they are removed: that reads all of them. */
const spareEmpty = 50;

interface Stored extends Draft {
  version: number;
}

export class Drafts {
  private prefix: string | null = null;
  private known: Record<string, Draft> = {};
  private readonly versions = new Map<string, number>();
  /** The highest version of all drafts: versions of different ones tell which changed later. */
  private latest = 0;
  private emptied = 0;
  private readonly unsaved = new Set<string>();
  private timer: ReturnType<typeof setTimeout> | undefined;
  private stopListening: (() => void) | null = null;

  constructor(
    private readonly store: Store,
    private readonly shelf: Shelf = browserShelf,
  ) {}

  /** Brings back what this user left at this installation. What anybody else left is removed: the browser has one
   * session at a time. */
  start({ user, installation }: Holder): void {
    this.prefix = `${everything}${installation}.${user}.`;
    for (const key of keys(this.shelf, everything)) if (!key.startsWith(this.prefix)) remove(this.shelf, key);
    this.store.apply({ type: "drafts.restored", drafts: {} });
    this.known = this.store.get().drafts;
    this.sync();
    this.removeEmpty();
    this.stopListening = this.store.subscribe(() => this.look());
  }

  /** Writes what is not written yet. */
  save(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    for (const conversation of this.unsaved) this.write(conversation);
    this.unsaved.clear();
    if (this.emptied > spareEmpty) this.removeEmpty();
  }

  /** Nothing of this person is left here, nor in the browser. */
  forget(): void {
    clearTimeout(this.timer);
    this.stopListening?.();
    this.stopListening = null;
    if (this.prefix) for (const key of keys(this.shelf, this.prefix)) remove(this.shelf, key);
    this.prefix = null;
    this.known = {};
    this.versions.clear();
    this.latest = 0;
    this.unsaved.clear();
  }

  /** Another tab has written this key. */
  changed(key: string, text: string | null): void {
    if (this.prefix === null || !key.startsWith(this.prefix)) return;
    const conversation = key.slice(this.prefix.length);
    const stored = parsed<Stored>(text);
    if (!stored || typeof stored.text !== "string" || !(stored.version > (this.versions.get(conversation) ?? 0))) return;
    // What is being written here is newer; it is written above that version.
    if (this.unsaved.has(conversation)) return;
    const { version, ...draft } = stored;
    this.versions.set(conversation, version);
    this.latest = Math.max(this.latest, version);
    this.known = { ...this.known, [conversation]: draft };
    this.store.apply({ type: "draft", conversation, draft });
  }

  /** Reads all of it again: a page that slept has heard nothing. */
  sync(): void {
    if (this.prefix) for (const key of keys(this.shelf, this.prefix)) this.changed(key, take(this.shelf, key));
  }

  private look(): void {
    const { drafts } = this.store.get();
    if (drafts === this.known) return;
    const changed = Object.keys(drafts).filter((id) => drafts[id] !== this.known[id]);
    this.known = drafts;
    for (const id of changed) this.unsaved.add(id);
    // One that was sent must not be found by anybody; each keystroke is not worth a write.
    if (changed.some((id) => drafts[id]!.text === "")) return this.save();
    if (changed.length > 0) this.timer ??= setTimeout(() => this.save(), saveAfterMs);
  }

  private write(conversation: string): void {
    const draft = this.known[conversation];
    if (this.prefix === null || !draft) return;
    const stored = parsed<Stored>(take(this.shelf, this.prefix + conversation));
    const version = Math.max(stored?.version ?? 0, this.latest) + 1;
    this.versions.set(conversation, version);
    this.latest = version;
    if (draft.text === "") this.emptied += 1;
    const text = JSON.stringify({ ...draft, version } satisfies Stored);
    if (put(this.shelf, this.prefix + conversation, text)) return;
    this.removeEmpty(0);
    put(this.shelf, this.prefix + conversation, text);
  }

  /** The oldest empty ones go. */
  private removeEmpty(kept = keptEmpty): void {
    if (this.prefix === null) return;
    this.emptied = 0;
    const empty = keys(this.shelf, this.prefix)
      .map((key) => ({ key, stored: parsed<Stored>(take(this.shelf, key)) }))
      .filter(({ stored }) => !stored?.text && !stored?.reply_to)
      .sort((a, b) => (b.stored?.version ?? 0) - (a.stored?.version ?? 0));
    for (const { key } of empty.slice(kept)) remove(this.shelf, key);
  }
}

// Drafts in the storage that all tabs share, a key for each conversation: what is written in one tab overwrites nothing
// that another wrote. Each has a version, which grows with every change in any tab; a draft that was sent stays as an
// empty one for a while, so that a tab that still shows it learns of it and does not bring it back.
import type { Draft } from "../state/model";
import type { Store } from "../state/store";
import { readDraft } from "./heard";
import { OwnShelf } from "./own_shelf";
import { browserShelf, parsed, type Shelf } from "./shelf";
import type { Holder } from "./tokens";

const saveAfterMs = 300;
const keptEmpty = 50;
/** So many more come together before they are removed: that reads all of them. */
const spareEmpty = 50;

export class Drafts {
  private readonly own: OwnShelf;
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
    shelf: Shelf = browserShelf,
  ) {
    this.own = new OwnShelf("draft", shelf);
  }

  /** Brings back what this user left at this installation. */
  start(holder: Holder): void {
    this.own.start(holder);
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
    this.own.forget();
    this.known = {};
    this.versions.clear();
    this.latest = 0;
    this.unsaved.clear();
  }

  /** Another tab has written this key. */
  changed(key: string, text: string | null): void {
    const conversation = this.own.idOf(key);
    if (conversation !== null) this.heard(conversation, text);
  }

  /** Reads all of it again: a page that slept has heard nothing. */
  sync(): void {
    for (const conversation of this.own.ids()) this.heard(conversation, this.own.take(conversation));
  }

  private heard(conversation: string, text: string | null): void {
    const stored = readDraft(parsed(text));
    if (!stored || stored.version <= (this.versions.get(conversation) ?? 0)) return;
    // What is being written here is newer; it is written above that version.
    if (this.unsaved.has(conversation)) return;
    const { version, draft } = stored;
    this.versions.set(conversation, version);
    this.latest = Math.max(this.latest, version);
    this.known = { ...this.known, [conversation]: draft };
    this.store.apply({ type: "draft", conversation, draft });
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
    if (!this.own.isOpen || !draft) return;
    const stored = readDraft(parsed(this.own.take(conversation)));
    const version = Math.max(stored?.version ?? 0, this.latest) + 1;
    this.versions.set(conversation, version);
    this.latest = version;
    if (draft.text === "") this.emptied += 1;
    const text = JSON.stringify({ ...draft, version });
    if (this.own.put(conversation, text)) return;
    this.removeEmpty(0);
    this.own.put(conversation, text);
  }

  /** The oldest empty ones go. */
  private removeEmpty(kept = keptEmpty): void {
    this.emptied = 0;
    const empty = this.own.ids()
      .map((id) => ({ id, stored: readDraft(parsed(this.own.take(id))) }))
      .filter(({ stored }) => !stored?.draft.text && !stored?.draft.reply_to)
      .sort((a, b) => (b.stored?.version ?? 0) - (a.stored?.version ?? 0));
    for (const { id } of empty.slice(kept)) this.own.remove(id);
  }
}

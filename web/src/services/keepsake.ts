// What survives a reload: drafts and unsent messages, under the installation and the user they belong to. Unsent ones
// live in the tab (two tabs must not overwrite each other), drafts in the browser. All of it leaves with the sign-out.
import type { Draft, Pending } from "../state/model";
import type { Store } from "../state/store";
import type { Holder } from "./tokens";

const saveAfterMs = 300;

export interface Shelf {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
  key(index: number): string | null;
  readonly length: number;
}

export class Keepsake {
  private stop: (() => void) | null = null;
  private flush: (() => void) | null = null;

  constructor(
    private readonly store: Store,
    private readonly tab: Shelf = sessionStorage,
    private readonly browser: Shelf = localStorage,
  ) {}

  /** Brings back what this user left at this installation, then keeps writing down what changes. What anybody else
   * left is removed: the browser has one session at a time. */
  start({ user, installation }: Holder): void {
    const [draftsKey, pendingKey] = [`hubbub.drafts.${installation}.${user}`, `hubbub.pending.${installation}.${user}`];
    const drafts = read<Record<string, Draft>>(this.browser, draftsKey) ?? {};
    const pending = read<Pending[]>(this.tab, pendingKey) ?? [];
    this.sweep([draftsKey, pendingKey]);
    this.store.apply({ type: "drafts.restored", drafts });
    // One that was under way when the page went is sent again with its id: the server knows whether it has it.
    const waiting = pending.map((p) => (p.state === "sending" ? { ...p, state: "waiting" as const } : p));
    this.store.apply({ type: "pending.restored", pending: waiting });

    let saved = { drafts, pending };
    let timer: ReturnType<typeof setTimeout> | undefined;
    this.flush = () => {
      clearTimeout(timer);
      const now = this.store.get();
      if (now.session.user?.id !== user) return;
      if (now.drafts !== saved.drafts) write(this.browser, draftsKey, nonEmpty(now.drafts));
      if (now.pending !== saved.pending) write(this.tab, pendingKey, now.pending);
      saved = now;
    };
    this.stop = this.store.subscribe(() => {
      const now = this.store.get();
      // Unsent messages are worth a write at once, each keystroke of a draft is not.
      if (now.pending !== saved.pending) return this.flush?.();
      if (now.drafts === saved.drafts) return;
      clearTimeout(timer);
      timer = setTimeout(() => this.flush?.(), saveAfterMs);
    });
  }

  save(): void {
    this.flush?.();
  }

  /** Writes nothing more; what was written stays, for a reload or for the next session of the same person. */
  end(): void {
    this.flush?.();
    this.stop?.();
    this.stop = null;
    this.flush = null;
  }

  /** The person left: nothing of anybody stays in this browser. */
  forget(): void {
    this.end();
    this.sweep([]);
  }

  private sweep(but: string[]): void {
    for (const shelf of [this.tab, this.browser]) {
      try {
        const keys = Array.from({ length: shelf.length }, (_, at) => shelf.key(at) ?? "");
        for (const key of keys) if (/^hubbub\.(drafts|pending)\./.test(key) && !but.includes(key)) shelf.removeItem(key);
      } catch {
        // What cannot be looked at has nothing in it.
      }
    }
  }
}

function nonEmpty(drafts: Record<string, Draft>): Record<string, Draft> {
  return Object.fromEntries(Object.entries(drafts).filter(([, d]) => d.text !== "" || d.reply_to !== null));
}

function read<T>(shelf: Shelf, key: string): T | null {
  try {
    return JSON.parse(shelf.getItem(key) ?? "null") as T | null;
  } catch {
    return null;
  }
}

function write(shelf: Shelf, key: string, value: object): void {
  try {
    if (Object.keys(value).length === 0) shelf.removeItem(key);
    else shelf.setItem(key, JSON.stringify(value));
  } catch {
    // A full or forbidden storage costs only the comfort of a reload.
  }
}

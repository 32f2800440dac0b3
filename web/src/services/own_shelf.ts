// What one person keeps in the storage of all tabs, an entry for each id: under the installation and the user it belongs
// to, so that nobody else reads it, and two installations of one host do not take each other's for leavings.
import { browserShelf, keys, put, remove, removeAll, take, type Shelf } from "./shelf";
import type { Holder } from "./tokens";

export type OwnKind = "draft" | "out" | "file";

export class OwnShelf {
  private prefix: string | null = null;

  constructor(
    private readonly kind: OwnKind,
    private readonly shelf: Shelf = browserShelf,
  ) {}

  /** What anybody else left at this installation is removed: the browser has one session at a time. */
  start({ user, installation }: Holder): void {
    const everybody = `hubbub.${this.kind}.${installation}.`;
    const prefix = `${everybody}${user}.`;
    for (const key of keys(this.shelf, everybody)) if (!key.startsWith(prefix)) remove(this.shelf, key);
    this.prefix = prefix;
  }

  /** Nothing of this person is left in the browser. */
  forget(): void {
    if (this.prefix !== null) removeAll(this.shelf, this.prefix);
    this.prefix = null;
  }

  get isOpen(): boolean {
    return this.prefix !== null;
  }

  /** Whose entry a key of the storage is; null for what is not this person's. */
  idOf(key: string): string | null {
    return this.prefix !== null && key.startsWith(this.prefix) ? key.slice(this.prefix.length) : null;
  }

  ids(): string[] {
    const { prefix } = this;
    return prefix === null ? [] : keys(this.shelf, prefix).map((key) => key.slice(prefix.length));
  }

  take(id: string): string | null {
    return this.prefix === null ? null : take(this.shelf, this.prefix + id);
  }

  /** Whether it is written. */
  put(id: string, text: string): boolean {
    return this.prefix !== null && put(this.shelf, this.prefix + id, text);
  }

  remove(id: string): void {
    if (this.prefix !== null) remove(this.shelf, this.prefix + id);
  }
}

/** Removes what anybody left at an installation. */
export function removeLeavings(shelf: Shelf, installation: string): void {
  for (const kind of ["draft", "out"] satisfies OwnKind[]) removeAll(shelf, `hubbub.${kind}.${installation}.`);
}

// A persistent table: a change gives a new table and shares all but one path with the old one, so that a reducer stays
// pure at a cost that hardly grows with the size. Decides nothing about what is kept.

type Key = string | number;

interface Entry<K, V> {
  readonly key: K;
  readonly hash: number;
  readonly value: V;
  /** When it was set, counted in changes of the table. */
  readonly tick: number;
}

type Bucket<K, V> = readonly Entry<K, V>[];
/** Slots by five bits of the hash, the highest first. */
interface Branch<K, V> {
  readonly slots: readonly (Branch<K, V> | Bucket<K, V> | undefined)[];
}
type Slot<K, V> = Branch<K, V> | Bucket<K, V> | undefined;

const width = 32;
const topShift = 27;
const lowestShift = 2;
const maxBucket = 8;
const noSlots = new Array<undefined>(width).fill(undefined);

export class Table<K extends Key, V> {
  private constructor(
    private readonly root: Branch<K, V>,
    readonly size: number,
    /** How often something was set. */
    readonly ticks: number,
  ) {}

  static empty<K extends Key, V>(): Table<K, V> {
    return new Table<K, V>({ slots: noSlots }, 0, 0);
  }

  static from<K extends Key, V>(entries: Iterable<readonly [K, V]>): Table<K, V> {
    let table = Table.empty<K, V>();
    for (const [key, value] of entries) table = table.set(key, value);
    return table;
  }

  get(key: K): V | undefined {
    const hash = hashOf(key);
    let slot: Slot<K, V> = this.root;
    for (let shift = topShift; isBranch(slot); shift -= 5) slot = slot.slots[(hash >>> shift) & 31];
    if (slot) for (const entry of slot) if (entry.key === key) return entry.value;
    return undefined;
  }

  has(key: K): boolean {
    return this.get(key) !== undefined;
  }

  set(key: K, value: V): Table<K, V> {
    const tick = this.ticks + 1;
    const before = this.size;
    const entry = { key, hash: hashOf(key), value, tick };
    const added = { count: 0 };
    const root = put(this.root, topShift, entry, added);
    return new Table(root, before + added.count, tick);
  }

  delete(key: K): Table<K, V> {
    if (!this.has(key)) return this;
    return new Table(remove(this.root, topShift, key, hashOf(key)), this.size - 1, this.ticks);
  }

  forEach(see: (value: V, key: K) => void): void {
    walk(this.root, (entry) => see(entry.value, entry.key));
  }

  values(): V[] {
    const out: V[] = [];
    this.forEach((value) => out.push(value));
    return out;
  }

  map(change: (value: V, key: K) => V): Table<K, V> {
    return new Table(mapped(this.root, change), this.size, this.ticks);
  }

  filter(keep: (value: V, key: K) => boolean): Table<K, V> {
    const left = { count: 0 };
    return new Table(filtered(this.root, keep, left), left.count, this.ticks);
  }

  /** The next entries at or after a place in the order of hashes, a few at a time, and the place after them; from the
   * beginning again after the end. So what is too old is found without looking at everything. */
  sweep(hand: number): { entries: Bucket<K, V>; hand: number } {
    return seek(this.root, topShift, 0, hand) ?? { entries: [], hand: 0 };
  }
}

function isBranch<K, V>(slot: Slot<K, V>): slot is Branch<K, V> {
  return slot !== undefined && !Array.isArray(slot);
}

/** FNV-1a; numbers are spread by an odd factor, which keeps them apart. */
function hashOf(key: Key): number {
  if (typeof key === "number") return Math.imul(key, 0x9e3779b1) >>> 0;
  let hash = 0x811c9dc5;
  for (let i = 0; i < key.length; i += 1) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193);
  // The low bits of FNV are the good ones; the table begins with the high ones.
  return Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d) >>> 0;
}

function put<K, V>(branch: Branch<K, V>, shift: number, entry: Entry<K, V>, added: { count: number }): Branch<K, V> {
  const at = (entry.hash >>> shift) & 31;
  const slots = branch.slots.slice();
  const slot = slots[at];
  slots[at] = isBranch(slot) ? put(slot, shift - 5, entry, added) : intoBucket(slot ?? [], shift, entry, added);
  return { slots };
}

function intoBucket<K, V>(bucket: Bucket<K, V>, shift: number, entry: Entry<K, V>, added: { count: number }): Slot<K, V> {
  const at = bucket.findIndex((one) => one.key === entry.key);
  if (at >= 0) return bucket.with(at, entry);
  added.count = 1;
  const next = [...bucket, entry];
  if (next.length <= maxBucket || shift <= lowestShift) return next;
  const ignored = { count: 0 };
  return next.reduce((branch, one) => put(branch, shift - 5, one, ignored), { slots: noSlots } as Branch<K, V>);
}

function remove<K, V>(branch: Branch<K, V>, shift: number, key: K, hash: number): Branch<K, V> {
  const at = (hash >>> shift) & 31;
  const slots = branch.slots.slice();
  const slot = slots[at];
  if (isBranch(slot)) {
    slots[at] = remove(slot, shift - 5, key, hash);
  } else {
    const left = slot?.filter((one) => one.key !== key) ?? [];
    slots[at] = left.length === 0 ? undefined : left;
  }
  return { slots };
}

function walk<K, V>(branch: Branch<K, V>, see: (entry: Entry<K, V>) => void): void {
  for (const slot of branch.slots) {
    if (isBranch(slot)) walk(slot, see);
    else slot?.forEach(see);
  }
}

function mapped<K, V>(branch: Branch<K, V>, change: (value: V, key: K) => V): Branch<K, V> {
  return {
    slots: branch.slots.map((slot) => (isBranch(slot) ? mapped(slot, change)
      : slot?.map((entry) => ({ ...entry, value: change(entry.value, entry.key) })))),
  };
}

function filtered<K, V>(branch: Branch<K, V>, keep: (value: V, key: K) => boolean, left: { count: number }): Branch<K, V> {
  return {
    slots: branch.slots.map((slot) => {
      if (isBranch(slot)) return filtered(slot, keep, left);
      const kept = slot?.filter((entry) => keep(entry.value, entry.key));
      left.count += kept?.length ?? 0;
      return kept?.length ? kept : undefined;
    }),
  };
}

function seek<K, V>(branch: Branch<K, V>, shift: number, base: number, hand: number): { entries: Bucket<K, V>; hand: number } | null {
  const step = 2 ** shift;
  for (let at = Math.max(0, Math.floor((hand - base) / step)); at < width; at += 1) {
    const slot = branch.slots[at];
    const from = base + at * step;
    if (isBranch(slot)) {
      const found = seek(slot, shift - 5, from, hand);
      if (found) return found;
    } else if (slot) {
      return { entries: slot, hand: from + step };
    }
  }
  return null;
}

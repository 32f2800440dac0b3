// One piece of work at a time among all tabs of a browser. Browsers give their locks only to secure pages that may store
// something; a plain page in a shop's own network takes a note in the shared storage instead.
import { newId } from "./ids";
import { browserShelf, put, remove, take, type Shelf } from "./shelf";

export type Lock = <T>(work: () => Promise<T>) => Promise<T>;

/** Longer than any work takes: a note that stands this long unchanged was left by a page that is gone. */
const abandonedMs = 20_000;
const lookEveryMs = 100;
/** Two tabs may write at once; the one whose note stands after this has the lock. */
const settleMs = 30;

export function tabLock(name: string, locks = browserLocks(), shelf = browserShelf): Lock {
  return async (work) => {
    if (!locks) return noteLock(name, shelf, work);
    let begun = false;
    try {
      return await locks.request(name, () => {
        begun = true;
        return work();
      });
    } catch (error) {
      // The browser refuses its locks to a page whose storage is denied.
      if (begun) throw error;
      return noteLock(name, shelf, work);
    }
  };
}

export type Locks = Pick<LockManager, "request">;

export function browserLocks(): Locks | null {
  return typeof navigator === "object" && navigator.locks ? navigator.locks : null;
}

async function noteLock<T>(name: string, shelf: Shelf, work: () => Promise<T>): Promise<T> {
  const key = `hubbub.lock.${name}`;
  const mine = newId();
  for (let found: string | null = null, unchanged = 0; ;) {
    const note = take(shelf, key);
    unchanged = note === found ? unchanged + lookEveryMs : 0;
    found = note;
    if (note === null || unchanged > abandonedMs) {
      // Without storage there are no other tabs to wait for.
      if (!put(shelf, key, mine)) break;
      await pause(settleMs);
      if (take(shelf, key) === mine) break;
    }
    await pause(lookEveryMs);
  }
  try {
    return await work();
  } finally {
    if (take(shelf, key) === mine) remove(shelf, key);
  }
}

const pause = (ms: number) => new Promise<void>((done) => setTimeout(done, ms));

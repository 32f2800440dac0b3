// The browser's storage, where pages may have it. Where they may not, reading `localStorage` itself throws, and what
// would be kept is kept until the page is closed.
export interface Shelf {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
  key(index: number): string | null;
  readonly length: number;
}

export function memoryShelf(): Shelf {
  const kept = new Map<string, string>();
  return {
    getItem: (key) => kept.get(key) ?? null,
    setItem: (key, value) => void kept.set(key, value),
    removeItem: (key) => void kept.delete(key),
    key: (index) => [...kept.keys()][index] ?? null,
    get length() {
      return kept.size;
    },
  };
}

/** What all tabs share; of this page alone where storage is denied. */
export const browserShelf: Shelf = open();

/** What this tab alone has, over its reloads. */
export const tabShelf: Shelf = openTab();

/** Whether the browser keeps anything for this page. */
export function isKept(): boolean {
  return navigator.cookieEnabled && browserShelf === stored();
}

function stored(): Shelf | null {
  try {
    return typeof localStorage === "object" ? localStorage : null;
  } catch {
    return null;
  }
}

function open(): Shelf {
  try {
    const shelf = stored();
    shelf?.getItem("hubbub.language");
    return shelf ?? memoryShelf();
  } catch {
    return memoryShelf();
  }
}

function openTab(): Shelf {
  try {
    return typeof sessionStorage === "object" ? sessionStorage : memoryShelf();
  } catch {
    return memoryShelf();
  }
}

/** Whether it is written; a full storage costs only what a reload would bring back. */
export function put(shelf: Shelf, key: string, value: string): boolean {
  try {
    shelf.setItem(key, value);
    return true;
  } catch {
    return false;
  }
}

export function take(shelf: Shelf, key: string): string | null {
  try {
    return shelf.getItem(key);
  } catch {
    return null;
  }
}

export function remove(shelf: Shelf, key: string): void {
  try {
    shelf.removeItem(key);
  } catch {
    // What cannot be reached has nothing in it.
  }
}

export function keys(shelf: Shelf, prefix: string): string[] {
  try {
    const all = Array.from({ length: shelf.length }, (_, at) => shelf.key(at) ?? "");
    return all.filter((key) => key.startsWith(prefix));
  } catch {
    return [];
  }
}

export function removeAll(shelf: Shelf, prefix: string): void {
  for (const key of keys(shelf, prefix)) remove(shelf, key);
}

/** What was stored under a key; null for nothing, and for what is no JSON. What it says may still be anything. */
export function parsed(text: string | null): unknown {
  try {
    return JSON.parse(text ?? "null") as unknown;
  } catch {
    return null;
  }
}

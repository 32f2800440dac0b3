// What the page that is shown is called. Apart from the components, so that a new title draws nothing but the title.
const listeners = new Set<() => void>();
let words = "";

export const titleWords = {
  get: (): string => words,
  set(next: string): void {
    if (next === words) return;
    words = next;
    for (const listener of [...listeners]) listener();
  },
  subscribe(listener: () => void): () => void {
    listeners.add(listener);
    return () => listeners.delete(listener);
  },
};

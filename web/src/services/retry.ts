// How long to wait before the next attempt: exponential, half of it by chance, so that many pages do not come at once.
const firstMs = 500;
const longestMs = 20_000;

export function retryDelay(attempt: number, random: () => number): number {
  const ceiling = Math.min(longestMs, firstMs * 2 ** Math.min(attempt, 10));
  return Math.round(ceiling / 2 + random() * (ceiling / 2));
}

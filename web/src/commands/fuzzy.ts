// Finding by a few letters: each word of what is typed stands in the text, the better the nearer to the beginning of a
// word; letters with gaps count least. Without case and marks, in one Unicode form.
import { fold } from "../state/fold";

/** How well `text` (folded) fits the typed words (folded); null if it does not. Higher is better. */
export function score(text: string, words: readonly string[]): number | null {
  let sum = 0;
  for (const word of words) {
    const one = scoreWord(text, word);
    if (one === null) return null;
    sum += one;
  }
  // Of two that fit alike the shorter is meant.
  return sum - text.length / 1_000;
}

function scoreWord(text: string, word: string): number | null {
  const at = text.indexOf(word);
  if (at === 0) return 100;
  if (at > 0) {
    for (let from = at; from >= 0; from = text.indexOf(word, from + 1)) {
      if (/[^\p{L}\p{N}]/u.test(text[from - 1]!)) return 80;
    }
    return 50;
  }
  // The letters in their order, each gap costs.
  let [from, gaps] = [0, 0];
  for (const letter of word) {
    const next = text.indexOf(letter, from);
    if (next < 0) return null;
    if (next > from) gaps += 1;
    from = next + letter.length;
  }
  return word.length < 2 || gaps > word.length ? null : Math.max(1, 30 - gaps * 5);
}

/** The best of what fits, best first; in the given order while nothing is typed. */
export function best<T>(things: Iterable<T>, textOf: (thing: T) => string, typed: string, limit: number): T[] {
  const words = fold(typed).split(/\s+/).filter((word) => word !== "");
  const found: { thing: T; points: number }[] = [];
  for (const thing of things) {
    const points = words.length === 0 ? 0 : score(fold(textOf(thing)), words);
    if (points !== null) found.push({ thing, points });
    if (words.length === 0 && found.length >= limit) break;
  }
  return found.sort((a, b) => b.points - a.points).slice(0, limit).map(({ thing }) => thing);
}

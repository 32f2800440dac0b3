// One form of text for every comparison on the page: filters, the palette, sorting by name. The server's search folds
// by the same rule in its own code.
//
// The rule: compatibility decomposition (NFKD); without combining marks, so that é is e, ё is е and й is и; without
// invisible format characters (soft hyphen, joiners, direction marks); without case, so that ß is ss and ς is σ; runs
// of blanks are one space. Marks that are letters of their own script (vowel signs of Indian scripts) stay.

const marks = /(?=\p{M})(?:\p{Script=Inherited}|\p{Script=Hebrew}|\p{Script=Cyrillic}|\p{Script=Greek}|\p{Script=Latin})/gu;
const invisible = /\p{Cf}/gu;
const blanks = /[\s\p{Z}]+/gu;

export function fold(text: string): string {
  // Upper case first: it writes out what has no single lower form. The lower case of a final sigma depends on its place.
  const bare = text.normalize("NFKD").replace(marks, "").replace(invisible, "").toUpperCase().toLowerCase();
  return bare.normalize("NFKD").replace(marks, "").replace(/ς/g, "σ").replace(blanks, " ").trim();
}

/** Whether every word of `query` begins a word of `text` or stands inside it. */
export function matches(text: string, query: string): boolean {
  const folded = fold(text);
  return fold(query).split(" ").every((word) => folded.includes(word));
}

/** Orders names as readers of the language expect; the same name in another form stands beside it, in a fixed order. */
export function byName(language: string): (a: string, b: string) => number {
  const collator = new Intl.Collator(language, { sensitivity: "base", numeric: true });
  return (a, b) => collator.compare(fold(a), fold(b)) || collator.compare(a, b) || (a < b ? -1 : a > b ? 1 : 0);
}

// Key combinations: how they are written, and whether an event of the keyboard is one. A chord names the sign that the
// key gives (`j`, `?`, `Enter`); `Mod` is Cmd on a Mac and Ctrl elsewhere.
//
// A key is found by its sign, so that Dvorak and AZERTY work as printed. While an alphabet other than the Latin one is
// switched on no key gives Latin letters, and the place of the key on the board decides.

export interface KeyPress {
  key: string;
  code: string;
  ctrlKey: boolean;
  metaKey: boolean;
  altKey: boolean;
  shiftKey: boolean;
}

interface Chord {
  sign: string;
  mod: boolean;
  shift: boolean;
}

export function chordOf(written: string): Chord {
  const parts = written.split("+");
  const sign = parts.at(-1)!;
  return { sign, mod: parts.includes("Mod"), shift: parts.includes("Shift") };
}

/** Where the signs of chords are on a board with Latin letters. */
const places: Record<string, { code: string; shift: boolean }> = {
  "/": { code: "Slash", shift: false },
  "?": { code: "Slash", shift: true },
};

/** Remembers by the letters that were typed last whether they are Latin: signs alone do not tell. */
export class Layout {
  constructor(public isLatin: boolean) {}

  note({ key }: Pick<KeyPress, "key">): void {
    if (!/^\p{L}$/u.test(key)) return;
    this.isLatin = /^\p{Script=Latin}$/u.test(key);
  }
}

export function matches(written: string, press: KeyPress, layout: Layout, isMac: boolean): boolean {
  const { sign, mod, shift } = chordOf(written);
  // AltGr says Ctrl and Alt at once, and gives signs of its own.
  if (press.altKey) return false;
  const [wanted, other] = isMac ? [press.metaKey, press.ctrlKey] : [press.ctrlKey, press.metaKey];
  if (wanted !== mod || other) return false;
  if (sign.length > 1) return press.key === sign && press.shiftKey === shift;
  const isLetter = /^[a-z]$/.test(sign);
  if (isLetter && press.shiftKey !== shift) return false;
  if (layout.isLatin) return press.key.toLowerCase() === sign;
  if (isLetter) return press.code === `Key${sign.toUpperCase()}`;
  const place = places[sign];
  return press.key === sign || (place !== undefined && press.code === place.code && press.shiftKey === place.shift);
}

/** The parts of a chord as they stand on the keys. */
export function keycaps(written: string, isMac: boolean): string[] {
  const names: Record<string, string> = {
    Mod: isMac ? "⌘" : "Ctrl", ArrowUp: "↑", ArrowDown: "↓", ArrowLeft: "←", ArrowRight: "→", Escape: "Esc",
  };
  return written.split("+").map((part) => names[part] ?? (part.length === 1 ? part.toUpperCase() : part));
}

/** As `aria-keyshortcuts` wants it. */
export function spoken(written: string, isMac: boolean): string {
  return written.replace("Mod", isMac ? "Meta" : "Control");
}

export function onMac(): boolean {
  return /Mac|iP(hone|ad|od)/.test(navigator.platform);
}

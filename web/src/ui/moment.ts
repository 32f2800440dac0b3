// Moments between the API (Unix milliseconds) and the browser's date fields (the reader's wall clock, no zone).

const two = (value: number) => String(value).padStart(2, "0");

export function toLocal(at: number, kind: "date" | "datetime-local"): string {
  const d = new Date(at);
  const day = `${String(d.getFullYear()).padStart(4, "0")}-${two(d.getMonth() + 1)}-${two(d.getDate())}`;
  return kind === "date" ? day : `${day}T${two(d.getHours())}:${two(d.getMinutes())}`;
}

/** Null when it is no date. A day is its first moment, which is not always midnight: clocks may be put forward then. */
export function fromLocal(text: string): number | null {
  const parts = /^(\d{4,6})-(\d\d)-(\d\d)(?:T(\d\d):(\d\d))?/.exec(text);
  if (!parts) return null;
  const [year, month, day, hour, minute] = parts.slice(1).map((part) => Number(part ?? 0)) as [number, number, number, number, number];
  const made = new Date(2000, 0, 1, hour, minute);
  made.setFullYear(year, month - 1, day);
  made.setHours(hour, minute);
  // The 31st of February rolls over into March.
  return made.getMonth() === month - 1 ? made.getTime() : null;
}

export interface Range {
  since: number | null;
  /** The end is not in the range: until the first moment of the next day, when days are chosen. */
  until: number | null;
}

export function isBackwards({ since, until }: Range): boolean {
  return since !== null && until !== null && until <= since;
}

/** The day after, by the calendar and not by 24 hours. */
export function dayAfter(at: number, days: number): number {
  const d = new Date(at);
  return new Date(d.getFullYear(), d.getMonth(), d.getDate() + days).getTime();
}

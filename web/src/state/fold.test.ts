import { describe, expect, it } from "vitest";
import { byName, fold, matches } from "./fold";

describe("folding", () => {
  it.each([
    ["Ёжик", "ЕЖИК"], ["Андрей", "АНДРЕИ"], ["Zoë", "Zoe\u0308"], ["Straße", "STRASSE"], ["ΟΔΟΣ", "οδος"],
    ["Ｆｕｌｌ", "full"], ["İstanbul", "istanbul"], ["ﬁne", "FINE"], ["co\u00adop", "coop"], ["a\u00a0\u2003b", "a b"],
    ["Đặng", "đang"], ["한글", "\u1112\u1161\u11ab\u1100\u1173\u11af"], ["שָׁלוֹם", "שלום"], ["مُحَمَّد", "محمد"],
  ])("takes %s and %s for the same", (a, b) => expect(fold(a)).toBe(fold(b)));

  it("leaves what is a letter, though it is written as a mark", () => expect(fold("कि")).not.toBe(fold("कु")));
  it("is settled after one time", () => {
    for (const text of ["ΐ İ ß ŉ ǰ ﬃ ς ﷺ", "Ёй"]) expect(fold(fold(text))).toBe(fold(text));
  });
});

it("finds words in any order, whatever their case and marks", () => {
  expect(matches("Мёд Андрей", "андреи мед")).toBe(true);
  expect(matches("Zoe", "Zoë k")).toBe(false);
});

it("sorts names by the language, and the same names always alike", () => {
  const names = ["Яна", "ёлка", "Ежи", "Zoe", "Zoë", "item 10", "item 9"];
  const sorted = [...names].sort(byName("ru"));
  expect([...names].reverse().sort(byName("ru"))).toEqual(sorted);
  expect(sorted.indexOf("item 9")).toBeLessThan(sorted.indexOf("item 10"));
  expect(sorted.indexOf("Ежи")).toBeLessThan(sorted.indexOf("ёлка"));
});

it("is the only order of names", () => {
  const texts = import.meta.glob<string>(["../**/*.{ts,tsx}", "!../**/*.test.ts"], { query: "?raw", import: "default", eager: true });
  expect(Object.keys(texts).filter((path) => texts[path]!.includes("localeCompare"))).toEqual([]);
});

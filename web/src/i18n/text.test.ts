// Words in every language: all plural forms that its rules ask for, and the same values in every translation.
import { describe, expect, it } from "vitest";
import { en } from "./en";
import { ru } from "./ru";
import { guessLanguage, makeText, type Key as AnyKey } from "./text";

const keys = Object.keys(en) as (keyof typeof en)[];
const names = (entry: unknown) =>
  [...JSON.stringify(entry).matchAll(/\{(\w+)\}/g)].map((m) => m[1]).filter((n, i, all) => all.indexOf(n) === i).sort();

describe("words", () => {
  it("have the forms of their language", () => {
    const rules = { en: new Intl.PluralRules("en"), ru: new Intl.PluralRules("ru") };
    for (const key of keys) {
      for (const [language, entry] of [["en", en[key]], ["ru", ru[key]]] as const) {
        if (typeof entry === "string") continue;
        const forms = rules[language].resolvedOptions().pluralCategories;
        expect([...forms].sort(), `${language} ${key}`).toEqual(Object.keys(entry).sort());
      }
    }
  });

  it("take the same values in every language", () => {
    for (const key of keys) expect(names(ru[key]), key).toEqual(names(en[key]));
  });

  it("count in Russian", () => {
    const t = makeText("ru");
    expect([1, 3, 5, 21].map((count) => t("link.caughtUp", { count }))).toEqual([
      "Догнали: 1 событие", "Догнали: 3 события", "Догнали: 5 событий", "Догнали: 21 событие",
    ]);
  });

  it("name days by the calendar, not by hours", () => {
    const t = makeText("en");
    const late = new Date(2030, 4, 10, 23, 59).getTime();
    const early = new Date(2030, 4, 11, 0, 1).getTime();
    expect(t.day(late, early)).toBe("Yesterday");
    expect(t.day(early, early)).toBe("Today");
  });

  it("say the name itself of a kind that a newer server made up", () => {
    expect(makeText("ru")("channel.smoke_signal" as AnyKey)).toBe("smoke_signal");
  });

  it("tell short times by how long ago it was", () => {
    const t = makeText("en");
    const now = new Date(2030, 4, 15, 18, 0).getTime();
    const ago = (minutes: number) => t.short(now - minutes * 60_000, now);
    expect([0, 7, 59].map(ago)).toEqual(["now", "7 min", "59 min"]);
    expect(ago(3 * 60)).toMatch(/^3:00.PM$/);
    expect([2, 30, 400].map((days) => ago(days * 24 * 60))).toEqual(["Mon", "Apr 15", "Apr 10, 2029"]);
  });

  it("tell how long something lasts in its largest unit", () => {
    const minutes = (count: number) => makeText("en").span(count * 60_000);
    expect([-1, 0, 59, 60, 47 * 60, 48 * 60].map(minutes)).toEqual(["<1 min", "<1 min", "59 min", "1 hr", "47 hr", "2 days"]);
  });

  it("follow the first known language of the browser", () => {
    expect(guessLanguage(["de-DE", "ru-RU", "en"])).toBe("ru");
    expect(guessLanguage(["fr"])).toBe("en");
  });
});

// The words that come with later pages: in both languages, under the rules of those that come first.
import { describe, expect, it } from "vitest";
import { en } from "./en";
import { enPages } from "./en_pages";
import "./pages";
import { ruPages } from "./ru_pages";
import { makeText } from "./text";

type Entry = string | Record<string, string>;
const names = (entry: Entry) => [...new Set([...JSON.stringify(entry).matchAll(/\{(\w+)\}/g)].map((m) => m[1]))].sort();

describe("words of later pages", () => {
  it("are said once, with the same values and all plural forms in both languages", () => {
    for (const key of Object.keys(enPages) as (keyof typeof enPages)[]) {
      expect(Object.hasOwn(en, key), `${key} is in both files`).toBe(false);
      expect(names(ruPages[key] as Entry), key).toEqual(names(enPages[key]));
      for (const [language, entry] of [["en", enPages[key]], ["ru", ruPages[key]]] as const) {
        if (typeof entry === "string") continue;
        const forms = new Intl.PluralRules(language).resolvedOptions().pluralCategories;
        expect(Object.keys(entry).sort(), `${language} ${key}`).toEqual([...forms].sort());
      }
    }
  });

  it("are there once their page has come", () => {
    expect(makeText("en")("form.save")).toBe("Save");
    expect(makeText("ru")("company.channels", { count: 2 })).toBe("2 канала");
  });
});

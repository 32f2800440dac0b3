// The words that come with later pages: in both languages, under the rules of those that come first.
import { describe, expect, it } from "vitest";
import { en } from "./en";
import { enConnect } from "./en_connect";
import { enPages } from "./en_pages";
import { enPeople } from "./en_people";
import { enRules } from "./en_rules";
import { enSources } from "./en_sources";
import "./pages";
import "./people";
import { ruConnect } from "./ru_connect";
import { ruPages } from "./ru_pages";
import { ruPeople } from "./ru_people";
import { ruRules } from "./ru_rules";
import { ruSources } from "./ru_sources";
import { makeText } from "./text";

type Entry = string | Record<string, string>;
const names = (entry: Entry) => [...new Set([...JSON.stringify(entry).matchAll(/\{(\w+)\}/g)].map((m) => m[1]))].sort();

describe("words of later pages", () => {
  it("are said once, with the same values and all plural forms in both languages", () => {
    const later: Record<"en" | "ru", Record<string, Entry>> = {
      en: { ...enPages, ...enConnect, ...enPeople, ...enRules, ...enSources },
      ru: { ...ruPages, ...ruConnect, ...ruPeople, ...ruRules, ...ruSources },
    };
    const keys = [enPages, enConnect, enPeople, enRules, enSources].flatMap((words) => Object.keys(words));
    expect(keys.filter((key, at) => keys.indexOf(key) !== at), "in two files").toEqual([]);
    for (const key of Object.keys(later.en)) {
      expect(Object.hasOwn(en, key), `${key} is in both files`).toBe(false);
      expect(names(later.ru[key]!), key).toEqual(names(later.en[key]!));
      for (const [language, entry] of [["en", later.en[key]!], ["ru", later.ru[key]!]] as const) {
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

// The keys of the words against the code that says them: none is named that is not there, none is there that nothing names.
import { describe, expect, it } from "vitest";
import { en } from "./en";
import { ru } from "./ru";

const code = Object.entries(import.meta.glob<string>("../**/*.{ts,tsx}", { query: "?raw", import: "default", eager: true }))
  .filter(([path]) => !/\.test\.ts$|\.gen\.ts$/.test(path) && !/^\.\/(?:en|ru)/.test(path));

const words: Record<string, Record<string, unknown>> = { en, ru };
// Files beside these hold the words of pages that are loaded later, each `<language>_<pages>.ts`.
for (const [path, module] of Object.entries(import.meta.glob<Record<string, Record<string, unknown>>>("./{en,ru}_*.ts", { eager: true }))) {
  Object.assign(words[path.slice(2, 4)] ?? {}, ...Object.values(module));
}
const table = { en: { ...words["en"] }, ru: { ...words["ru"] } };

/** Begins of keys that are put together, `t(`channel.${kind}`)`. */
const composed = new Set(code.flatMap(([, text]) => [...text.matchAll(/`([a-z][A-Za-z]*(?:\.[A-Za-z_]+)*\.)\$\{/g)].map(([, begin]) => begin!)));
const text = code.map(([, text]) => text).join("\n");

describe("keys", () => {
  it("are the same in both languages", () => {
    expect(Object.keys(table.ru).sort()).toEqual(Object.keys(table.en).sort());
  });

  it("are all said somewhere", () => {
    const unused = Object.keys(table.en).filter((key) => !text.includes(`"${key}"`) && ![...composed].some((begin) => key.startsWith(begin)));
    expect(unused).toEqual([]);
  });

  it("that the code names are there", () => {
    // The compiler sees those of `t("…")`; this sees the ones that are cast to a key.
    const named = code.flatMap(([path, text]) => [...text.matchAll(/\bt\("([a-z][A-Za-z]*\.[A-Za-z.]+)"/g)].map(([, key]) => [path, key!] as const));
    expect(named.length).toBeGreaterThan(100);
    expect(named.filter(([, key]) => !(key in table.en))).toEqual([]);
  });

  it("hold no empty words, and none with spaces at an end", () => {
    for (const [language, all] of Object.entries(table)) {
      for (const [key, entry] of Object.entries(all)) {
        for (const form of typeof entry === "string" ? [entry] : Object.values(entry as object) as string[]) {
          expect(form.trim() === form && form !== "", `${language} ${key}`).toBe(true);
        }
      }
    }
  });

  it("are at most twice as long in Russian, where they stand on a button or in a heading", () => {
    // Sentences wrap. Short words stand where there is one line for them, and what is much longer there is cut.
    for (const [key, entry] of Object.entries(table.en)) {
      const other = (table.ru as Record<string, unknown>)[key];
      if (typeof entry !== "string" || typeof other !== "string" || entry.length > 16) continue;
      expect(other.length, `${key}: ${other}`).toBeLessThanOrEqual(entry.length * 2 + 8);
    }
  });
});

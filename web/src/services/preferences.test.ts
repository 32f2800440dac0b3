// What was remembered of the list: taken as far as it can be meant.
import { expect, it } from "vitest";
import { PreferenceShelf, readList } from "./preferences";
import { memoryShelf } from "./shelf";

const nothing = { sort: "recent", tenant: null, company: null, channel: null };

it("remembers the order and the filters of the list", () => {
  const list = { sort: "wait", tenant: "t-1", company: null, channel: "ch-1" } as const;
  expect(readList(JSON.stringify(list))).toEqual(list);
});

it("begins with everything when what is stored is not ours", () => {
  for (const text of [null, "", "{", "7", "null", '{"sort":"up","channel":"<b>","tenant":7}']) {
    expect(readList(text), String(text)).toEqual(nothing);
  }
});

it("a filter that is chosen here leaves the looks that another tab has chosen", () => {
  const shelf = memoryShelf();
  const [one, two] = [new PreferenceShelf(shelf, ["en"]), new PreferenceShelf(shelf, ["en"])];
  two.choose({ language: "ru", theme: "dark" });
  one.choose({ list: { ...readList(null), sort: "wait" } });
  one.forgetList();
  expect(new PreferenceShelf(shelf, ["en"]).get()).toMatchObject({ language: "ru", theme: "dark" });
  expect([one.changed("hubbub.theme", "dark"), one.changed("hubbub.list", "{}"), one.changed("hubbub.theme", "<b>")]).toEqual([true, false, false]);
  expect(one.get()).toMatchObject({ language: "en", theme: "dark" });
});

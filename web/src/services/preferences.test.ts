// What was remembered of the list: taken as far as it can be meant.
import { expect, it } from "vitest";
import { readList } from "./preferences";

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

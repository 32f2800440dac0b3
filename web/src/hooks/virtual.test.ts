// Which rows of a long list are drawn, and where what is looked at has gone.
import { describe, expect, it } from "vitest";
import { drawn, rowAt, shiftOf, topsOf } from "./virtual";

const ids = Array.from({ length: 100 }, (_, index) => `c${index}`);
const height = (id: string) => (id === "c3" ? 100 : 50);
const tops = topsOf(ids, height);

describe("the rows of a list", () => {
  it("are found by their place, whatever their heights", () => {
    expect([0, 49, 50, 160, 249, 250, 1e9].map((px) => rowAt(tops, px))).toEqual([0, 0, 1, 3, 3, 4, 99]);
    expect(rowAt(topsOf([], height), 10)).toBe(0);
  });

  it("are drawn where they are in view or must stay, with room for the others", () => {
    const { rows, rest } = drawn(ids, tops, 10, 13, [2, 50, -1]);
    expect(rows.map((row) => row.at)).toEqual([2, 10, 11, 12, 50]);
    const drawnPx = rows.reduce((sum, row) => sum + row.gap + height(row.id), 0);
    expect(drawnPx + rest).toBe(tops[100]);
    expect(drawn([], topsOf([], height), -8, 9, [])).toEqual({ rows: [], rest: 0 });
  });

  it("move together, without the one that jumps to the top", () => {
    const before = new Map([10, 11, 12, 13, 14].map((at) => [ids[at]!, tops[at]!]));
    const after = ["new", "c14", ...ids.filter((id) => id !== "c14")];
    expect(shiftOf(before, after, topsOf(after, height))).toBe(100);
    expect(shiftOf(before, [], topsOf([], height))).toBe(0);
  });
});

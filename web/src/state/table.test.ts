// The table against a plain map, and its cost: a change must not grow dear with what is in it.
import { describe, expect, it } from "vitest";
import { random } from "./sample";
import { Table } from "./table";

const sorted = <V>(table: Table<string, V>) => {
  const out: [string, V][] = [];
  table.forEach((value, key) => out.push([key, value]));
  return out.sort(([a], [b]) => (a < b ? -1 : 1));
};

describe("a table", () => {
  it("holds what a map holds, and an older one stays as it was", () => {
    for (let seed = 1; seed <= 20; seed += 1) {
      const roll = random(seed);
      const map = new Map<string, number>();
      let table = Table.empty<string, number>();
      let snapshot: { table: Table<string, number>; map: Map<string, number> } | null = null;
      for (let i = 0; i < 3_000; i += 1) {
        const key = `k${roll(800)}`;
        if (roll(3) === 0) {
          map.delete(key);
          table = table.delete(key);
        } else {
          map.set(key, i);
          table = table.set(key, i);
        }
        if (i === 1_500) snapshot = { table, map: new Map(map) };
      }
      for (const at of [{ table, map }, snapshot!]) {
        expect(at.table.size).toBe(at.map.size);
        expect(sorted(at.table)).toEqual([...at.map].sort(([a], [b]) => (a < b ? -1 : 1)));
        expect(at.table.get("never")).toBeUndefined();
      }
      const even = table.filter((value) => value % 2 === 0).map((value) => value + 1);
      expect(sorted(even)).toEqual([...map].filter(([, v]) => v % 2 === 0).map(([k, v]) => [k, v + 1]).sort(([a], [b]) => (a! < b! ? -1 : 1)));
      expect(even.size).toBe(sorted(even).length);
    }
  });

  it("is swept through once a round, whatever it holds", () => {
    for (const size of [0, 1, 7, 500, 5_000]) {
      const table = Table.from(Array.from({ length: size }, (_, i) => [i, i] as const));
      const seen = new Set<number>();
      for (let hand = 0, wraps = 0; wraps < 1;) {
        const found = table.sweep(hand);
        for (const entry of found.entries) seen.add(entry.key);
        if (found.entries.length === 0) wraps += 1;
        hand = found.hand;
      }
      expect(seen.size).toBe(size);
    }
  });

  it("gives the later of two sets the later tick", () => {
    const table = Table.empty<string, string>().set("a", "x").set("b", "y").set("a", "z");
    expect(table.sweep(0).entries.concat(table.sweep(table.sweep(0).hand).entries).find((one) => one.key === "a")!.tick).toBe(3);
    expect(table.size).toBe(2);
  });
});

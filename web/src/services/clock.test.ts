// The computer's clock is wrong, is set, and stands still while it sleeps; the page goes by the server's.
import { describe, expect, it } from "vitest";
import { ServerClock } from "./clock";
import { Backoff } from "./retry";

function world() {
  const w = { elapsed: 1_000, own: 5_000_000, clock: null as unknown as ServerClock };
  w.clock = new ServerClock(() => w.elapsed, () => w.own);
  return w;
}
const date = (ms: number) => new Date(ms).toUTCString();

describe("now", () => {
  it("is the server's, whatever the computer's clock does", () => {
    const w = world();
    w.clock.told(80_000_000);
    w.elapsed += 5_000;
    w.own -= 3_600_000;
    expect(w.clock.now()).toBe(80_005_000);
  });

  it("is what an answer says where the two contradict each other, and else stays as it was", () => {
    const w = world();
    w.clock.heard(date(80_000_000), w.elapsed);
    expect(w.clock.now()).toBe(80_000_500);
    w.clock.told(80_000_900);
    w.clock.heard(date(80_000_000), w.elapsed);
    expect(w.clock.now()).toBe(80_000_900);
    // It slept, and the elapsed time stood still.
    w.clock.heard(date(83_600_000), w.elapsed);
    expect(w.clock.now()).toBe(83_600_500);
    for (const bad of [null, "", "yesterday"]) w.clock.heard(bad, w.elapsed);
    expect(w.clock.now()).toBe(83_600_500);
  });

  it("is not taken from an answer that was long under way", () => {
    const w = world();
    w.clock.told(80_000_000);
    const sentAt = w.elapsed;
    w.elapsed += 8_000;
    w.clock.heard(date(80_001_000), sentAt);
    expect(w.clock.now()).toBe(80_008_000);
  });
});

it("a step of the computer's clock, and a sleep, are seen once", () => {
  const w = world();
  w.elapsed += 5_000;
  w.own += 5_100;
  expect(w.clock.stepped()).toBe(false);
  w.own += 3_600_000;
  expect(w.clock.stepped()).toBe(true);
  expect(w.clock.stepped()).toBe(false);
});

describe("the waits between connections", () => {
  it("grow while each one lasts no longer than a moment, though each one came about", () => {
    const w = world();
    const backoff = new Backoff(() => w.elapsed, () => 0.5);
    const waits = Array.from({ length: 8 }, () => {
      backoff.opened();
      w.elapsed += 1_000;
      return backoff.next();
    });
    expect(waits).toEqual([...waits].sort((a, b) => a - b));
    expect(waits.at(-1)).toBeGreaterThan(10_000);
  });

  it("begin anew after one that lasted", () => {
    const w = world();
    const backoff = new Backoff(() => w.elapsed, () => 0.5);
    for (let at = 0; at < 6; at += 1) backoff.next();
    backoff.opened();
    w.elapsed += 60_000;
    expect(backoff.next()).toBeLessThanOrEqual(500);
  });
});

it("is the only reader of the computer's clock, beside the measure of how long a page was hidden", () => {
  const texts = import.meta.glob<string>(["../**/*.{ts,tsx}", "!../**/*.test.ts"], { query: "?raw", import: "default", eager: true });
  const readers = Object.keys(texts).filter((path) => /Date\.now|new Date\(\)(?!\.getTimezoneOffset)/.test(texts[path]!));
  expect(readers.map((path) => path.split("/").at(-1)).sort()).toEqual(["clock.ts", "head_check.ts"]);
});

// The drawn part of a thread: bounded wherever one scrolls, and everything is reached.
import { describe, expect, it } from "vitest";
import { about, atEnd, held, higher, lower, placesOf, type Span } from "./span";

const order = Array.from({ length: 1_000 }, (_, index) => index + 1);
const drawn = (list: readonly number[], span: Span) => list.slice(...placesOf(list, span));

describe("the drawn part of a thread", () => {
  it("is the end, and goes along with it", () => {
    expect(drawn(order, atEnd)).toEqual(order.slice(-80));
    const longer = [...order, 1_001];
    expect(drawn(longer, atEnd).at(-1)).toBe(1_001);
    expect(drawn([1, 2], atEnd)).toEqual([1, 2]);
    expect(drawn([], atEnd)).toEqual([]);
  });

  it("stays where one looks while new ones come, and is bounded", () => {
    const span = held(order, atEnd);
    const longer = [...order, ...Array.from({ length: 500 }, (_, index) => 1_001 + index)];
    expect(drawn(longer, span)[0]).toBe(921);
    expect(drawn(longer, span)).toHaveLength(200);
  });

  it("reaches the top and the end again in steps that leave what was in view", () => {
    let span: Span | null = atEnd;
    let last = span;
    for (let steps = 0; span; steps += 1) {
      expect(steps).toBeLessThan(30);
      last = span;
      span = higher(order, last);
      if (span) expect(drawn(order, span)).toContain(drawn(order, last)[0]);
      if (span) expect(drawn(order, span).length).toBeLessThanOrEqual(200);
    }
    expect(drawn(order, last)[0]).toBe(1);
    for (span = last; span;) {
      last = span;
      span = lower(order, last);
      if (span) expect(drawn(order, span)).toContain(drawn(order, last).at(-1));
    }
    expect(drawn(order, last).at(-1)).toBe(1_000);
    expect(last.to).toBeNull();
  });

  it("is around a message that is asked for", () => {
    for (const seq of [1, 500, 1_000]) expect(drawn(order, about(order, seq))).toContain(seq);
  });
});

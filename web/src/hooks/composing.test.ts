import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

type Composing = typeof import("./composing").composing;
const enter = { isComposing: false, keyCode: 13, timeStamp: 1000 };

describe("a key of a composition", () => {
  let composing: Composing;
  const target = new EventTarget();
  const ends = (at: number) => target.dispatchEvent(Object.defineProperty(new Event("compositionend"), "timeStamp", { value: at }));
  beforeEach(async () => {
    vi.resetModules();
    vi.stubGlobal("window", target);
    ({ composing } = await import("./composing"));
  });
  afterEach(() => vi.unstubAllGlobals());

  it("is one inside the composition, or with the input method's code after its end", () => {
    expect(composing({ ...enter, isComposing: true })).toBe(true);
    expect(composing({ ...enter, keyCode: 229 })).toBe(true);
    expect(composing({ nativeEvent: { ...enter, keyCode: 229 } })).toBe(true);
    expect(composing(enter)).toBe(false);
  });

  it("is one that was pressed before the composition ended, and told after it", () => {
    ends(1001);
    expect(composing(enter)).toBe(true);
    expect(composing({ ...enter, timeStamp: 1002 })).toBe(false);
  });
});

// Who is told of what, and how often.
import { describe, expect, it, vi } from "vitest";
import { conversation, event } from "./sample";
import { createStore } from "./store";

function page() {
  let clock = 0;
  let due: (() => void) | null = null;
  const store = createStore(undefined, () => clock, (run) => {
    due = run;
    return true;
  });
  return {
    store,
    /** The next frame, so many milliseconds later. */
    frame(ms = 16) {
      clock += ms;
      const run = due;
      due = null;
      run?.();
    },
    event: (id: string, cursor: number) =>
      store.apply({ type: "event", event: event(cursor, "conversation.updated", { conversation: conversation(id) }) }),
  };
}

describe("a store", () => {
  it("tells once before a frame, whatever came, and rests between", () => {
    const t = page();
    const told = vi.fn();
    t.store.subscribe(told);
    t.event("a", 1);
    t.event("b", 2);
    expect(told).not.toHaveBeenCalled();
    t.frame();
    expect(told).toHaveBeenCalledTimes(1);
    t.event("c", 3);
    t.frame(7);
    expect(told).toHaveBeenCalledTimes(1);
    t.frame(16);
    expect(told).toHaveBeenCalledTimes(2);
  });

  it("tells at once what was typed", () => {
    const t = page();
    const told = vi.fn();
    t.store.subscribe(told, "a");
    t.store.apply({ type: "draft", conversation: "a", draft: { text: "x", note: false, reply_to: null } });
    expect(told).toHaveBeenCalledTimes(1);
  });

  it("tells those about one conversation only of it, and of what all depend on", () => {
    const t = page();
    const [a, b] = [vi.fn(), vi.fn()];
    t.store.subscribe(a, "a");
    const stop = t.store.subscribe(b, "b");
    t.event("a", 1);
    t.frame(100);
    t.store.apply({ type: "read", conversation: "a", mark: { seq: 1, inbound_count: 1 } });
    t.frame(100);
    expect([a.mock.calls.length, b.mock.calls.length]).toEqual([2, 0]);
    t.store.apply({ type: "opened", conversation: "c" });
    t.frame(100);
    expect([a.mock.calls.length, b.mock.calls.length]).toEqual([3, 1]);
    stop();
    t.event("b", 2);
    t.frame(100);
    expect(b.mock.calls.length).toBe(1);
  });
});

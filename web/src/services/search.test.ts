// Searching while one types: one question for the last words, and no answer to earlier ones.
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { conversation, tenant } from "../state/sample";
import { nothingFound } from "../state/model";
import { results } from "../state/search";
import { createStore } from "../state/store";
import type { FoundContact, SearchAnswer } from "../api.gen";
import { RequestError } from "./problem";
import { Search } from "./search";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function page() {
  const store = createStore();
  const asked: { q: string; after: string | null; signal: AbortSignal; answer: (ids: string[]) => Promise<void>; fail: () => Promise<void>; refuse: (seconds: number) => Promise<void> }[] = [];
  const ask = (q: string, _: string | null, after: string | null, signal: AbortSignal) =>
    new Promise<SearchAnswer>((resolve, reject) => {
      const found = (id: string): FoundContact => {
        const made = conversation(id);
        return { tenant, contact: made.contact, conversation: { ...made, my_read: { seq: 0, inbound_count: 0 } } };
      };
      const hit = (id: string): SearchAnswer["hits"][number] => ({
        tenant, kind: "message", id: `m-${id}`, conversation: id, seq: 7, company: "c", channel: "h", at: 1,
        contact: conversation(id).contact, thread_title: null, author: null, excerpt: [{ text: id, hit: true }],
      });
      asked.push({
        q, after, signal,
        answer: async (ids) => { resolve({ contacts: after ? [] : ids.map(found), hits: ids.map(hit), next: ids[0] === "b" ? "1.2" : null, complete: true, too_wide: false }); await vi.advanceTimersByTimeAsync(0); },
        refuse: async (seconds) => { reject(new RequestError(429, "too_many", "too many", null, seconds)); await vi.advanceTimersByTimeAsync(0); },
        fail: async () => { reject(new RequestError(500, "error", "broken")); await vi.advanceTimersByTimeAsync(0); },
      });
    });
  return { store, asked, search: new Search(store, { search: ask }), now: () => store.get().search };
}

describe("a search", () => {
  it("is asked once the typing rests, and not for a single character", () => {
    const t = page();
    for (const text of ["a", "an", "ann", "anna"]) {
      t.search.type(text);
      vi.advanceTimersByTime(100);
    }
    expect(t.asked).toHaveLength(0);
    vi.advanceTimersByTime(250);
    expect(t.asked.map((one) => one.q)).toEqual(["anna"]);
    t.search.type("a");
    vi.advanceTimersByTime(1000);
    expect(t.asked).toHaveLength(1);
    expect(t.now()).toMatchObject({ phase: "idle", found: [] });
  });

  it("takes no answer to words that were typed over", async () => {
    const t = page();
    t.search.type("anna");
    vi.advanceTimersByTime(250);
    t.search.type("bob");
    expect(t.asked[0]!.signal.aborted).toBe(true);
    vi.advanceTimersByTime(250);
    await t.asked[1]!.answer(["b"]);
    await t.asked[0]!.answer(["a"]);
    expect(t.now()).toMatchObject({ phase: "ready", found: [{ conversation: "b" }] });
    // What was found can be opened at once, whatever lists are loaded.
    expect(t.store.get().conversations.get("b")).toBeDefined();
  });

  it("that comes too soon for the server is asked again when it may, unless the words are others by then", async () => {
    const t = page();
    t.search.type("anna");
    vi.advanceTimersByTime(250);
    await t.asked[0]!.refuse(2);
    expect(t.now().phase).toBe("loading");
    await vi.advanceTimersByTimeAsync(2_000);
    expect(t.asked.map((one) => one.q)).toEqual(["anna", "anna"]);
    await t.asked[1]!.refuse(2);
    t.search.type("bob");
    await vi.advanceTimersByTimeAsync(3_000);
    expect(t.asked.map((one) => one.q)).toEqual(["anna", "anna", "bob"]);
  });

  it("says why it failed, and asks again on request", async () => {
    const t = page();
    t.search.type("anna");
    vi.advanceTimersByTime(250);
    await t.asked[0]!.fail();
    expect(t.now()).toMatchObject({ phase: "error", error: "broken" });
    t.search.again();
    expect(t.now().phase).toBe("loading");
    await t.asked[1]!.answer([]);
    expect(t.now()).toMatchObject({ phase: "ready", found: [] });
  });

  it("follows the pages of a rare word by itself, and shows none twice", async () => {
    const t = page();
    t.search.type("bob");
    vi.advanceTimersByTime(250);
    await t.asked[0]!.answer(["b", "c"]);
    expect(results(t.now()).map((one) => one.address)).toEqual(["#/c/b", "#/c/c", "#/c/b/m/7", "#/c/c/m/7"]);
    void t.search.older();
    expect(t.asked.map((one) => one.after)).toEqual([null, "1.2"]);
    await t.asked[1]!.answer(["c", "d"]);
    expect(t.now().hits.map((one) => one.conversation)).toEqual(["b", "c", "d"]);
    expect(t.now().next).toBeNull();
    expect(t.asked).toHaveLength(2);
  });

  it("is cleared with its results", async () => {
    const t = page();
    t.search.type("anna");
    vi.advanceTimersByTime(250);
    t.search.clear();
    await t.asked[0]!.answer(["a"]);
    expect(t.now()).toEqual(nothingFound);
  });
});

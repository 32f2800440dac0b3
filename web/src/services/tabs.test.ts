// Whose browser it is, by the shared storage; and one tab at a time where the browser gives no locks.
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { tabLock } from "./lock";
import { memoryShelf, type Shelf } from "./shelf";
import { TabLife } from "./tab_life";
import { holderKey, Tabs, type Channel } from "./tabs";
import type { Holder } from "./tokens";

const ann: Holder = { user: "ann", installation: "here" };
const bob: Holder = { user: "bob", installation: "here" };

function tab(shelf: Shelf, holder: Holder) {
  const t = { holder: holder as Holder | null, ended: 0, replaced: 0 };
  const tabs = new Tabs({
    holder: () => t.holder, ended: () => (t.ended += 1), replaced: () => (t.replaced += 1), renewed: () => undefined, shelf, channel: () => null,
  });
  tabs.claim();
  return Object.assign(t, { tabs });
}

describe("a tab", () => {
  it("may act while the browser is its person's", () => {
    const shelf = memoryShelf();
    const [one, two] = [tab(shelf, ann), tab(shelf, ann)];
    expect([one.tabs.check(), two.tabs.check()]).toEqual([true, true]);
  });

  it("ends when another one has left, and is replaced when somebody else came, before it does anything", () => {
    const shelf = memoryShelf();
    const one = tab(shelf, ann);
    tab(shelf, bob);
    expect([one.tabs.check(), one.replaced, one.ended]).toEqual([false, 1, 0]);
    one.tabs.release();
    expect(shelf.getItem(holderKey("here"))).toContain("bob");
    const three = tab(shelf, ann);
    shelf.removeItem(holderKey("here"));
    expect([three.tabs.check(), three.ended]).toEqual([false, 1]);
  });

  it("goes on where the storage takes nothing", () => {
    const full: Shelf = { ...memoryShelf(), setItem: () => { throw new Error("full"); } };
    expect(tab(full, ann).tabs.check()).toBe(true);
  });
});

describe("what other tabs say", () => {
  /** A channel whose words come from the test. */
  function world() {
    const w = {
      names: [] as string[], holder: ann as Holder | null, ended: 0, meant: 0, renewed: 0,
      say: (_: unknown): void => undefined, release: (): void => undefined, claim: (): void => undefined,
    };
    const channel = (name: string): Channel => {
      w.names.push(name);
      return {
        postMessage: () => undefined, close: () => undefined,
        addEventListener: (_: string, heard: unknown) => { w.say = (data) => (heard as (event: { data: unknown }) => void)({ data }); },
      };
    };
    const tabs = new Tabs({
      holder: () => w.holder, ended: (expired) => { w.ended += 1; w.meant += expired ? 0 : 1; },
      replaced: () => undefined, renewed: () => (w.renewed += 1), shelf: memoryShelf(), channel,
    });
    tabs.claim();
    return Object.assign(w, { release: () => { tabs.release(); w.holder = null; }, claim: () => tabs.claim() });
  }
  const session = { access_token: "t", expires_at: 2, now: 1, installation: "here", user: { id: "ann" } };

  it("is taken in its own shape only", () => {
    const w = world();
    const forged = [
      null, undefined, 7, "ended", [], {}, { kind: "ended" }, { kind: "ended", holder: null, expired: true },
      { kind: "ended", holder: { user: "ann" }, expired: true }, { kind: "ended", holder: ann, expired: "yes" },
      { kind: "renewed" }, { kind: "renewed", renewed: null }, { kind: "renewed", renewed: { session: null, ageMs: 1 } },
      { kind: "renewed", renewed: { session, ageMs: "1" } }, { kind: "renewed", renewed: { session, ageMs: NaN } },
      { kind: "renewed", renewed: { session: { ...session, user: null }, ageMs: 1 } },
      { kind: "renewed", renewed: { session: { ...session, access_token: 7 }, ageMs: 1 } },
    ];
    for (const word of forged) w.say(word);
    expect([w.ended, w.renewed]).toEqual([0, 0]);
    w.say({ kind: "renewed", renewed: { session, ageMs: 1 } });
    w.say({ kind: "ended", holder: ann, expired: true });
    expect([w.ended, w.renewed]).toEqual([1, 1]);
  });

  it("counts when it comes after the storage or the server has ended the session here, if the person meant it", () => {
    const w = world();
    w.release();
    w.say({ kind: "ended", holder: ann, expired: true });
    w.say({ kind: "ended", holder: bob, expired: false });
    expect([w.ended, w.meant]).toEqual([0, 0]);
    w.say({ kind: "ended", holder: ann, expired: false });
    expect([w.ended, w.meant]).toEqual([1, 1]);
    w.holder = bob;
    w.claim();
    w.say({ kind: "ended", holder: ann, expired: false });
    expect(w.ended).toBe(1);
  });

  it("is said among the pages of one installation", () => {
    expect(world().names).toEqual(["hubbub.session.here"]);
  });
});

describe("two installations of one host", () => {
  it("do not take each other's drafts for leavings, and the former one of a page is cleared", () => {
    const shelf = memoryShelf();
    const keys = () => Array.from({ length: shelf.length }, (_, at) => shelf.key(at)!).filter((key) => !key.startsWith("hubbub.h"));
    for (const key of ["hubbub.draft.here.ann.x", "hubbub.out.here.ann.y", "hubbub.draft.beside.ann.x"]) shelf.setItem(key, "{}");
    const one = tab(shelf, ann);
    one.tabs.removePersonal();
    expect(keys()).toEqual(["hubbub.draft.beside.ann.x"]);
    tab(shelf, ann);
    shelf.setItem("hubbub.draft.here.ann.x", "{}");
    tab(shelf, { user: "ann", installation: "made anew" });
    expect(keys()).toEqual(["hubbub.draft.beside.ann.x"]);
    expect(shelf.getItem(holderKey("here"))).toBeNull();
  });
});

it("a holder that cannot be one is nobody", () => {
  for (const text of ["{", "7", "[]", '{"user":7,"installation":"here"}', '{"user":"ann"}']) {
    const shelf = memoryShelf();
    const one = tab(shelf, ann);
    shelf.setItem(holderKey("here"), text);
    expect([one.tabs.check(), one.ended], text).toEqual([false, 1]);
  }
});

describe("without the browser's locks", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it("work is done one at a time among the tabs", async () => {
    const shelf = memoryShelf();
    const locks = [1, 2, 3].map(() => tabLock("x", null, shelf));
    let [running, most] = [0, 0];
    const all = Promise.all(locks.map((lock) => lock(async () => {
      most = Math.max(most, (running += 1));
      await new Promise((done) => setTimeout(done, 200));
      running -= 1;
    })));
    await vi.advanceTimersByTimeAsync(5_000);
    await all;
    expect([most, shelf.length]).toEqual([1, 0]);
  });

  it("a note that a dead tab left is taken away in the end, and an error is the work's own", async () => {
    const shelf = memoryShelf();
    shelf.setItem("hubbub.lock.x", "of a tab that is gone");
    const failed = tabLock("x", null, shelf)(() => Promise.reject(new Error("of the work"))).catch((error: Error) => error.message);
    await vi.advanceTimersByTimeAsync(30_000);
    expect(await failed).toBe("of the work");
    expect(shelf.length).toBe(0);
  });

  it("refused locks are no reason not to work", async () => {
    const refusing = { request: () => Promise.reject(new DOMException("denied", "SecurityError")) } as unknown as LockManager;
    const done = tabLock("x", refusing, memoryShelf())(() => Promise.resolve("done"));
    await vi.advanceTimersByTimeAsync(1_000);
    expect(await done).toBe("done");
  });

  it("a tab that counts no more is gone, and one that was closed is gone at once", async () => {
    const shelf = memoryShelf();
    shelf.setItem("hubbub.tab.silent", "7");
    const gone: string[] = [];
    const life = new TabLife(null, shelf);
    // The second one who asks is told as well.
    life.watch("silent", () => undefined);
    for (const name of ["silent", "closed"]) life.watch(name, () => gone.push(name));
    await vi.advanceTimersByTimeAsync(10);
    expect(gone).toEqual(["closed"]);
    await vi.advanceTimersByTimeAsync(80_000);
    expect(gone).toEqual(["closed", "silent"]);
  });
});

// What a reload keeps: drafts and unsent messages, for the one who wrote them and nobody else.
import { describe, expect, it } from "vitest";
import type { Pending } from "../state/model";
import { createStore } from "../state/store";
import { Keepsake, type Shelf } from "./keepsake";

function shelf(): Shelf & { keys(): string[] } {
  const kept = new Map<string, string>();
  return {
    getItem: (key) => kept.get(key) ?? null,
    setItem: (key, value) => void kept.set(key, value),
    removeItem: (key) => void kept.delete(key),
    key: (index) => [...kept.keys()][index] ?? null,
    get length() {
      return kept.size;
    },
    keys: () => [...kept.keys()],
  };
}

const pending: Pending = {
  client_id: "one", conversation: "a", note: false, text: "hello", reply_to: null, created_at: 1, state: "sending",
  reason: null,
};

function signedIn(id: string, tab: Shelf, browser: Shelf, installation = "here") {
  const store = createStore();
  const user = { id, email: `${id}@example.com`, name: id, platform_role: null };
  store.apply({ type: "signed_in", user, tenants: [] });
  const keepsake = new Keepsake(store, tab, browser);
  keepsake.start({ user: id, installation });
  return { store, keepsake };
}

describe("a reload", () => {
  it("brings back what was being sent as waiting, under the id that it had", () => {
    const [tab, browser] = [shelf(), shelf()];
    const before = signedIn("ann", tab, browser);
    before.store.apply({ type: "pending.added", pending });
    before.store.apply({ type: "draft", conversation: "a", draft: { text: "half a", note: false, reply_to: null } });
    before.keepsake.save();
    const after = signedIn("ann", tab, browser).store.get();
    expect(after.pending).toEqual([{ ...pending, state: "waiting" }]);
    expect(after.drafts["a"]?.text).toBe("half a");
  });

  it("shows nothing of it to somebody else", () => {
    const [tab, browser] = [shelf(), shelf()];
    const before = signedIn("ann", tab, browser);
    before.store.apply({ type: "pending.added", pending });
    before.keepsake.save();
    expect(signedIn("bob", tab, browser).store.get().pending).toEqual([]);
  });

  it("shows nothing of it at another installation, and removes it there", () => {
    const [tab, browser] = [shelf(), shelf()];
    const before = signedIn("ann", tab, browser);
    before.store.apply({ type: "pending.added", pending });
    before.store.apply({ type: "draft", conversation: "a", draft: { text: "half a", note: false, reply_to: null } });
    before.keepsake.save();
    before.keepsake.end();
    const after = signedIn("ann", tab, browser, "made anew").store.get();
    expect([after.pending, after.drafts]).toEqual([[], {}]);
    expect([...tab.keys(), ...browser.keys()]).toEqual([]);
  });

  it("leaves nothing behind when all is sent", () => {
    const [tab, browser] = [shelf(), shelf()];
    const before = signedIn("ann", tab, browser);
    before.store.apply({ type: "pending.added", pending });
    before.keepsake.save();
    before.store.apply({ type: "pending.dropped", client_id: "one" });
    before.keepsake.save();
    expect([...tab.keys(), ...browser.keys()]).toEqual([]);
  });

  it("survives a storage that holds nonsense", () => {
    const [tab, browser] = [shelf(), shelf()];
    browser.setItem("hubbub.drafts.here.ann", "{");
    expect(signedIn("ann", tab, browser).store.get().drafts).toEqual({});
  });
});

describe("the end of a session", () => {
  it("takes drafts and unsent messages with it, also those that were about to be written", async () => {
    const [tab, browser] = [shelf(), shelf()];
    browser.setItem("hubbub.language", "en");
    browser.setItem("hubbub.drafts.bob", "{}");
    const { store, keepsake } = signedIn("ann", tab, browser);
    store.apply({ type: "pending.added", pending });
    store.apply({ type: "draft", conversation: "a", draft: { text: "half a", note: false, reply_to: null } });
    keepsake.forget();
    await new Promise((done) => setTimeout(done, 400));
    keepsake.save();
    expect([...tab.keys(), ...browser.keys()]).toEqual(["hubbub.language"]);
  });

  it("keeps what was being written when it ends by itself, for the same person and for nobody else", () => {
    const [tab, browser] = [shelf(), shelf()];
    const { store, keepsake } = signedIn("ann", tab, browser);
    store.apply({ type: "draft", conversation: "a", draft: { text: "half a", note: false, reply_to: null } });
    keepsake.end();
    expect(signedIn("ann", tab, browser).store.get().drafts.a?.text).toBe("half a");
    expect(signedIn("bob", tab, browser).store.get().drafts).toEqual({});
    expect(signedIn("ann", tab, browser).store.get().drafts).toEqual({});
  });
});

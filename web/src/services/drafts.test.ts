// Drafts of several tabs of one browser: each is kept, a sent one comes back nowhere, nobody else sees any.
import { describe, expect, it } from "vitest";
import type { Draft } from "../state/model";
import { createStore } from "../state/store";
import { Drafts } from "./drafts";
import { memoryShelf, type Shelf } from "./shelf";

const draft = (text: string): Draft => ({ text, note: false, reply_to: null });
const keysOf = (shelf: Shelf) => Array.from({ length: shelf.length }, (_, at) => shelf.key(at)!);

/** A browser: what one tab writes, the others hear. */
function browser(shelf: Shelf = memoryShelf()) {
  const tabs: { drafts: Drafts; shelf: Shelf }[] = [];
  return {
    shelf,
    tab(user = "ann", installation = "here") {
      const store = createStore();
      store.apply({ type: "signed_in", user: { id: user, email: "", name: user, platform_role: null }, tenants: [] });
      const mine: Shelf = {
        ...shelf,
        get length() { return shelf.length; },
        setItem(key, value) {
          shelf.setItem(key, value);
          for (const one of tabs) if (one.shelf !== mine) one.drafts.changed(key, value);
        },
      };
      const drafts = new Drafts(store, mine);
      tabs.push({ drafts, shelf: mine });
      drafts.start({ user, installation });
      return {
        drafts,
        write: (conversation: string, text: string) => store.apply({ type: "draft", conversation, draft: draft(text) }),
        known: () => Object.keys(store.get().drafts).length,
        text: (conversation: string) => store.get().drafts[conversation]?.text ?? "",
      };
    },
  };
}

describe("drafts of two tabs", () => {
  it("of different conversations are both kept", () => {
    const b = browser();
    const [one, two] = [b.tab(), b.tab()];
    one.write("mira", "for Mira");
    two.write("noor", "for Noor");
    for (const tab of [one, two]) tab.drafts.save();
    const next = b.tab();
    expect([next.text("mira"), next.text("noor")]).toEqual(["for Mira", "for Noor"]);
  });

  it("are the same where they are of one conversation, and a sent one is gone in both", () => {
    const b = browser();
    const [one, two] = [b.tab(), b.tab()];
    one.write("mira", "half");
    one.drafts.save();
    expect(two.text("mira")).toBe("half");
    one.write("mira", "");
    expect(two.text("mira")).toBe("");
    two.write("noor", "other");
    two.drafts.save();
    expect(b.tab().text("mira")).toBe("");
  });

  it("are not overwritten by news of what was written before", () => {
    const b = browser();
    const [one, two] = [b.tab(), b.tab()];
    one.write("mira", "first");
    two.write("mira", "newer");
    one.drafts.save();
    expect(two.text("mira")).toBe("newer");
    two.drafts.save();
    expect([one.text("mira"), b.tab().text("mira")]).toEqual(["newer", "newer"]);
  });

  it("are read again by a tab that slept", () => {
    const b = browser();
    const one = b.tab();
    const key = keysOf(b.shelf)[0];
    expect(key).toBeUndefined();
    b.shelf.setItem("hubbub.draft.here.ann.mira", JSON.stringify({ ...draft("while it slept"), version: 3 }));
    one.drafts.sync();
    expect(one.text("mira")).toBe("while it slept");
  });
});

describe("whose drafts they are", () => {
  it("nobody else gets them, here or at another installation, which leaves them", () => {
    for (const [user, installation, left] of [["bob", "here", 0], ["ann", "beside", 1]] as const) {
      const b = browser();
      const one = b.tab();
      one.write("mira", "secret");
      one.drafts.save();
      expect(b.tab(user, installation).text("mira")).toBe("");
      expect(keysOf(b.shelf)).toHaveLength(left);
    }
  });

  it("nothing of them is left after the end, nor written later", () => {
    const b = browser();
    b.shelf.setItem("hubbub.language", "en");
    const one = b.tab();
    one.write("mira", "saved");
    one.drafts.save();
    one.write("mira", "about to be saved");
    one.drafts.forget();
    one.write("mira", "after the end");
    one.drafts.save();
    expect(keysOf(b.shelf)).toEqual(["hubbub.language"]);
  });
});

it("survive a storage that holds nonsense, or takes nothing", () => {
  const b = browser();
  b.shelf.setItem("hubbub.draft.here.ann.mira", "{");
  b.shelf.setItem("hubbub.draft.here.ann.noor", "7");
  const forged = [
    null, [], {}, { text: "x" }, { ...draft("x"), version: "9" }, { ...draft("x"), version: 1e308 }, { ...draft("x"), version: -1 },
    { ...draft("x"), reply_to: {}, version: 1 }, { ...draft("x"), note: 1, version: 1 }, { ...draft("x"), text: { length: 1 }, version: 1 },
  ];
  for (const [at, one] of forged.entries()) b.shelf.setItem(`hubbub.draft.here.ann.c${at}`, JSON.stringify(one));
  const writer = b.tab();
  expect([writer.text("mira"), writer.known()]).toEqual(["", 0]);
  for (const at of forged.keys()) writer.write(`c${at}`, "mine");
  writer.drafts.save();
  const reader = b.tab();
  for (const at of forged.keys()) expect(reader.text(`c${at}`)).toBe("mine");
  const full: Shelf = { ...memoryShelf(), setItem: () => { throw new Error("full"); } };
  const tab = browser(full).tab();
  tab.write("mira", "kept in the page");
  tab.drafts.save();
  expect(tab.text("mira")).toBe("kept in the page");
});

it("keeps a bounded number of empty ones", () => {
  const b = browser();
  const one = b.tab();
  for (let at = 0; at < 80; at += 1) {
    one.write(`c${at}`, "x");
    one.write(`c${at}`, "");
  }
  b.tab();
  expect(keysOf(b.shelf).length).toBeLessThanOrEqual(50);
});

it("keeps a bounded number of empty ones while the page stays open for days, and the newest of them", () => {
  const b = browser();
  const one = b.tab();
  one.write("kept", "still being written");
  for (let at = 0; at < 400; at += 1) {
    one.write(`c${at}`, "x".repeat(1 + (at % 3)));
    // Some were changed often before, which makes them no younger.
    for (let key = 0; at < 60 && key < 20; key += 1) {
      one.write(`c${at}`, `x${key}`);
      one.drafts.save();
    }
    one.write(`c${at}`, "");
  }
  expect(keysOf(b.shelf).length).toBeLessThanOrEqual(102);
  expect(one.known()).toBeLessThanOrEqual(52);
  expect(keysOf(b.shelf)).toContain("hubbub.draft.here.ann.c399");
  expect(keysOf(b.shelf)).not.toContain("hubbub.draft.here.ann.c0");
  one.drafts.save();
  expect(b.tab().text("kept")).toBe("still being written");
});

// The commands: no key with two meanings at one place, keys found on every board, left alone where they are not meant.
import { describe, expect, it } from "vitest";
import { en } from "../i18n/en";
import { everywhere, inbox, type Route } from "../routes/route";
import { emptyState, type State } from "../state/model";
import { conversation } from "../state/sample";
import { Table } from "../state/table";
import { Layout, keycaps, matches } from "./chord";
import { conflicts, type Command } from "./command";
import { fold } from "../state/fold";
import { best, score } from "./fuzzy";
import { commandFor, type At, type Press } from "./keyboard";
import { commands } from "./table";

const press = (key: string, code = "", more: Partial<Press> = {}): Press => ({
  key, code, ctrlKey: false, metaKey: false, altKey: false, shiftKey: false, defaultPrevented: false, isComposing: false,
  keyCode: 0, timeStamp: 0, repeat: false, ...more,
});
const latin = () => new Layout(true);

describe("the table", () => {
  it("gives each command one name, a text, and keys that mean one thing at one place", () => {
    expect(new Set(commands.map(({ id }) => id)).size).toBe(commands.length);
    for (const { text, id } of commands) expect(Object.hasOwn(en, text), id).toBe(true);
    expect(conflicts(commands)).toEqual([]);
  });

  it("refuses a key that would mean two things", () => {
    const one: Command = { id: "one", text: "app.name", group: "go", where: "page", keys: ["x"], run() {} };
    expect(conflicts([one, { ...one, id: "two", where: "conversation" }])).toEqual(["x: one, two"]);
    expect(conflicts([one, { ...one, id: "two", where: "always" }])).toHaveLength(1);
    expect(conflicts([{ ...one, where: "composer" }, { ...one, id: "two" }])).toEqual([]);
  });
});

describe("chords", () => {
  it("are found by their sign on every Latin board", () => {
    expect(matches("j", press("j", "KeyC"), latin(), false)).toBe(true);
    // The place of j on Dvorak gives h.
    expect(matches("j", press("h", "KeyJ"), latin(), false)).toBe(false);
    expect(matches("/", press("/", "Digit7", { shiftKey: true }), latin(), false)).toBe(true);
    expect(matches("?", press("?", "Minus", { shiftKey: true }), latin(), false)).toBe(true);
    // The minus of a German board stands where the slash is elsewhere.
    expect(matches("/", press("-", "Slash"), latin(), false)).toBe(false);
  });

  it("are found by their place while another alphabet is on", () => {
    const layout = latin();
    const cyrillic = press("о", "KeyJ");
    layout.note(cyrillic);
    expect(matches("j", cyrillic, layout, false)).toBe(true);
    expect(matches("/", press(".", "Slash"), layout, false)).toBe(true);
    expect(matches("?", press(",", "Slash", { shiftKey: true }), layout, false)).toBe(true);
    // Where that alphabet has the sign itself, it stands elsewhere.
    expect(matches("?", press("?", "Digit7", { shiftKey: true }), layout, false)).toBe(true);
    expect(matches("Mod+k", press("л", "KeyK", { ctrlKey: true }), layout, false)).toBe(true);
    layout.note(press("a", "KeyA"));
    expect(matches("/", press(".", "Slash"), layout, false)).toBe(false);
  });

  it("want exactly their modifiers", () => {
    expect(matches("Mod+k", press("k", "KeyK", { metaKey: true }), latin(), true)).toBe(true);
    expect(matches("Mod+k", press("k", "KeyK", { metaKey: true }), latin(), false)).toBe(false);
    expect(matches("Mod+k", press("k", "KeyK", { ctrlKey: true, altKey: true }), latin(), false)).toBe(false);
    expect(matches("k", press("k", "KeyK", { ctrlKey: true }), latin(), false)).toBe(false);
    expect(matches("t", press("T", "KeyT", { shiftKey: true }), latin(), false)).toBe(false);
    expect(keycaps("Mod+k", true)).toEqual(["⌘", "K"]);
  });
});

describe("the keyboard", () => {
  const one = conversation("a", { owner: "ai" });
  const state: State = {
    ...emptyState, active: "a", conversations: Table.from([["a", { value: one, cursor: 1 }]]),
    session: {
      phase: "in", expired: false, platform: [], user: { id: "me", name: "Me", email: "me@example.com", platform_role: null },
      tenants: [{ id: one.tenant, name: "Shop", role: "agent", permissions: ["read", "answer"] }],
    },
  };
  const at = (more: Partial<At> = {}): At => ({
    state, route: { ...inbox, conversation: "a" }, inField: false, isCovered: false, layout: latin(), isMac: false, ...more,
  });
  const found = (key: Press, more: Partial<At> = {}) => commandFor(commands, key, at(more))?.id ?? null;
  const t = press("t", "KeyT");

  it("acts outside of fields, and in them only where that is said", () => {
    expect(found(t)).toBe("conversation.takeOver");
    expect(found(t, { inField: true })).toBeNull();
    expect(found(press("k", "KeyK", { ctrlKey: true }), { inField: true })).toBe("palette.open");
    expect(found(press("Escape"), { inField: true })).toBe("conversation.leave");
  });

  it("leaves keys alone that confirm a composition, that were handled, or that a dialog has", () => {
    for (const key of ["t", "j", "Escape", "Enter", "/"]) {
      expect(found(press(key, "", { isComposing: true })), key).toBeNull();
      expect(found(press(key, "", { keyCode: 229 })), key).toBeNull();
      expect(found(press(key, "", { defaultPrevented: true })), key).toBeNull();
      expect(found(press(key), { isCovered: true }), key).toBeNull();
    }
    expect(found(press("k", "KeyK", { ctrlKey: true }), { isCovered: true })).toBeNull();
  });

  it("does nothing twice because a key is held, but for moving", () => {
    expect(found(press("t", "KeyT", { repeat: true }))).toBeNull();
    expect(found(press("j", "KeyJ", { repeat: true }))).toBe("list.next");
  });

  it("offers nothing that the person may not do, or that is not on the screen", () => {
    const reader = { ...state, session: { ...state.session, tenants: [{ ...state.session.tenants[0]!, permissions: ["read" as const] }] } };
    expect(found(t, { state: reader })).toBeNull();
    const elsewhere: Route = { page: "settings", section: "people", thing: null, scope: everywhere };
    for (const key of ["t", "j", "r", "/", "1"]) expect(found(press(key), { route: elsewhere }), key).toBeNull();
    expect(found(press("?"), { route: elsewhere })).toBe("help.open");
    const taken = { ...state, conversations: Table.from([["a", { value: { ...one, owner: "human" as const, assignee: "me" }, cursor: 1 }]]) };
    expect(found(t, { state: taken })).toBeNull();
  });
});

describe("finding by a few letters", () => {
  const names = ["Anna Sokolova", "Hannah Stone", "Zoë Kaya", "Ян Новак", "Settings: Channels"];
  const find = (typed: string) => best(names, (name) => name, typed, 3);

  it("puts beginnings of words first", () => {
    expect(find("ann").slice(0, 2)).toEqual(["Anna Sokolova", "Hannah Stone"]);
    expect(find("sto ha")).toEqual(["Hannah Stone"]);
    expect(find("нов")).toEqual(["Ян Новак"]);
  });

  it("knows neither case nor marks nor the form of a letter", () => {
    expect(find("zoe")).toEqual(["Zoë Kaya"]);
    expect(find("ZOE\u0308")).toEqual(["Zoë Kaya"]);
    expect(fold("\u0439")).toBe(fold("\u0438\u0306"));
  });

  it("takes letters with gaps last, and nothing that only looks like it", () => {
    expect(find("stchan")[0]).toBe("Settings: Channels");
    expect(score("anna", ["x"])).toBeNull();
    expect(find("qqq")).toEqual([]);
    expect(find("")).toEqual(names.slice(0, 3));
  });
});

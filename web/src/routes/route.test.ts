// Addresses: every route has one that leads back to it, old addresses go on working, and nonsense is told from both.
import { describe, expect, it } from "vitest";
import { views, type Query } from "../state/views";
import { everywhere, format, inbox, parse, sections, withThings, type Route } from "./route";

/** A small generator, so that a failure repeats: the seed is in the message. */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

function anyRoute(pick: (below: number) => number): Route {
  const id = () => Array.from({ length: 1 + pick(40) }, () => "abz019_-"[pick(8)]).join("");
  const maybe = <T>(make: () => T) => (pick(2) ? make() : null);
  const scope = () => ({ tenant: maybe(id), company: maybe(id), channel: maybe(id) });
  const query = (): Query => ({ view: views[pick(views.length)]!, sort: pick(2) ? "wait" : "recent", ...scope(), label: maybe(id) });
  switch (pick(5)) {
    case 0: return { page: "businesses" };
    case 2: return { page: "connect", kind: id(), back: { state: maybe(id) ?? "", code: maybe(() => `4/0A ${id()}&=#`), error: maybe(id) } };
    case 1: {
      const section = maybe(() => sections[pick(sections.length)]!);
      const thing = section && withThings.includes(section) ? maybe(id) : null;
      return { page: "settings", section, thing, scope: scope() };
    }
    default: {
      const conversation = maybe(id);
      return { page: "inbox", query: maybe(query), conversation, seq: conversation ? maybe(() => 1 + pick(1e6)) : null };
    }
  }
}

describe("addresses", () => {
  it("lead back to the route that they are of", () => {
    for (let seed = 1; seed <= 2_000; seed++) {
      const route = anyRoute(random(seed));
      const address = format(route);
      expect(parse(address), `seed ${seed}: ${address}`).toEqual(route);
      expect(format(parse(address)), `seed ${seed}`).toBe(address);
    }
  });

  it("of every view, section and thing are known", () => {
    for (const view of views) expect(parse(`#/inbox/${view}`)).toMatchObject({ page: "inbox", query: { view } });
    for (const section of sections) {
      expect(parse(`#/settings/${section}`)).toMatchObject({ page: "settings", section, thing: null });
      expect(parse(`#/settings/${section}/one`).page).toBe(withThings.includes(section) ? "settings" : "unknown");
    }
    expect(parse("#/settings")).toEqual({ page: "settings", section: null, thing: null, scope: everywhere });
  });

  it("of former versions go on working", () => {
    for (const empty of ["", "#", "#/", "#/inbox"]) expect(parse(empty), empty).toEqual(inbox);
    expect(parse("#/c/0190-ab")).toEqual({ ...inbox, conversation: "0190-ab" });
  });

  it("that name a message of a conversation say which", () => {
    expect(parse("#/c/a/m/17")).toEqual({ ...inbox, conversation: "a", seq: 17 });
    expect(parse("#/inbox/ai/c/a/m/17?tenant=t")).toMatchObject({ conversation: "a", seq: 17, query: { view: "ai", tenant: "t" } });
  });

  it("that mean nothing are unknown, and stay as they are", () => {
    const nonsense = [
      "#/nowhere", "#/c", "#/c/", "#/c/a/m", "#/c/a/m/0", "#/c/a/m/x", "#/c/a/x/1", "#/c/a/m/1/2", "#/c/a%20b",
      "#/inbox/everything", "#/inbox/all?sort=up", "#/inbox/all?tenant=", "#/inbox/all?tenant=a%2Fb", "#/settings/doors",
      "#/settings/people/one", "#/settings/channels/a/b", "#/businesses/one", "#nothing",
    ];
    for (const address of nonsense) {
      expect(parse(address), address).toEqual({ page: "unknown", address: address.slice(1) });
      expect(format(parse(address))).toBe(address);
    }
  });

  it("with a name that every object inherits in place of an id are unknown", () => {
    for (const id of ["constructor", "__proto__", "toString", "hasOwnProperty"]) {
      for (const address of [`#/c/${id}`, `#/inbox/all?channel=${id}`, `#/settings/channels/${id}`]) {
        expect(parse(address), address).toEqual({ page: "unknown", address: address.slice(1) });
      }
    }
  });

  it("ignore parameters that they do not know", () => {
    expect(parse("#/inbox/mine?utm=x&sort=wait")).toMatchObject({ page: "inbox", query: { view: "mine", sort: "wait" } });
  });
});

// The router over an address bar of its own: what it tells, and what it leaves in the history.
import { describe, expect, it } from "vitest";
import { everywhere, format, inbox, parse, type Route } from "./route";
import { Router, type AddressBar } from "./router";

function bar(start: string) {
  const entries = [start];
  let at = 0;
  let tell = () => {};
  const made: AddressBar & { back(): void; forward(): void; click(hash: string): void; entries: string[] } = {
    entries,
    hash: () => entries[at]!,
    push(hash) {
      entries.splice(at + 1, Infinity, hash);
      at += 1;
    },
    replace: (hash) => void (entries[at] = hash),
    listen: (changed) => void (tell = changed),
    back() {
      at -= 1;
      tell();
      tell();
    },
    forward() {
      at += 1;
      tell();
      tell();
    },
    click(hash) {
      made.push(hash);
      tell();
    },
  };
  return made;
}

const settings: Route = { page: "settings", section: "people", thing: null, scope: everywhere };

describe("router", () => {
  it("tells of a person who asks for the place where they are: they have scrolled away from it", () => {
    const browser = bar("#/");
    const router = new Router(browser);
    let told = 0;
    router.subscribe(() => (told += 1));
    router.follow("#/c/a/m/7");
    expect([told, router.repeated()]).toEqual([1, 0]);
    router.follow("#/c/a/m/7");
    expect([told, router.repeated()]).toEqual([2, 1]);
    // The list beside it may have come into the address since.
    router.go(parse("#/inbox/mine/c/a/m/7"), "replace");
    router.follow("#/c/a/m/7");
    expect(router.repeated()).toBe(2);
    expect(browser.entries).toEqual(["#/", format(router.get())]);
    router.go(router.get());
    expect(router.repeated()).toBe(2);
  });

  it("begins at the address and tells each change once", () => {
    const browser = bar("#/c/a");
    const router = new Router(browser);
    const seen: string[] = [];
    router.subscribe(() => seen.push(format(router.get())));
    expect(router.get()).toEqual({ ...inbox, conversation: "a" });
    expect(router.hasMoved).toBe(false);
    router.go(settings);
    browser.click("#/c/b");
    browser.back();
    browser.back();
    browser.forward();
    expect(seen).toEqual(["#/settings/people", "#/c/b", "#/settings/people", "#/c/a", "#/settings/people"]);
    expect(router.hasMoved).toBe(true);
  });

  it("leaves one entry for a replaced address, and none for the same one", () => {
    const browser = bar("#/");
    const router = new Router(browser);
    router.go(settings);
    router.go(settings);
    router.go({ ...settings, scope: { ...everywhere, tenant: "t" } }, "replace");
    expect(browser.entries).toEqual(["#/", "#/settings/people?tenant=t"]);
    browser.back();
    expect(router.get()).toEqual(inbox);
  });

  it("takes the focus along to where a step leads that leaves no entry of its own", () => {
    const browser = bar("#/connect/gmail?state=s&code=c");
    const router = new Router(browser);
    router.go({ ...settings, scope: { ...everywhere, tenant: "t" } }, "replace");
    expect(router.hasMoved).toBe(false);
    router.go(settings, "arrive");
    expect(browser.entries).toEqual(["#/settings/people"]);
    expect(router.hasMoved).toBe(true);
  });

  it("leaves nothing in the address after a sign-out", () => {
    const browser = bar("#/settings/people?tenant=t");
    const router = new Router(browser);
    router.clear();
    expect(browser.entries).toEqual([""]);
    expect(router.get()).toEqual(inbox);
  });

  it("gives the same object while the address stays, so that nothing draws twice", () => {
    const router = new Router(bar("#/c/a"));
    const before = router.get();
    router.go({ ...inbox, conversation: "a" });
    expect(router.get()).toBe(before);
  });
});

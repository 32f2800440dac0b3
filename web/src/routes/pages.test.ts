// Who may open what: a page of a business by the role there, one of the platform by the role on the platform alone.
import { describe, expect, it } from "vitest";
import { emptyState, type State } from "../state/model";
import { mayMake, mayOpen } from "./pages";
import { isNew, kindOfNew } from "./route";

const user = { id: "me", name: "Me", email: "me@example.com", platform_role: null };
const owner = { id: "t", name: "Shop", role: "owner", permissions: ["read", "answer", "manage", "whole"] } as const;
const as = (platform: State["session"]["platform"], tenants: State["session"]["tenants"] = [{ ...owner, permissions: [...owner.permissions] }]): State =>
  ({ ...emptyState, session: { phase: "in", expired: false, user, tenants, platform } });

describe("the page of apps", () => {
  it("is closed to whoever only works for a business, even as its owner", () => {
    expect([mayOpen(as([]), "apps", "t"), mayOpen(as([]), "apps", null), mayMake(as([]), "apps", "t")]).toEqual([false, false, false]);
    expect(mayMake(as([]), "channels", "t")).toBe(true);
    expect(mayMake(as([]), "channels", null)).toBe(false);
  });

  it("is open to people of the platform, who may see no business, and changed by administrators", () => {
    expect([mayOpen(as(["read"], []), "apps", null), mayMake(as(["read"], []), "apps", null)]).toEqual([true, false]);
    expect(mayMake(as(["read", "operate"], []), "apps", null)).toBe(true);
    expect(mayOpen(as(["read", "operate"], []), "channels", null)).toBe(false);
  });
});

describe("the page of servers", () => {
  it("is open to administrators of the platform alone", () => {
    expect([as([]), as(["read", "answer"], []), as(["read", "operate"], [])].map((state) => mayOpen(state, "nodes", null))).toEqual([false, false, true]);
  });
});

describe("the form of a new thing", () => {
  it("may be of a kind, and is not one of the things", () => {
    expect(["new", "new-waha", "01900000-0000-7000-8000-000000000000", null].map(isNew)).toEqual([true, true, false, false]);
    expect([kindOfNew("new"), kindOfNew("new-whatsapp-cloud"), kindOfNew(null)]).toEqual([null, "whatsapp-cloud", null]);
  });
});

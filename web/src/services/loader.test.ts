// When lists and counts are asked for: what is loaded is not loaded again, and what is missing comes sooner or later.
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { me, SampleServer, tenant, visibleConversations } from "../state/sample";
import { createStore } from "../state/store";
import type { Query, Scope } from "../state/views";
import type { Api } from "./api";
import { Loader } from "./loader";
import { RequestError } from "./problem";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function page(pageSize = 1000) {
  const server = new SampleServer();
  for (const id of ["a", "b", "c", "d"]) server.write(id, "in");
  server.own("a", { owner: "human", assignee: me });
  const asked: string[] = [];
  const out = { broken: false };
  const api = {
    async inbox(query: Query, before: string | null) {
      asked.push(`${query.view}${before === null ? "" : " more"}`);
      if (out.broken) throw new RequestError(500, "error", "broken");
      return server.page(query, before, pageSize);
    },
    async counts(scope: Scope) {
      asked.push("counts");
      return { counts: server.counts({ ...scope, view: "all", sort: "recent", label: null }), positions: server.positions() };
    },
  } as unknown as Api;
  const store = createStore();
  const user = { id: me, email: "agent@example.com", name: "Agent", platform_role: null };
  store.apply({ type: "signed_in", user, tenants: [{ id: tenant, name: "Shop", role: "agent", permissions: ["read", "answer"] }] });
  store.apply({ type: "link", link: { phase: "live" } });
  const loader = new Loader(store, api);
  return {
    server, store, loader, out,
    async show(change: Partial<Query> = {}) {
      store.apply({ type: "filter", filter: change });
      await loader.show();
    },
    /** What was asked since the last look. */
    asked: () => asked.splice(0),
    rows: () => visibleConversations(store.get()).map((one) => one.id),
    counts: () => store.get().counters.values,
  };
}

describe("lists", () => {
  it("are asked for by their view, once, with the counts", async () => {
    const t = page();
    await t.show();
    await t.show({ view: "mine" });
    expect(t.rows()).toEqual(["a"]);
    await t.show({ view: "all" });
    await t.show({ view: "mine" });
    expect(t.asked()).toEqual(["all", "mine"]);
    expect(t.counts()).toMatchObject({ all: 4, mine: 1, ai: 3 });
  });

  it("go on from their own end, one page at a time", async () => {
    const t = page(2);
    await t.show();
    await Promise.all([t.loader.more(), t.loader.more()]);
    await t.loader.more();
    expect(t.asked()).toEqual(["all", "all more"]);
    expect(t.rows()).toEqual(["a", "d", "c", "b"]);
  });

  it("that are loaded already get counts of their own after a change of the filter", async () => {
    const t = page();
    await t.show();
    await t.show({ channel: "ch-2" });
    expect(t.rows()).toEqual([]);
    expect(t.counts()).toMatchObject({ all: 0 });
    await t.show({ channel: null });
    expect(t.asked()).toEqual(["all", "all", "counts"]);
    expect(t.counts()).toMatchObject({ all: 4 });
  });

  it("are read again after a hole in the feed, each when it is shown", async () => {
    const t = page();
    await t.show({ view: "ai" });
    await t.show({ view: "all" });
    t.server.write("e", "in");
    await t.loader.refresh();
    expect(t.counts()).toMatchObject({ all: 5 });
    await t.show({ view: "ai" });
    expect(t.asked()).toEqual(["ai", "all", "all", "ai"]);
    expect(t.rows()).toEqual(["e", "d", "c", "b"]);
  });

  it("are read again whenever they are shown, where events are not pushed", async () => {
    const t = page();
    t.store.apply({ type: "not_live", tenants: [tenant] });
    await t.show({ view: "ai" });
    await t.show({ view: "all" });
    await t.show({ view: "ai" });
    expect(t.asked()).toEqual(["ai", "all", "ai"]);
  });

  it("that failed come by themselves once the server is back", async () => {
    const t = page();
    t.out.broken = true;
    await t.show();
    expect(t.counts()).toBeNull();
    t.out.broken = false;
    await vi.runAllTimersAsync();
    expect(t.rows()).toHaveLength(4);
    expect(t.counts()).toMatchObject({ all: 4 });
  });
});

// The address and the inbox: each becomes what the other says, and what a link names and is not there is told.
import { describe, expect, it } from "vitest";
import { RequestError } from "../services/problem";
import { currentList } from "../state/lists";
import { emptyState, type Change } from "../state/model";
import { reduce } from "../state/reduce";
import { conversation, SampleServer, tenant } from "../state/sample";
import { createStore } from "../state/store";
import type { Query } from "../state/views";
import { Follow } from "./follow";
import { Router, type AddressBar } from "./router";

const channel = { id: "shop-bot", tenant, company: "c-1", kind: "telegram", name: "Bot", state: "active", health: null, settings: {} };

function page(address: string, known: Record<string, true | RequestError> = {}) {
  const visited = [address];
  let tell = () => {};
  const bar: AddressBar = {
    hash: () => visited.at(-1)!,
    push: (hash) => void visited.push(hash),
    replace: (hash) => void (visited[visited.length - 1] = hash),
    listen: (changed) => void (tell = changed),
  };
  const store = createStore();
  store.apply({ type: "signed_in", user: { id: "me", email: "me@example.com", name: "Me", platform_role: null }, tenants: [{ id: tenant, name: "Shop", role: "agent", permissions: ["read", "answer"] }] });
  const router = new Router(bar);
  const opened: (string | null)[] = [];
  const follow = new Follow({
    store, router,
    open(id) {
      if (store.get().active !== id) opened.push(id);
      store.apply({ type: "opened", conversation: id });
    },
    async load(id) {
      const answer = known[id] ?? new RequestError(404, "not_found", "no such conversation");
      if (answer !== true) throw answer;
      store.apply({ type: "conversation.kept", conversation: conversation(id), asOf: {} });
    },
    show: (query: Partial<Query>) => store.apply({ type: "filter", filter: query }),
  });
  const go = (to: string) => {
    bar.push(to);
    tell();
  };
  return { store, router, follow, opened, visited, go };
}

const settled = () => new Promise((resolve) => setTimeout(resolve, 0));

describe("the address", () => {
  it("opens the conversation and the view that it names, and is completed by what it left open", async () => {
    const { store, follow, visited } = page("#/c/a", { a: true });
    store.apply({ type: "filter", filter: { sort: "wait" } });
    follow.start();
    await settled();
    expect(store.get().active).toBe("a");
    expect(visited).toEqual(["#/inbox/all/c/a?sort=wait"]);
    expect(follow.get()).toMatchObject({ conversation: "here", dropped: false });
  });

  it("gets an entry for each choice, and going back undoes it", () => {
    const { store, follow, visited, go } = page("#/");
    follow.start();
    follow.choose({ view: "mine" });
    expect(visited).toEqual(["#/inbox/all", "#/inbox/mine"]);
    go("#/inbox/all");
    expect(store.get().filter.view).toBe("all");
  });

  it("that names a conversation that is not there, or not the person's, says so; one that could not be loaded is tried again", async () => {
    const known: Record<string, true | RequestError> = { b: new RequestError(0, "no_answer", "no answer") };
    const { follow, go } = page("#/c/a", known);
    follow.start();
    await settled();
    expect(follow.get()).toMatchObject({ conversation: "gone" });
    go("#/c/b");
    await settled();
    expect(follow.get()).toMatchObject({ conversation: "failed", reason: "no answer" });
    known["b"] = true;
    follow.again();
    await settled();
    expect(follow.get()).toMatchObject({ conversation: "here" });
  });

  it("leaves the inbox as it is while it names another page, or a business that is not the person's", () => {
    const { store, follow, opened, go } = page("#/c/a", { a: true });
    follow.start();
    go("#/settings/people");
    go("#/inbox/mine?tenant=elsewhere");
    expect(opened).toEqual(["a", null]);
    expect(store.get().filter).toMatchObject({ view: "all", tenant: null });
  });

  it("that names a channel that is not there shows all, and says so, whether the names are there or come later", () => {
    const early = page("#/inbox/all?channel=gone");
    early.follow.start();
    expect(early.store.get().filter.channel).toBe("gone");
    early.store.apply({ type: "channels", channels: [channel as never] });
    early.store.apply({ type: "filter", filter: {} });
    expect(early.store.get().filter.channel).toBeNull();
    expect(early.follow.get().dropped).toBe(true);
    expect(early.visited).toEqual(["#/inbox/all"]);

    const late = page("#/");
    late.store.apply({ type: "channels", channels: [channel as never] });
    late.follow.start();
    late.go("#/inbox/all?channel=gone");
    expect(late.follow.get().dropped).toBe(true);
    expect(late.visited.at(-1)).toBe("#/inbox/all");
    late.go("#/inbox/all?channel=shop-bot");
    expect(late.follow.get().dropped).toBe(false);
    expect(late.store.get().filter.channel).toBe("shop-bot");
  });
});

describe("a list that takes the place of another before the feed is open", () => {
  it("still gets its page when that of the former one comes first", () => {
    const server = new SampleServer();
    server.write("a", "in");
    const all = emptyState.filter;
    const gone = { ...all, channel: "gone" };
    const steps: Change[] = [
      { type: "filter", filter: gone }, { type: "list.loading", query: gone, run: 1 },
      { type: "filter", filter: all }, { type: "list.loading", query: all, run: 2 },
      { type: "list.loaded", query: gone, run: 1, first: true, page: server.page(gone, null, 3) },
      { type: "list.loaded", query: all, run: 2, first: true, page: server.page(all, null, 3) },
    ];
    expect(currentList(steps.reduce(reduce, emptyState))).toMatchObject({ phase: "ready", ids: ["a"] });
  });
});

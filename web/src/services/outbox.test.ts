// What is to be sent, over several tabs: each item by one tab, taken over when that one closes, never by another person.
import { beforeEach, describe, expect, it, vi } from "vitest";
import { conversation, message, tenant } from "../state/sample";
import { createStore } from "../state/store";
import { asWished } from "../state/pending";
import { Outbox, type Call } from "./outbox";
import { OutboxShelf } from "./outbox_shelf";
import { RequestError } from "./problem";
import { memoryShelf, type Shelf } from "./shelf";

beforeEach(() => void vi.useFakeTimers());

const flush = () => vi.advanceTimersByTimeAsync(50);

function browser() {
  const shelf = memoryShelf();
  const tabs: { box: OutboxShelf; shelf: Shelf }[] = [];
  const closed = new Map<string, (() => void)[]>();
  let ids = 0;
  return {
    shelf,
    keys: () => Array.from({ length: shelf.length }, (_, at) => shelf.key(at)!),
    tab({ name, user = "ann", live = true }: { name: string; user?: string; live?: boolean }) {
      const store = createStore();
      store.apply({ type: "signed_in", user: { id: user, email: "", name: user, platform_role: null }, tenants: [] });
      store.apply({ type: "conversation.kept", conversation: conversation("a"), asOf: { [tenant]: 1 } });
      const tell = (key: string, value: string | null) => {
        for (const one of tabs) if (one.shelf !== mine) one.box.changed(key, value);
      };
      const mine: Shelf = {
        ...shelf,
        get length() { return shelf.length; },
        setItem: (key, value) => { shelf.setItem(key, value); tell(key, value); },
        removeItem: (key) => { shelf.removeItem(key); tell(key, null); },
      };
      const life = { id: name, watch: (tab: string, gone: () => void) => void closed.set(tab, [...(closed.get(tab) ?? []), gone]) };
      const t = { live, calls: [] as { method: string; data: Record<string, unknown> }[], refused: [] as unknown[], refuse: null as RequestError | null };
      const call = (async (method: string, data: Record<string, unknown>) => {
        t.calls.push({ method, data });
        if (t.refuse) throw t.refuse;
        if (method.startsWith("conversation.")) return method === "conversation.read" ? {} : { conversation: conversation("a", { owner: "human" }) };
        return { message: message("a", 2, { client_id: data["client_id"] as string, direction: "out" }) };
      }) as unknown as Call;
      const box = new OutboxShelf(store, life, () => outbox.kick(), mine);
      const outbox: Outbox = new Outbox({
        store, shelf: box, call, live: () => t.live, newId: () => `${name}-${(ids += 1)}`, now: () => 1, random: () => 0,
        granted: () => undefined, refused: (error) => void t.refused.push(error),
      });
      tabs.push({ box, shelf: mine });
      box.start({ user, installation: "here" });
      return Object.assign(t, {
        store, outbox, box,
        write: (text: string) => outbox.write({ conversation: "a", note: false, text, reply_to: null }),
        methods: () => t.calls.map(({ method }) => method),
        close() {
          t.live = false;
          tabs.splice(tabs.findIndex((one) => one.box === box), 1);
          for (const gone of closed.get(name) ?? []) gone();
        },
      });
    },
  };
}

describe("a message after the window", () => {
  it("says that a person answers, or is a template, and keeps both over tabs", async () => {
    const b = browser();
    const [one, two] = [b.tab({ name: "one", live: false }), b.tab({ name: "two" })];
    const template = { name: "order_ready", language: "en", components: [] };
    one.outbox.write({ conversation: "a", note: false, text: "hello", reply_to: null, human_agent: true });
    one.outbox.write({ conversation: "a", note: false, text: "Order 42", reply_to: null, template });
    expect(two.store.get().pending.map((p) => p.template ?? p.human_agent)).toEqual([true, template]);
    one.close();
    await flush();
    expect(two.calls.map(({ data }) => data)).toEqual([
      { conversation: "a", client_id: "one-1", text: "hello", human_agent: true },
      { conversation: "a", client_id: "one-2", template },
    ]);
  });

  it("is refused with a reason in the reader's language", async () => {
    const tab = browser().tab({ name: "one" });
    tab.refuse = new RequestError(409, "409", "the customer wrote last more than 24 hours ago: wait");
    tab.store.apply({ type: "conversation.kept", conversation: conversation("a", { can_send_until: 1 }), asOf: { [tenant]: 2 } });
    tab.write("late");
    await flush();
    expect(tab.store.get().pending.map(({ state, reason }) => [state, reason])).toEqual([["failed", "window_closed"]]);
  });
});

describe("a message", () => {
  it("is shown by every tab and sent by the one that it was written in", async () => {
    const b = browser();
    const [one, two] = [b.tab({ name: "one", live: false }), b.tab({ name: "two" })];
    one.write("hello");
    await flush();
    expect(two.store.get().pending).toMatchObject([{ text: "hello", state: "waiting" }]);
    two.outbox.kick();
    await flush();
    expect(two.calls).toEqual([]);
    one.live = true;
    one.outbox.kick();
    await flush();
    expect(one.calls).toHaveLength(1);
    expect([one.store.get().pending, two.store.get().pending, b.keys()]).toEqual([[], [], []]);
  });

  it("is sent by another tab when that one is closed, with the id that it had", async () => {
    const b = browser();
    const [one, two] = [b.tab({ name: "one", live: false }), b.tab({ name: "two" })];
    one.write("hello");
    await flush();
    one.close();
    await flush();
    expect(two.calls).toMatchObject([{ method: "message.send", data: { client_id: "one-1", text: "hello" } }]);
    expect(b.keys()).toEqual([]);
  });

  it("is never another person's, and is removed when somebody else signs in", async () => {
    const b = browser();
    const one = b.tab({ name: "one", live: false });
    one.write("from Ann");
    await flush();
    const bob = b.tab({ name: "two", user: "bob" });
    one.close();
    await flush();
    expect([bob.store.get().pending, bob.calls, b.keys()]).toEqual([[], [], []]);
  });

  it("that was refused is tried again only where a person says so, in any tab", async () => {
    const b = browser();
    const [one, two] = [b.tab({ name: "one" }), b.tab({ name: "two" })];
    one.refuse = new RequestError(422, "422", "no");
    one.write("hello");
    await flush();
    expect(two.store.get().pending).toMatchObject([{ state: "failed", reason: "no" }]);
    two.outbox.retry("one-1");
    await flush();
    expect([one.calls.length, two.calls.length, b.keys()]).toEqual([1, 1, []]);
    expect(one.store.get().pending).toEqual([]);
  });

  it("counts the connections that it ended over a reload", async () => {
    const b = browser();
    const one = b.tab({ name: "one" });
    one.refuse = new RequestError(0, "connection_ended", "connection_ended");
    one.write("poison");
    await vi.advanceTimersByTimeAsync(1);
    one.close();
    const two = b.tab({ name: "two" });
    two.refuse = one.refuse;
    one.close();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(one.calls.length + two.calls.length).toBe(3);
    expect(two.store.get().pending).toMatchObject([{ state: "failed", reason: "connection_ended" }]);
  });
});

describe("a wish", () => {
  it("is shown at once, waits for the connection, and goes out before the message that was written after it", async () => {
    const b = browser();
    const one = b.tab({ name: "one", live: false });
    one.outbox.wish("a", { kind: "take_over" });
    one.write("I take it");
    one.outbox.wish("a", { kind: "close" });
    const shown = asWished(one.store.get(), one.store.get().conversations.get("a")!.value);
    expect(shown).toMatchObject({ owner: "human", assignee: "ann", state: "closed" });
    one.live = true;
    one.outbox.kick();
    await flush();
    expect(one.methods()).toEqual(["conversation.take_over", "message.send", "conversation.close"]);
    expect(one.store.get().wishes).toEqual([]);
  });

  it("of which the last one counts is sent once", async () => {
    const b = browser();
    const one = b.tab({ name: "one", live: false });
    for (const assignee of ["u-1", "u-2", null]) one.outbox.wish("a", { kind: "assign", assignee });
    for (const seq of [1, 2, 3]) one.outbox.wish("a", { kind: "read", mark: { seq, inbound_count: seq }, before: null });
    one.live = true;
    one.outbox.kick();
    await flush();
    expect(one.calls).toMatchObject([
      { method: "conversation.assign", data: { assignee: null } }, { method: "conversation.read", data: { seq: 3 } },
    ]);
  });

  it("that is refused is taken back and told, and holds nothing up", async () => {
    const b = browser();
    const one = b.tab({ name: "one", live: false });
    one.outbox.wish("a", { kind: "read", mark: { seq: 5, inbound_count: 5 }, before: { seq: 1, inbound_count: 1 } });
    one.outbox.wish("a", { kind: "take_over" });
    expect(one.store.get().reads.get("a")?.seq).toBe(5);
    one.refuse = new RequestError(409, "409", "closed");
    one.live = true;
    one.outbox.kick();
    await flush();
    const { reads, conversations, wishes } = one.store.get();
    expect(reads.get("a")).toMatchObject({ seq: 1, inbound_count: 1 });
    expect([asWished(one.store.get(), conversations.get("a")!.value).owner, wishes, one.refused.length]).toEqual(["ai", [], 2]);
  });

  it("survives a reload", async () => {
    const b = browser();
    const one = b.tab({ name: "one", live: false });
    one.outbox.wish("a", { kind: "assign", assignee: "u-2" });
    await flush();
    one.close();
    const two = b.tab({ name: "two", live: false });
    expect(two.store.get().wishes).toMatchObject([{ aim: { kind: "assign", assignee: "u-2" } }]);
    one.close();
    two.live = true;
    two.outbox.kick();
    await flush();
    expect(two.methods()).toEqual(["conversation.assign"]);
  });
});

it("an item in the storage that has not the shape of one is nothing, and takes none away", async () => {
  const b = browser();
  const whole = { client_id: "x", conversation: "a", note: false, text: "t", reply_to: null, created_at: 1, order: 1, state: "waiting", reason: null };
  const forged = [
    7, [], {}, { item: null }, { item: 7, tab: "t", tries: 0 }, { item: { pending: null }, tab: "t", tries: 0 },
    { item: { pending: { ...whole, state: "sent" } }, tab: "t", tries: 0 }, { item: { pending: { ...whole, text: 7 } }, tab: "t", tries: 0 },
    { item: { pending: whole }, tab: "t", tries: "0" }, { item: { pending: { ...whole, client_id: "another" } }, tab: "t", tries: 0 },
    { item: { wish: { id: "x", conversation: "a", order: 1, aim: { kind: "delete" } } }, tab: "t", tries: 0 },
    { item: { wish: { id: "x", conversation: "a", order: 1, aim: { kind: "read", mark: null, before: null } } }, tab: "t", tries: 0 },
  ];
  for (const one of forged) {
    b.shelf.setItem("hubbub.out.here.ann.x", JSON.stringify(one));
    const tab = b.tab({ name: "one" });
    await flush();
    expect([tab.store.get().pending, tab.store.get().wishes, tab.calls], JSON.stringify(one)).toEqual([[], [], []]);
    tab.close();
  }
  b.shelf.removeItem("hubbub.out.here.ann.x");
  const [one, two] = [b.tab({ name: "first", live: false }), b.tab({ name: "second" })];
  one.write("kept");
  const key = b.keys()[0]!;
  two.box.changed(key, "{}");
  b.shelf.setItem(key, "{}");
  one.close();
  await flush();
  expect(two.calls).toMatchObject([{ data: { text: "kept" } }]);
});

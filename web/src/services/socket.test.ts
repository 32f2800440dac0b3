// The join of snapshot and feed, over the real client library: nothing lost, nothing twice, whatever is cut when.
import { afterEach, describe, expect, it } from "vitest";
import type { Change } from "../state/model";
import { everything, random, SampleServer, tenant } from "../state/sample";
import { createStore } from "../state/store";
import type { ChannelView, Event, Message } from "../api.gen";
import { Outbox } from "./outbox";
import { SampleHub } from "./sample_hub";
import { Socket } from "./socket";

const opened: Socket[] = [];
afterEach(() => opened.splice(0).forEach((socket) => socket.stop()));

/** One turn of the event loop: a browser, too, closes a socket in a task of its own. */
const task = () => new Promise((resolve) => setTimeout(resolve));

function page() {
  const hub = new SampleHub(`tenant:${tenant}`);
  let server = new SampleServer();
  const store = createStore();
  const events = new Map<number, number>();
  const counted = {
    ...store,
    apply(change: Change) {
      if (change.type === "event") events.set(change.event.cursor, (events.get(change.event.cursor) ?? 0) + 1);
      store.apply(change);
    },
  };
  store.subscribe(() => hub.look());
  let [snapshots, ended] = [0, 0];
  let answer: (() => void) | null = null;
  let hold = false;
  let runs = 0;
  const load = (): Change => {
    runs += 1;
    store.apply({ type: "list.loading", query: everything, run: runs });
    return { type: "list.loaded", query: everything, run: runs, first: true, page: server.page() };
  };
  const socket = new Socket({
    store: counted,
    url: "ws://hub.example.com/connection/websocket",
    websocket: hub.WebSocket,
    token: (refused) => Promise.resolve(refused === null ? "token" : `after ${refused}`),
    onExpired: () => (ended += 1),
    onLive: () => hub.look(),
    random: () => 0,
    onGap: async () => {
      snapshots += 1;
      const change = load();
      if (hold) {
        const held = new Promise<void>((resolve) => (answer = resolve));
        hub.look();
        await held;
      }
      store.apply(change);
    },
  });
  opened.push(socket);
  return {
    hub, store, socket, events, load,
    get server() { return server; },
    /** The server comes back from a backup: another epoch, a shorter log. */
    restore() {
      server = new SampleServer();
      hub.log = [];
      hub.epoch = "restored";
    },
    get snapshots() { return snapshots; },
    get ended() { return ended; },
    holdSnapshots() { hold = true; },
    get snapshotIsHeld() { return answer !== null; },
    release() { hold = false; answer?.(); answer = null; },
    write(id: string, clientId: string | null = null): Message {
      const message = server.write(id, clientId ? "out" : "in", clientId);
      hub.publish(server.log.at(-1)!);
      return message;
    },
    live: () => hub.until(() => store.get().link.phase === "live"),
    counts: () => Object.fromEntries(
      store.get().conversations.values().map(({ value }) => [value.id, value.inbound_count])),
    truth: () => Object.fromEntries([...server.conversations.values()].map((c) => [c.id, c.inbound_count])),
  };
}

/** The outbox of the page, alone in its browser. */
function outboxOf({ store, socket }: ReturnType<typeof page>) {
  const tries = new Map<string, number>();
  let next = "";
  const outbox = new Outbox({
    store, now: () => 1, newId: () => next, live: () => socket.live, random: () => 0,
    call: (method, data) => socket.rpc(method, data),
    granted: () => undefined,
    refused: () => undefined,
    shelf: {
      mine: () => true, save: () => undefined,
      take: (id, count = 0) => void tries.set(id, count),
      tries: (id) => tries.get(id) ?? 0,
    },
  });
  return {
    kick: () => outbox.kick(),
    write(id: string, text: string) {
      next = id;
      outbox.write({ conversation: "a", note: false, text, reply_to: null });
    },
  };
}

describe("joining", () => {
  it("loses nothing that happens between the opening of the feed and the answer of the snapshot", async () => {
    const t = page();
    t.write("a");
    t.holdSnapshots();
    t.socket.start();
    await t.hub.until(() => t.snapshotIsHeld);
    t.write("a");
    t.write("b");
    t.release();
    await t.live();
    await t.hub.until(() => t.store.get().positions[tenant]?.offset === 3);
    expect(t.counts()).toEqual({ a: 2, b: 1 });
  });

  it("loads no second snapshot when the first one was read after everything that the feed starts with", async () => {
    const t = page();
    t.write("a");
    t.store.apply(t.load());
    t.socket.start();
    await t.live();
    expect(t.snapshots).toBe(0);
  });

  it("loads one when something happened between an early snapshot and the opening of the feed", async () => {
    const t = page();
    t.write("a");
    t.store.apply(t.load());
    t.write("a");
    t.socket.start();
    await t.live();
    expect(t.snapshots).toBe(1);
    expect(t.counts()).toEqual({ a: 2 });
  });
});

describe("a channel", () => {
  it("that moves to another company has its lists loaded anew, one that only changes has not", async () => {
    const t = page();
    t.socket.start();
    await t.live();
    const before = t.snapshots;
    const channel = { id: "channel", tenant, company: "old", kind: "telegram", name: "Bot", state: "active" } as ChannelView;
    t.store.apply({ type: "channels", channels: [channel] });
    const tell = (change: Partial<ChannelView>) => {
      const cursor = t.server.log.length + 1;
      const event = { cursor, tenant, kind: "channel.updated", at: 1, company: "new", channel: channel.id, conversation: null, moved: null,
        message: null, turn: null, channel_state: { ...channel, ...change }, read: null } as unknown as Event;
      t.server.log.push(event);
      t.hub.publish(event);
    };
    tell({ name: "Shop bot" });
    await t.hub.until(() => t.store.get().channels["channel"]?.name === "Shop bot");
    expect(t.snapshots).toBe(before);
    tell({ company: "new" });
    await t.hub.until(() => t.snapshots === before + 1);
    expect(t.store.get().channels["channel"]?.company).toBe("new");
  });
});

describe("the end of a session", () => {
  it.each([[3500, 1], [3503, 1], [3999, 1], [4500, 1], [3502, 0], [3008, 0], [1006, 0]])("is told by the code %i: %i", async (code, ended) => {
    const t = page();
    t.socket.start();
    await t.live();
    t.hub.cut(code);
    await task();
    expect(t.ended).toBe(ended);
  });

  it("is not a token that has run out: another one is asked for", async () => {
    const t = page();
    t.hub.expired.add("token");
    t.socket.start();
    await t.hub.until(() => t.store.get().link.phase === "lost");
    t.socket.retryNow();
    await t.live();
    expect(t.hub.tokens).toEqual(["token", "after token"]);
    expect(t.ended).toBe(0);
  });
});

describe("reconnecting", () => {
  it("recovers what was missed, says how much, and loads nothing", async () => {
    const t = page();
    t.write("a");
    t.socket.start();
    await t.live();
    t.hub.cut();
    expect(t.store.get().link.phase).toBe("lost");
    expect(t.store.get().link.retryAt).not.toBeNull();
    t.write("a");
    t.write("b");
    t.socket.retryNow();
    await t.live();
    expect(t.counts()).toEqual(t.truth());
    expect(t.store.get().link.caughtUp).toMatchObject({ events: 2, reloaded: false });
    expect(t.snapshots).toBe(1);
  });

  it("loads the inbox anew when the log does not reach back", async () => {
    const t = page();
    for (let i = 0; i < 5; i += 1) t.write("a");
    t.write("b");
    t.socket.start();
    await t.live();
    t.hub.cut();
    t.restore();
    t.write("a");
    t.socket.retryNow();
    await t.live();
    expect(t.counts()).toEqual(t.truth());
    expect(t.store.get().link.caughtUp).toMatchObject({ reloaded: true });
  });

  it("goes on trying by itself while the server refuses", async () => {
    const t = page();
    t.socket.start();
    await t.live();
    t.hub.refuse = true;
    t.hub.cut();
    t.socket.retryNow();
    await t.hub.until(() => t.store.get().link.phase === "lost");
    t.hub.refuse = false;
    await t.live();
    expect(t.store.get().link.lostAt).toBeNull();
  });

  for (let seed = 1; seed <= 12; seed += 1) {
    it(`applies every event once through cuts at random moments (seed ${seed})`, async () => {
      const roll = random(seed);
      const t = page();
      t.socket.start();
      await t.live();
      for (let i = 0; i < 40; i += 1) {
        if (roll(3) === 0) await task();
        if (roll(6) === 0) {
          await task();
          t.hub.cut();
        }
        if (roll(6) === 0) t.socket.retryNow();
        t.write(["a", "b", "c"][roll(3)]!);
      }
      await task();
      t.hub.cut();
      t.socket.retryNow();
      await t.live();
      expect(t.counts()).toEqual(t.truth());
      expect([...t.events.values()].every((times) => times === 1)).toBe(true);
      expect(t.events.size).toBe(t.server.top);
    });
  }
});

describe("messages that were written while the connection was gone", () => {
  it("go out in order on reconnect with the ids they were written with, and arrive once", async () => {
    const t = page();
    t.write("a");
    t.socket.start();
    await t.live();
    const stored = new Map<string, Message>();
    let lose = true;
    t.hub.onCall = (_, data) => {
      const clientId = data["client_id"] as string;
      const message = stored.get(clientId) ?? t.write("a", clientId);
      stored.set(clientId, message);
      // The first answer is lost with the connection after the server has stored the message.
      if (lose) {
        lose = false;
        t.hub.cut();
        return undefined;
      }
      return { message };
    };
    const outbox = outboxOf(t);
    outbox.write("one", "first");
    await t.hub.until(() => t.store.get().link.phase === "lost");
    outbox.write("two", "second");
    expect(t.store.get().pending).toHaveLength(2);
    t.socket.retryNow();
    await t.live();
    outbox.kick();
    await t.hub.until(() => t.store.get().pending.length === 0);
    expect([...stored.values()].map((m) => m.seq)).toEqual([2, 3]);
    expect(t.server.messages.get("a")).toHaveLength(3);
  });

  it.each([
    ["say why, when the server refuses them, and do not hold up the next one", 422, "the 24 hours are over"],
    ["are shown as failed after a fault of the server that would come again, and go on with the next one", 500, "something went wrong on our side"],
  ])("%s", async (_, code, reason) => {
    const t = page();
    t.write("a");
    t.socket.start();
    await t.live();
    t.hub.onCall = (_, data) =>
      data["client_id"] === "bad" ? { error: { code, message: reason } } : { message: t.write("a", data["client_id"] as string) };
    const outbox = outboxOf(t);
    outbox.write("bad", "x");
    outbox.write("good", "x");
    await t.hub.until(() => t.store.get().pending.every((p) => p.client_id !== "good"));
    expect(t.store.get().pending).toMatchObject([{ client_id: "bad", state: "failed", reason }]);
  });

  it("do not end one connection after the other when they are too long for the server", async () => {
    const t = page();
    t.write("a");
    t.hub.longest = 30_000;
    t.socket.start();
    await t.live();
    t.hub.onCall = (_, data) => ({ message: t.write("a", data["client_id"] as string) });
    const outbox = outboxOf(t);
    outbox.write("long", "x".repeat(30_000));
    outbox.write("short", "x");
    await t.hub.until(() => t.store.get().pending[0]?.state === "failed");
    await t.hub.until(() => t.store.get().link.phase === "lost");
    t.socket.retryNow();
    await t.live();
    outbox.kick();
    await t.hub.until(() => t.store.get().pending.length === 1);
    expect(t.store.get().pending).toMatchObject([{ client_id: "long", state: "failed" }]);
    expect(t.store.get().pending[0]?.reason).toBe("frame_too_long");
    expect(t.store.get().link.phase).toBe("live");
    t.store.apply({ type: "pending.returned", client_id: "long", reason: "too long" });
    expect(t.store.get().drafts["a"]?.text).toHaveLength(30_000);
  });

  it("are refused before they leave when the server has said how much it takes, and the connection stays", async () => {
    const t = page();
    t.write("a");
    t.hub.longest = t.hub.toldLongest = 30_000;
    t.socket.start();
    await t.live();
    t.hub.onCall = (_, data) => ({ message: t.write("a", data["client_id"] as string) });
    const outbox = outboxOf(t);
    outbox.write("long", "\u0436".repeat(16_000));
    outbox.write("short", "x");
    await t.hub.until(() => t.store.get().pending.length === 1);
    expect(t.store.get().pending).toMatchObject([{ client_id: "long", state: "failed", reason: "frame_too_long" }]);
    expect(t.hub.opened).toBe(1);
  });

  it("are given up after three connections that ended with them, and the next one goes out", async () => {
    const t = page();
    t.write("a");
    t.socket.start();
    await t.live();
    t.hub.onCall = (_, data) => {
      if (data["client_id"] === "good") return { message: t.write("a", "good") };
      t.hub.cut();
      return undefined;
    };
    const outbox = outboxOf(t);
    outbox.write("bad", "x");
    outbox.write("good", "x");
    for (let round = 0; round < 4; round += 1) {
      await t.hub.until(() => t.store.get().pending.length === 1 || t.store.get().link.phase === "lost");
      t.socket.retryNow();
      await t.live();
      outbox.kick();
    }
    await t.hub.until(() => t.store.get().pending.length === 1);
    expect(t.store.get().pending).toMatchObject([{ client_id: "bad", state: "failed", reason: "connection_ended" }]);
    expect(t.hub.calls.filter(({ data }) => data["client_id"] === "bad")).toHaveLength(3);
  });

  it("come back as the draft when their channel is paused, with the reason, before what was written since", async () => {
    const t = page();
    t.write("a");
    t.socket.start();
    await t.live();
    const paused = { id: "ch-1", tenant, company: "c-1", kind: "telegram", name: "Bot", state: "disabled", health: null } as ChannelView;
    t.store.apply({ type: "channels", channels: [paused] });
    t.hub.onCall = () => ({ error: { code: 409, message: "the channel is paused" } });
    const outbox = outboxOf(t);
    outbox.write("one", "first");
    t.store.apply({ type: "draft", conversation: "a", draft: { text: "second", note: false, reply_to: null } });
    await t.hub.until(() => t.store.get().pending.length === 0);
    expect(t.store.get().drafts["a"]).toMatchObject({ text: "first\nsecond", refusal: "the channel is paused" });
  });
});

// The room of a pairing: asked for once it is open, asked again only while it runs, left for good.
import { expect, test, vi } from "vitest";
import type { Pairing } from "../state/pairing";
import { PairingRoom } from "./pairing_room";
import { RequestError } from "./problem";
import type { Socket } from "./socket";

type Handler = (ctx: unknown) => void;

function setup(pair: (phone: string | null) => Promise<unknown>) {
  const rooms = new Map<string, ReturnType<typeof sub>>();
  const sub = (name: string) => {
    const handlers = new Map<string, Handler>();
    return {
      name, handlers, state: "unsubscribed",
      on: (kind: string, handler: Handler) => void handlers.set(kind, handler),
      emit: (kind: string, ctx: unknown = {}) => handlers.get(kind)?.(ctx),
      subscribe() { this.state = "subscribed"; },
      unsubscribe() { this.state = "unsubscribed"; },
      removeAllListeners: () => handlers.clear(),
    };
  };
  const client = {
    getSubscription: (name: string) => rooms.get(name) ?? null,
    newSubscription(name: string) {
      if (rooms.has(name)) throw new Error("there is one already");
      const one = sub(name);
      rooms.set(name, one);
      return one;
    },
    removeSubscription: (one: { name: string }) => void rooms.delete(one.name),
  };
  const calls: (string | null)[] = [];
  const shown: Pairing[] = [];
  const room = new PairingRoom({ client } as unknown as Pick<Socket, "client">, "one", (phone) => { calls.push(phone); return pair(phone); }, (now) => shown.push(now));
  const frame = (state: string) => rooms.get("pairing:one")?.emit("publication", { data: { kind: "pairing", state, qr: null, code: null, attempt: 1, expires_at: null, detail: null } });
  return { room, rooms, calls, shown, frame, joined: () => rooms.get("pairing:one")?.emit("subscribed"), last: () => shown.at(-1)?.phase };
}

test("codes are asked for when the room is open, and again after a cut, but not after the end", () => {
  const t = setup(() => Promise.resolve({}));
  expect(t.calls).toEqual([]);
  t.joined();
  t.joined();
  expect(t.calls).toEqual([null, null]);
  t.frame("timed_out");
  t.joined();
  expect(t.calls).toHaveLength(2);
  t.room.again();
  expect([t.calls.length, t.last()]).toEqual([3, "asking"]);
});

test("another account on the server is said as such, and may be asked for again", async () => {
  const busy = vi.fn().mockRejectedValueOnce(new RequestError(409, "pairing_busy", "another")).mockResolvedValue({});
  const t = setup(busy);
  t.joined();
  await vi.waitFor(() => expect(t.last()).toBe("busy"));
  t.room.again();
  t.frame("scan");
  expect(t.last()).toBe("scan");
});

test("a room that was left tells nothing, and can be opened anew", () => {
  const t = setup(() => Promise.resolve({}));
  const { frame } = t;
  t.room.leave();
  expect(t.rooms.size).toBe(0);
  frame("scan");
  expect(t.shown).toEqual([]);
});

// A silent connection is found out by the log, and a healthy one is left alone.
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { event, tenant } from "../state/sample";
import { createStore } from "../state/store";
import type { Event } from "../api.gen";
import { HeadCheck } from "./head_check";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function page(log: Event[]) {
  const store = createStore();
  store.apply({ type: "event", event: event(5, "conversation.updated") });
  const socket = { live: true, renew: vi.fn(), retryNow: vi.fn() };
  const eventsAfter = vi.fn((_: string, cursor: number) => Promise.resolve({ events: log.filter((e) => e.cursor > cursor) }));
  return { store, socket, eventsAfter, check: new HeadCheck(store, { eventsAfter }, socket) };
}

const away = async (t: ReturnType<typeof page>, ms: number) => {
  t.check.hidden();
  vi.advanceTimersByTime(ms);
  await t.check.shown();
};

describe("looking at the page again", () => {
  it("renews the connection when the log has what the feed did not bring", async () => {
    const t = page([event(6, "conversation.updated")]);
    await away(t, 60_000);
    vi.runAllTimers();
    expect(t.eventsAfter).toHaveBeenCalledWith(tenant, 5);
    expect(t.socket.renew).toHaveBeenCalledOnce();
  });

  it("leaves it alone when the feed brings it a moment later", async () => {
    const late = event(6, "conversation.updated");
    const t = page([late]);
    await away(t, 60_000);
    t.store.apply({ type: "event", event: late });
    vi.runAllTimers();
    expect(t.socket.renew).not.toHaveBeenCalled();
  });

  it("asks nothing after a short look elsewhere", async () => {
    const t = page([event(6, "conversation.updated")]);
    await away(t, 5_000);
    expect(t.eventsAfter).not.toHaveBeenCalled();
  });

  it("ends the wait when the connection is known to be lost", async () => {
    const t = page([]);
    t.socket.live = false;
    await away(t, 5_000);
    expect(t.socket.retryNow).toHaveBeenCalledOnce();
  });

  it("asks nothing about tenants whose events are not pushed", async () => {
    const t = page([event(6, "conversation.updated")]);
    t.store.apply({ type: "not_live", tenants: [tenant] });
    await away(t, 60_000);
    expect(t.eventsAfter).not.toHaveBeenCalled();
  });
});

import { describe, expect, it } from "vitest";
import { roadCode, roadOf } from "./road";
import { conversation, message } from "./sample";
import { keepMessage, noThread } from "./thread";
import type { Message } from "../api.gen";
import type { Thread } from "./model";

const hour = 3_600_000;
const abilities = (change = {}) => ({ buttons: false, reactions: false, templates: false, human_agent: false, ...change });
const threadOf = (...messages: Message[]) =>
  messages.reduce<Thread>((thread, one) => keepMessage(thread, one, 1), { ...noThread, phase: "ready", oldest: 1 });

describe("the window for answers", () => {
  const at = (until: number | null, person: number | null, now: number, has = {}) =>
    roadOf(conversation("a", { can_send_until: until, person_can_send_until: person }), noThread, abilities(has), now);

  it("is open, about to close, and closed, by the server's time", () => {
    expect(at(null, null, 5)).toMatchObject({ window: "none", until: null });
    expect(at(24 * hour, null, 1)).toMatchObject({ window: "open", until: 24 * hour });
    expect(at(24 * hour, null, 23 * hour)).toMatchObject({ window: "soon" });
    expect(at(24 * hour, null, 24 * hour - 1)).toMatchObject({ window: "soon" });
    expect(at(24 * hour, null, 24 * hour)).toMatchObject({ window: "closed", remedy: "wait" });
    expect(at(0, null, 1)).toMatchObject({ window: "closed", until: null });
  });

  it("leaves what the channel has", () => {
    expect(at(1, null, 2, { templates: true }).remedy).toBe("template");
    expect(at(1, 9, 2, { human_agent: true })).toMatchObject({ remedy: "person", personUntil: 9 });
    expect(at(1, 9, 9, { human_agent: true })).toMatchObject({ remedy: "wait", personUntil: null });
    // Where the app lacks the right, the provider would refuse it.
    expect(at(1, 9, 2).remedy).toBe("wait");
  });

  it("is closed when the provider says so, until the customer writes", () => {
    const refused = message("a", 2, { direction: "out", status: "failed", error: { code: "partly_sent:window_closed", reason: "" } });
    const of = (...messages: Message[]) => roadOf(conversation("a", { can_send_until: 9 * hour }), threadOf(...messages), abilities(), 1).window;
    expect(of(message("a", 1), refused)).toBe("closed");
    expect(of(message("a", 1), refused, message("a", 3))).toBe("open");
  });
});

describe("a customer who wants no messages", () => {
  const contact = { id: "c", name: null, handle: null, opted_out_at: 1_010, merged_into: null, labels: [], blocked_at: null };
  const isStopped = (...messages: Message[]) => roadOf(conversation("a", { contact }), threadOf(...messages), undefined, 2_000).optedOut;

  it("is answered when they have written since", () => {
    expect(isStopped()).toBe(true);
    expect(isStopped(message("a", 10))).toBe(true);
    expect(isStopped(message("a", 11))).toBe(false);
    expect(isStopped(message("a", 11, { provider_at: 1_010 }))).toBe(true);
    expect(isStopped(message("a", 11), message("a", 12, { direction: "out" }))).toBe(false);
  });

  it("is not taken for one while the thread is not there", () => {
    expect(roadOf(conversation("a", { contact }), noThread, undefined, 2_000).optedOut).toBe(false);
  });
});

it("a refusal is told by what is known of the conversation", () => {
  expect(roadCode(undefined, 5)).toBeNull();
  expect(roadCode(conversation("a"), 5)).toBeNull();
  expect(roadCode(conversation("a", { can_send_until: 5 }), 5)).toBe("window_closed");
  expect(roadCode(conversation("a", { contact: { id: "c", name: null, handle: null, opted_out_at: 1, merged_into: null, labels: [], blocked_at: null } }), 5)).toBe("opted_out");
});

// Threads, pending messages and what the AI writes: the small promises that a person would notice when broken.
import { describe, expect, it } from "vitest";
import { emptyState, type Pending, type State } from "./model";
import { reduce } from "./reduce";
import { conversation, event, message, SampleServer, tenant } from "./sample";
import { liveWriting, pendingMessages } from "./select";
import { isWindowClosed, threadMessages } from "./thread";
import { writingText } from "./writing";

const base = () => reduce(emptyState, { type: "opened", conversation: "a" });
const seqs = (state: State) => threadMessages(state.threads["a"]!).map((m) => m.seq);
const turn = (id: string, state: "collecting" | "offered" = "offered", attempt = 1) => ({
  id, conversation: "a", state, first_seq: 1, last_seq: 1, count: 1, opened_at: 1, due_at: 2, attempt, supersedes: 0,
  lease_until: null, reason: null,
});

describe("a thread", () => {
  it("shows no hole while older messages are not loaded, and none is lost when they are", () => {
    const server = new SampleServer();
    for (let i = 0; i < 6; i += 1) server.write("a", "in");
    const all = server.messages.get("a")!;
    const asOf = { [tenant]: server.top };
    let state = reduce(base(), {
      type: "thread.loaded", conversation: "a", older: false, asOf, page: { messages: all.slice(3), more: true },
    });
    state = reduce(state, { type: "thread.loading", conversation: "a", older: true });
    server.touch("a", 2, { text: "edited while the page was on its way", edited_at: 9 });
    state = reduce(state, { type: "event", event: server.log.at(-1)! });
    expect(seqs(state)).toEqual([4, 5, 6]);
    state = reduce(state, {
      type: "thread.loaded", conversation: "a", older: true, asOf, page: { messages: all.slice(0, 3), more: false },
    });
    expect(seqs(state)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(threadMessages(state.threads["a"]!)[1]!.text).toBe("edited while the page was on its way");
  });

  it("shows the first message of a conversation that was empty", () => {
    let state = reduce(base(), {
      type: "thread.loaded", conversation: "a", older: false, asOf: {}, page: { messages: [], more: false },
    });
    state = reduce(state, { type: "event", event: event(1, "message.created", { message: message("a", 1) }) });
    expect(seqs(state)).toEqual([1]);
  });

  it("says that the window is closed until the customer writes", () => {
    const error = (code: string) => ({ status: "failed", error: { code, reason: "too late" } }) as const;
    const closed = (...messages: ReturnType<typeof message>[]) => isWindowClosed(reduce(base(), {
      type: "thread.loaded", conversation: "a", older: false, asOf: {}, page: { messages, more: false },
    }).threads["a"]!);
    const asked = message("a", 1);
    const late = message("a", 2, { direction: "out", ...error("window_closed") });
    const note = message("a", 3, { direction: "note" });
    expect(closed(asked)).toBe(false);
    expect(closed(asked, late, note)).toBe(true);
    expect(closed(asked, { ...late, ...error("partly_sent:window_closed") })).toBe(true);
    expect(closed(asked, { ...late, ...error("media") })).toBe(false);
    expect(closed(asked, late, message("a", 4))).toBe(false);
  });
});

describe("a message that is being sent", () => {
  const pending: Pending = {
    client_id: "c-1", conversation: "a", note: false, text: "hello", reply_to: null, created_at: 5, order: 1,
    state: "sending", reason: null,
  };

  it("is replaced by the stored one, whichever of event and answer comes first, and never shown twice", () => {
    const stored = message("a", 1, { direction: "out", client_id: "c-1", status: "queued" });
    const byEvent = { type: "event", event: event(7, "message.created", { message: stored }) } as const;
    const byAnswer = { type: "message.kept", message: stored, tenant, asOf: { [tenant]: 6 } } as const;
    for (const order of [[byEvent, byAnswer], [byAnswer, byEvent], [byEvent, byEvent]]) {
      let state = reduce({ ...base(), threads: { a: { ...base().threads["a"]!, phase: "ready" } } }, {
        type: "pending.added", pending,
      });
      expect(pendingMessages(state, "a")).toHaveLength(1);
      state = order.reduce(reduce, state);
      expect(pendingMessages(state, "a")).toEqual([]);
      expect(seqs(state)).toEqual([1]);
    }
  });

  it("keeps the later status when the answer of the send comes last", () => {
    const queued = message("a", 1, { direction: "out", client_id: "c-1", status: "queued" });
    const sent = { ...queued, status: "sent" as const };
    const ready = { ...base(), threads: { a: { ...base().threads["a"]!, phase: "ready" as const } } };
    let state = reduce(ready, { type: "event", event: event(8, "message.updated", { message: sent }) });
    state = reduce(state, { type: "message.kept", message: queued, tenant, asOf: { [tenant]: 6 } });
    expect(threadMessages(state.threads["a"]!)[0]!.status).toBe("sent");
  });
});

describe("what the AI writes", () => {
  const open = (id: string, cursor: number, attempt = 1) =>
    ({ type: "event", event: event(cursor, "turn.updated", {
      conversation: conversation("a", { turn: turn(id, "offered", attempt) }) }) }) as const;
  const delta = (id: string, index: number, text: string, attempt = 1) =>
    ({ type: "delta", conversation: "a", turn: id, attempt, index, text }) as const;
  const shown = (state: State) => {
    const writing = liveWriting(state, state.conversations.get("a")!.value);
    return writing && writingText(writing);
  };

  it("grows in order, whatever is repeated or overtakes", () => {
    const changes = [open("t", 1), delta("t", 0, "Good "), delta("t", 2, "!"), delta("t", 1, "day"), delta("t", 1, "day")];
    expect(shown(changes.reduce(reduce, base()))).toBe("Good day!");
  });

  it("starts anew with the next attempt and ignores the one before", () => {
    const changes = [open("t", 1), delta("t", 0, "Old"), delta("t", 0, "New", 2), delta("t", 1, " tail")];
    expect(shown(changes.reduce(reduce, base()))).toBe("New");
  });

  it("is gone when the turn is over, and does not come back by a late token", () => {
    const over = { type: "event", event: event(3, "turn.updated", { conversation: conversation("a") }) } as const;
    const state = [open("t", 1), delta("t", 0, "Bye"), over, delta("t", 1, "!")].reduce(reduce, base());
    expect(shown(state)).toBeNull();
  });
});

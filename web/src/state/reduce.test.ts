// Properties: however events, repetitions, snapshots and pages are mixed, the page ends where a fresh load would be.
import { describe, expect, it } from "vitest";
import type { Event } from "../api.gen";
import { asOf } from "./kept";
import { emptyState, type Change, type State } from "./model";
import { reduce } from "./reduce";
import { everything, me, random, SampleServer, tenant, visibleConversations } from "./sample";
import { unread } from "./select";
import { threadMessages } from "./thread";

const user = { id: me, email: "agent@example.com", name: "Agent", platform_role: null };
const names = ["a", "b", "c"];

function signedIn(): State {
  return reduce(emptyState, { type: "signed_in", user, tenants: [{ id: tenant, name: "Shop", role: "agent", permissions: ["read", "answer"] }] });
}

function step(server: SampleServer, roll: (below: number) => number): void {
  const id = names[roll(names.length)]!;
  const known = server.conversations.get(id);
  switch (known && known.last_seq > 0 ? roll(7) : 0) {
    case 0: case 1:
      server.write(id, "in");
      break;
    case 2:
      server.write(id, "out", `client-${server.top}`);
      break;
    case 3:
      server.touch(id, 1 + roll(known!.last_seq), { status: (["sent", "read", "failed"] as const)[roll(3)]! });
      break;
    case 4:
      server.touch(id, 1 + roll(known!.last_seq), { text: `edited at ${server.top}`, edited_at: server.top });
      break;
    case 5:
      server.own(id, { owner: (["ai", "human", "nobody"] as const)[roll(3)]!, assignee: roll(2) ? me : null });
      break;
    default:
      server.read(id);
  }
}

function asking(state: State, run = 1): State {
  return reduce(state, { type: "list.loading", query: everything, run });
}

function snapshot(server: SampleServer, run = 1): Change {
  return { type: "list.loaded", query: everything, run, first: true, page: server.page() };
}

/** An answer with the newest messages, cut at the moment of the call; applied by the caller when it "arrives". */
function newest(server: SampleServer, state: State, id: string, limit: number): Change {
  const all = server.messages.get(id) ?? [];
  const messages = all.slice(-limit);
  return {
    type: "thread.loaded", conversation: id, older: false, asOf: asOf(state),
    page: { messages, more: all.length > limit },
  };
}

function shuffle<T>(list: T[], roll: (below: number) => number): T[] {
  const out = [...list];
  for (let i = out.length - 1; i > 0; i -= 1) {
    const j = roll(i + 1);
    [out[i], out[j]] = [out[j]!, out[i]!];
  }
  return out;
}

/** What a person sees, so that stamps and held entries do not count. */
function seen(state: State) {
  return {
    rows: visibleConversations(state).map((c) => ({ ...c, unread: unread(state, c) })),
    threads: names.map((id) => threadMessages(state.threads[id] ?? reduce(state, { type: "opened", conversation: id }).threads[id]!)),
    at: state.positions[tenant]?.offset,
  };
}

function fresh(server: SampleServer): State {
  let state = reduce(asking(signedIn()), snapshot(server));
  for (const id of names) {
    state = reduce(state, { type: "opened", conversation: id });
    state = reduce(state, newest(server, state, id, 1000));
  }
  return state;
}

const play = (state: State, events: Event[]) =>
  events.reduce((s, event) => reduce(s, { type: "event", event }), state);

describe("applying events equals refetching the snapshot", () => {
  for (let seed = 1; seed <= 60; seed += 1) {
    it(`for history ${seed}`, () => {
      const roll = random(seed);
      const server = new SampleServer();
      for (const id of names) server.write(id, "in");
      for (let i = 0; i < 15; i += 1) step(server, roll);

      // The feed is open before the snapshot is read; its answer and those of the threads come late.
      let state = asking(signedIn());
      const from = roll(server.top);
      const answers: Change[] = [];
      for (const id of names) state = reduce(state, { type: "opened", conversation: id });
      const delivered: Event[] = [];
      const late = server.top;
      answers.push(snapshot(server));
      for (const id of names) answers.push(newest(server, state, id, 1000));
      for (let i = 0; i < 25; i += 1) step(server, roll);

      // Every event since the opening, some more than once, in any order, with the answers anywhere between them.
      delivered.push(...server.log.slice(Math.min(from, late)));
      for (const event of [...delivered]) if (roll(3) === 0) delivered.push(event);
      const changes: Change[] = delivered.map((event) => ({ type: "event", event }));
      state = shuffle([...changes, ...answers], roll).reduce(reduce, state);

      expect(seen(state)).toEqual(seen(fresh(server)));
    });
  }

  it("and a snapshot that is read before the feed was opened is caught up by its recovery", () => {
    const server = new SampleServer();
    server.write("a", "in");
    const before = reduce(asking(signedIn()), snapshot(server));
    server.write("a", "in");
    server.write("b", "in");
    const after = play(before, server.log.slice(before.positions[tenant]!.offset));
    expect(seen(after).rows).toEqual(seen(fresh(server)).rows);
  });
});

describe("a lost feed", () => {
  it("replaces everything by the next snapshot, even what looks newer", () => {
    const old = new SampleServer();
    for (let i = 0; i < 9; i += 1) old.write("a", "in");
    let state = play(fresh(old), old.log);
    const server = new SampleServer();
    server.write("a", "in");
    server.own("a", { owner: "human", assignee: me });
    state = reduce(state, { type: "feed.lost" });
    state = reduce(asking(state, 2), snapshot(server, 2));
    state = reduce(state, newest(server, state, "a", 1000));
    expect(visibleConversations(state)[0]).toMatchObject({ owner: "human", last_seq: 1 });
    expect(state.positions[tenant]).toEqual({ offset: 2, epoch: "e" });
  });

  it("forgets conversations that were closed meanwhile", () => {
    const server = new SampleServer();
    server.write("a", "in");
    server.write("b", "in");
    let state = reduce(fresh(server), { type: "feed.lost" });
    server.own("b", { state: "closed" });
    state = reduce(asking({ ...state, active: "a" }, 2), snapshot(server, 2));
    expect(visibleConversations(state).map((c) => c.id)).toEqual(["a"]);
  });
});

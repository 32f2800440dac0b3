// Lists and counts: whatever events, pages and answers come when, both end where a fresh load would be.
import { describe, expect, it } from "vitest";
import type { Conversation, Event } from "../api.gen";
import { currentList } from "./lists";
import { emptyState, type Change, type State } from "./model";
import { reduce } from "./reduce";
import { bucketOf, conversation, event, everything, me, random, SampleServer, tenant, visibleConversations } from "./sample";
import { listKey, views, type Query, type Sort, type View } from "./views";

const user = { id: me, email: "agent@example.com", name: "Agent", platform_role: null };
const names = Array.from({ length: 12 }, (_, index) => `c${index}`);
const companies = ["c-1", "c-2"];
const channels = ["ch-1", "ch-2"];

function signedIn(query: Query): State {
  const state = reduce(emptyState, { type: "signed_in", user, tenants: [{ id: tenant, name: "Shop", role: "agent", permissions: ["read", "answer"] }] });
  const live = reduce(state, { type: "link", link: { phase: "live" } });
  return reduce(live, { type: "filter", filter: query });
}

function act(server: SampleServer, roll: (below: number) => number): void {
  const id = names[roll(names.length)]!;
  const have = server.conversations.get(id);
  const place = { company: companies[roll(2)]!, channel: channels[roll(2)]! };
  if (!have) return void server.write(id, "in", null, place);
  switch (roll(8)) {
    case 6: return server.own(id, { labels: [["l-1"], ["l-2", "l-1"], []][roll(3)]! });
    case 0: case 1: return void server.write(id, "in");
    case 2: return void server.write(id, "out");
    case 3: return server.own(id, { owner: "ai", assignee: null });
    case 4: return server.own(id, { owner: "human", assignee: [me, "u-2", null][roll(3)]! });
    case 5: return server.own(id, { state: have.state === "open" ? "closed" : "open", waiting_since: null });
    default: return server.own(id, { owner: "nobody", assignee: null });
  }
}

/** What is on the screen: the rows down to where the list reaches, and the counts. */
const shown = (state: State) => ({ rows: visibleConversations(state), counts: state.counters.values });
const bare = (server: SampleServer, query: Query): Conversation[] =>
  server.inbox(query).map(({ my_read: _, ...one }) => one);

/** A page that reads the server at one moment and takes its answers at a later one; events come in between. */
class Reader {
  state: State;
  private runs = 0;
  private delivered = 0;
  private answers: Change[] = [];

  constructor(readonly server: SampleServer, query: Query) {
    this.state = signedIn(query);
    this.delivered = server.top;
  }

  ask(before: string | null): void {
    const query = this.state.filter;
    this.runs += 1;
    this.apply({ type: "list.loading", query, run: this.runs });
    const page = this.server.page(query, before, 3);
    this.answers.push({ type: "list.loaded", query, run: this.runs, page, first: before === null });
  }

  askCounts(): void {
    const scope = this.state.filter;
    this.answers.push({ type: "counts.loaded", scope,
      answer: { counts: this.server.counts(scope), positions: this.server.positions() } });
  }

  more(): void {
    const list = currentList(this.state);
    if (list?.phase === "ready" && list.next !== null) this.ask(list.next);
  }

  answer(): void {
    const next = this.answers.shift();
    if (next) this.apply(next);
  }

  /** The next event of the feed; `again` brings the one before once more. */
  event(again = false): void {
    if (again && this.delivered > 0) this.apply({ type: "event", event: this.server.log[this.delivered - 1]! });
    const next = this.server.log[this.delivered];
    if (!next) return;
    this.delivered += 1;
    this.apply({ type: "event", event: next });
  }

  show(change: Partial<Query>): void {
    this.apply({ type: "filter", filter: change });
    const list = currentList(this.state);
    if (!list) this.ask(null);
    else if (!this.state.counters.values) this.askCounts();
  }

  settle(): void {
    while (this.answers.length > 0) this.answer();
    while (this.delivered < this.server.top) this.event();
  }

  private apply(change: Change): void {
    this.state = reduce(this.state, change);
  }
}

describe("lists and counts that events move equal fresh ones", () => {
  for (let seed = 1; seed <= 150; seed += 1) {
    it(`for history ${seed}`, () => {
      const roll = random(seed);
      const server = new SampleServer();
      for (let i = 0; i < 12; i += 1) act(server, roll);
      const pick = (): Partial<Query> => ({
        view: views[roll(views.length)]!, sort: (["recent", "wait"] as const)[roll(2)]!,
        label: [null, null, "l-1", "l-2"][roll(4)]!,
        ...(roll(3) === 0 ? { company: [null, ...companies][roll(3)]!, channel: [null, ...channels][roll(3)]! } : {}),
      });
      const reader = new Reader(server, { ...everything, ...pick() });
      reader.ask(null);
      for (let i = 0; i < 90; i += 1) {
        switch (roll(9)) {
          case 0: case 1: case 2: act(server, roll); break;
          case 3: case 4: case 5: reader.event(roll(4) === 0); break;
          case 6: reader.answer(); break;
          case 7: reader.more(); break;
          default: if (roll(3) === 0) reader.show(pick());
        }
      }
      reader.settle();
      for (const list of Object.values(reader.state.lists)) {
        const all = bare(server, list.query);
        const rows = visibleConversations({ ...reader.state, filter: list.query });
        // All down to the reach, and all of them where there is no next page.
        expect(rows, listKey(list.query)).toEqual(all.slice(0, rows.length));
        if (list.next === null) expect(rows).toHaveLength(all.length);
      }
      expect(reader.state.counters.values).toEqual(server.counts(reader.state.filter));
      // The rest comes by pages, without a hole and without a row twice.
      for (let i = 0; i < 10; i += 1) {
        reader.more();
        reader.settle();
      }
      expect(shown(reader.state).rows).toEqual(bare(server, reader.state.filter));
    });
  }
});

function loaded(view: View, sort: Sort, list: Partial<Conversation>[], next: string | null = null): State {
  const query = { ...everything, view, sort };
  const conversations = list.map((change, index) =>
    ({ ...conversation(`c${index}`, change), my_read: { seq: 0, inbound_count: 0 } }));
  const state = reduce(signedIn(query), { type: "list.loading", query, run: 1 });
  const counts = { all: 5, mine: 1, unassigned: 2, ai: 2, waiting: 1, closed: 9 };
  const positions = { [tenant]: { offset: 10, epoch: "e" } };
  return reduce(state, { type: "list.loaded", query, run: 1, first: true, page: { conversations, next, counts, positions } });
}

const ids = (state: State) => visibleConversations(state).map((one) => one.id);
function change(id: string, cursor: number, values: Partial<Conversation>, more: Partial<Event> = {}): Change {
  const made = conversation(id, values);
  return { type: "event", event: event(cursor, "conversation.updated",
    { conversation: made, company: made.company, channel: made.channel, ...more }) };
}

describe("a list", () => {
  it("takes in what an event moves into it, and lets go of what it moves out", () => {
    let state = loaded("mine", "recent", [{ owner: "human", assignee: me, updated_at: 5 }]);
    state = reduce(state, change("new", 11, { owner: "human", assignee: me, updated_at: 7 }));
    expect(ids(state)).toEqual(["new", "c0"]);
    state = reduce(state, change("c0", 12, { owner: "human", assignee: "u-2", updated_at: 8 }));
    expect(ids(state)).toEqual(["new"]);
  });

  it("leaves what lies below its last page to the next page", () => {
    let state = loaded("all", "recent", [{ updated_at: 9 }, { updated_at: 8 }], "more");
    state = reduce(state, change("old", 11, { updated_at: 3 }));
    expect(ids(state)).toEqual(["c0", "c1"]);
    const page = { conversations: [{ ...conversation("old", { updated_at: 3 }), my_read: { seq: 0, inbound_count: 0 } }],
      next: null, counts: null, positions: { [tenant]: { offset: 11, epoch: "e" } } };
    state = reduce(state, { type: "list.loading", query: state.filter, run: 2 });
    state = reduce(state, { type: "list.loaded", query: state.filter, run: 2, first: false, page });
    expect(ids(state)).toEqual(["c0", "c1", "old"]);
  });

  it("puts the longest wait at the top, and those who do not wait below, the newest first", () => {
    let state = loaded("all", "wait", [{ waiting_since: 3 }, { waiting_since: 6 }, { updated_at: 9 }]);
    state = reduce(state, change("new", 11, { waiting_since: 5, updated_at: 20 }));
    expect(ids(state)).toEqual(["c0", "new", "c1", "c2"]);
    state = reduce(state, change("c0", 12, { updated_at: 21 }));
    expect(ids(state)).toEqual(["new", "c1", "c0", "c2"]);
  });

  it("does not bring back what a page that was read before left out", () => {
    let state = loaded("all", "recent", [{ updated_at: 9 }, { updated_at: 8 }]);
    const query = state.filter;
    state = reduce(state, { type: "list.loading", query, run: 2 });
    const page = { conversations: [], next: null, counts: null, positions: { [tenant]: { offset: 30, epoch: "e" } } };
    state = reduce(state, { type: "list.loaded", query, run: 2, first: true, page });
    expect(ids(state)).toEqual([]);
  });

  it("ignores the page of a list that was begun anew meanwhile", () => {
    let state = loaded("all", "recent", [{ updated_at: 9 }], "more");
    const query = state.filter;
    const page = (id: string, at: number) => ({ next: null, counts: null, positions: { [tenant]: { offset: 20, epoch: "e" } },
      conversations: [{ ...conversation(id, { updated_at: at }), my_read: { seq: 0, inbound_count: 0 } }] });
    state = reduce(state, { type: "list.loading", query, run: 2 });
    state = reduce(state, { type: "list.loading", query, run: 3 });
    state = reduce(state, { type: "list.loaded", query, run: 3, first: true, page: page("fresh", 12) });
    state = reduce(state, { type: "list.loaded", query, run: 2, first: false, page: page("late", 1) });
    expect(ids(state)).toEqual(["fresh"]);
  });
});

describe("counts", () => {
  const before = { state: "open", owner: "ai", assignee: null, waiting_since: null } as const;
  const standing = (values: Partial<Conversation>) => {
    const made = conversation("x", values);
    return { bucket: bucketOf(made), assignee: made.assignee };
  };
  const move = (cursor: number, from: Partial<Conversation> | null, to: Partial<Conversation>, more: Partial<Event> = {}) =>
    change("x", cursor, to, { moved: { from: from && standing(from), to: standing(to) }, ...more });

  it("are moved by events beyond their position, once", () => {
    let state = loaded("all", "recent", []);
    const mine = { owner: "human", assignee: me } as const;
    state = reduce(state, move(9, before, mine));
    expect(state.counters.values).toMatchObject({ ai: 2, mine: 1 });
    state = reduce(state, move(11, before, mine));
    state = reduce(state, move(11, before, mine));
    expect(state.counters.values).toEqual({ all: 5, mine: 2, unassigned: 2, ai: 1, waiting: 1, closed: 9 });
    state = reduce(state, move(12, mine, { ...mine, state: "closed" }));
    expect(state.counters.values).toMatchObject({ all: 4, mine: 1, closed: 10 });
    state = reduce(state, move(13, null, { owner: "nobody", waiting_since: 3 }));
    expect(state.counters.values).toMatchObject({ all: 5, unassigned: 3, waiting: 2 });
  });

  it("are not moved by what their filter leaves out", () => {
    let state = reduce(loaded("all", "recent", []), { type: "filter", filter: { channel: "ch-1" } });
    expect(state.counters.values).toBeNull();
    const answer = { counts: { all: 1, mine: 0, unassigned: 0, ai: 1, waiting: 0, closed: 0 },
      positions: { [tenant]: { offset: 10, epoch: "e" } } };
    state = reduce(state, { type: "counts.loaded", scope: state.filter, answer });
    state = reduce(state, move(11, null, before, { channel: "ch-2" }));
    expect(state.counters.values).toMatchObject({ all: 1, ai: 1 });
    state = reduce(state, move(12, null, before));
    expect(state.counters.values).toMatchObject({ all: 2, ai: 2 });
  });

  it("are unknown rather than wrong: for another filter, after a lost feed, and when too much happened meanwhile", () => {
    const state = loaded("all", "recent", []);
    const answer = { counts: state.counters.values!, positions: { [tenant]: { offset: 10, epoch: "e" } } };
    expect(reduce(state, { type: "feed.lost" }).counters.values).toBeNull();
    let other = reduce(state, { type: "filter", filter: { company: "c-2" } });
    other = reduce(other, { type: "counts.loaded", scope: state.filter, answer });
    expect(other.counters.values).toBeNull();
    let busy = state;
    for (let cursor = 11; cursor < 600; cursor += 1) busy = reduce(busy, move(cursor, null, before));
    expect(busy.counters.values).toMatchObject({ all: 594 });
    expect(reduce(busy, { type: "counts.loaded", scope: state.filter, answer }).counters.values).toBeNull();
  });
});

describe("what is kept in memory", () => {
  it("does not grow with conversations that no list holds", () => {
    let state = loaded("all", "recent", [{ updated_at: 5_000_000 }], "more");
    state = { ...state, bounds: { ...state.bounds, conversations: 300 } };
    for (let at = 1; at <= 1500; at += 1) state = reduce(state, change(`k${at}`, 10 + at, { updated_at: at }));
    expect(state.conversations.size).toBeLessThan(600);
    expect(ids(state)).toEqual(["c0"]);
  });

  it("holds a few lists only, and always the one on the screen", () => {
    let state = signedIn(everything);
    let run = 0;
    for (const view of views) {
      for (const sort of ["recent", "wait"] as const) {
        state = reduce(state, { type: "filter", filter: { view, sort } });
        state = reduce(state, { type: "list.loading", query: state.filter, run: (run += 1) });
      }
    }
    expect(Object.keys(state.lists)).toHaveLength(8);
    expect(currentList(state)).toBeDefined();
  });
});

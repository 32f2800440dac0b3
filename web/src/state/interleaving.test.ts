// Property: whatever pages, answers, events, cuts of the connection, cuts of lists and evictions come in whatever order,
// the page ends where a fresh one would be: its conversations, its read marks, its threads, every list and the counts.
import { describe, expect, it } from "vitest";
import { everything, random, SampleServer, visibleConversations } from "./sample";
import { SamplePage } from "./sample_page";
import { unread } from "./select";
import { threadMessages } from "./thread";
import { listKey, views, type Query } from "./views";

const names = Array.from({ length: 40 }, (_, index) => `c${index}`);
const companies = ["c-1", "c-2"];
const channels = ["ch-1", "ch-2"];
const sorts = ["recent", "wait"] as const;
const bounds = { conversations: 8, rows: 6, messages: 8 };
const seeds = 250;
const steps = 160;

function act(server: SampleServer, roll: (below: number) => number): void {
  // Few are busy, so that threads grow; the others come and go.
  const id = names[roll(3) === 0 ? roll(4) : roll(names.length)]!;
  const have = server.conversations.get(id);
  if (!have) return void server.write(id, "in", null, { company: companies[roll(2)]!, channel: channels[roll(2)]! });
  switch (roll(9)) {
    case 0: case 1: return void server.write(id, "in");
    case 2: return void server.write(id, "out");
    case 3: return server.own(id, { owner: "ai", assignee: null });
    case 4: return server.own(id, { owner: "human", assignee: ["u-1", "u-2", null][roll(3)]! });
    case 5: return server.own(id, { state: have.state === "open" ? "closed" : "open", waiting_since: null });
    case 6: return server.touch(id, 1 + roll(have.last_seq), { text: `edited at ${server.top}`, edited_at: server.top });
    case 7: return server.read(id);
    default: return server.own(id, { owner: "nobody", assignee: null });
  }
}

function filled(roll: (below: number) => number, count: number): SampleServer {
  const server = new SampleServer();
  for (let i = 0; i < count; i += 1) act(server, roll);
  return server;
}

function step(page: SamplePage, roll: (below: number) => number, picked: () => Partial<Query>): void {
  const id = names[roll(4)]!;
  switch (roll(19)) {
    case 0: case 1: case 2: case 3: return act(page.server, roll);
    case 4: case 5: case 6: case 7: return page.event(roll(4) === 0 ? roll(5) : null);
    case 8: case 9: return page.serve(roll);
    case 10: case 11: return page.answer(roll);
    case 12: return page.more();
    case 13: return roll(2) === 0 ? page.show(picked()) : page.apply({ type: "list.seen", depth: roll(12) });
    case 14: return page.open(roll(3) === 0 ? null : id);
    case 15: return page.askThread(page.state.active ?? id, page.state.active !== null && roll(2) === 0);
    case 16: return page.apply({ type: "thread.cut", conversation: id });
    case 17: return roll(2) === 0 ? page.askNewest() : page.askCounts();
    default:
      if (page.live) return roll(2) === 0 ? page.cut() : undefined;
      return page.resume(roll(3) > 0 ? "recovered" : roll(3) > 0 ? "gap" : filled(roll, 30));
  }
}

function equalsFresh(page: SamplePage): void {
  const { server, state } = page;
  const bare = (query: Query) => server.inbox(query).map(({ my_read: _, ...one }) => one);
  let sum = 0;
  state.conversations.forEach(({ value }, id) => {
    expect(value, id).toEqual(server.conversations.get(id));
    const mark = state.reads.get(id);
    if (mark) expect(mark, id).toMatchObject({ seq: 0, inbound_count: 0, ...server.reads.get(id) });
    if (value.state === "open") sum += unread(state, value) ?? 0;
  });
  expect(state.unread).toBe(sum);
  expect(state.counters.values).toEqual(server.counts(state.filter));
  for (const list of Object.values(state.lists)) {
    const all = bare(list.query);
    const rows = visibleConversations({ ...state, filter: list.query });
    expect(list.ids, listKey(list.query)).toHaveLength(rows.length);
    expect(rows, listKey(list.query)).toEqual(all.slice(0, rows.length));
    if (list.reach === "everything") expect(rows).toHaveLength(all.length);
  }
  for (const [id, thread] of Object.entries(state.threads)) {
    // One with a hole before it is read again when it is opened.
    if (thread.phase !== "ready") continue;
    const all = server.messages.get(id) ?? [];
    expect(threadMessages(thread), id).toEqual(all.filter((one) => one.seq >= (thread.oldest ?? 0)));
    expect(thread.more, id).toBe((thread.oldest ?? 1) > 1);
  }
}

describe("any interleaving ends where a fresh page is", () => {
  for (let seed = 1; seed <= seeds; seed += 1) {
    it(`for history ${seed}`, () => {
      const roll = random(seed);
      const picked = (): Partial<Query> => ({
        view: views[roll(views.length)]!, sort: sorts[roll(2)]!,
        ...(roll(3) === 0 ? { company: [null, ...companies][roll(3)]!, channel: [null, ...channels][roll(3)]! } : {}),
      });
      const page = new SamplePage(filled(roll, 60), { ...everything, ...picked() }, bounds);
      for (let i = 0; i < steps; i += 1) step(page, roll, picked);
      page.settle(roll);
      equalsFresh(page);
      // Every list of the server, to its end: without a hole and without a row twice.
      for (const view of views) {
        for (const sort of sorts) {
          page.show({ view, sort });
          page.apply({ type: "list.seen", depth: names.length });
          for (let i = 0; i < names.length; i += 1) {
            page.settle(roll);
            page.more();
          }
          expect(page.state.lists[listKey(page.state.filter)]!.next).toBeNull();
          equalsFresh(page);
        }
      }
      const { active } = page.state;
      for (let i = 0; active && i < 40; i += 1) {
        page.askThread(active, true);
        page.settle(roll);
      }
      equalsFresh(page);
      if (active) expect(threadMessages(page.state.threads[active]!)).toEqual(page.server.messages.get(active));
    });
  }
});

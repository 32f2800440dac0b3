// The list as a person sees it: which rows under which filter, in which order, with how much unread.
import { describe, expect, it } from "vitest";
import { emptyState, type State } from "./model";
import { reduce } from "./reduce";
import { conversation, event, me, tenant } from "./sample";
import { filterCounts, mayWrite, takesMessages, totalUnread, unread, visibleConversations } from "./select";
import type { Conversation } from "../wire";

const user = { id: me, email: "agent@example.com", name: "Agent", platform_role: null };

function inbox(list: Partial<Conversation>[], role: "agent" | "viewer" = "agent"): State {
  const start = reduce(emptyState, { type: "signed_in", user, tenants: [{ id: tenant, name: "Shop", role }] });
  return list.reduce<State>((state, change, index) => {
    const made = conversation(`c${index}`, { updated_at: index, ...change });
    return reduce(state, { type: "event", event: event(index + 1, "conversation.updated", { conversation: made }) });
  }, start);
}

const ids = (state: State) => visibleConversations(state).map((c) => c.id);
const filtered = (state: State, filter: Partial<State["filter"]>) => ids(reduce(state, { type: "filter", filter }));

describe("the list", () => {
  const state = inbox([
    { owner: "ai" },
    { owner: "human", assignee: me },
    { owner: "human", assignee: "u-2" },
    { owner: "human", assignee: null },
    { owner: "nobody", contact: { id: "k", name: "Ömer Şahin", handle: null } },
    { owner: "nobody", state: "closed" },
  ]);

  it("shows the newest activity first, and closed ones only where they are asked for", () => {
    expect(ids(state)).toEqual(["c4", "c3", "c2", "c1", "c0"]);
    expect(filtered(state, { owner: "closed" })).toEqual(["c5"]);
  });

  it("filters by who answers, and counts the same", () => {
    expect(filtered(state, { owner: "mine" })).toEqual(["c1"]);
    expect(filtered(state, { owner: "unassigned" })).toEqual(["c4", "c3"]);
    expect(filtered(state, { owner: "ai" })).toEqual(["c0"]);
    expect(filterCounts(state)).toEqual({ all: 5, mine: 1, unassigned: 2, ai: 1, closed: 1 });
  });

  it("finds names whatever their case", () => {
    expect(filtered(state, { query: " ömer ş" })).toEqual(["c4"]);
    expect(filtered(state, { query: "nobody of this name" })).toEqual([]);
  });
});

describe("unread", () => {
  it("counts customer messages since the read mark, and is not guessed when the mark is not known", () => {
    let state = inbox([{ inbound_count: 5, last_seq: 9 }, { inbound_count: 3, last_seq: 4 }]);
    const [second, first] = visibleConversations(state) as [Conversation, Conversation];
    state = reduce(state, { type: "read", conversation: first.id, mark: { seq: 4, inbound_count: 3 } });
    expect(unread(state, first)).toBe(2);
    expect(unread(state, second)).toBeNull();
    expect(totalUnread(state)).toBe(2);
  });

  it("never grows by a mark that comes late", () => {
    let state = inbox([{ inbound_count: 5, last_seq: 9 }]);
    for (const count of [5, 2]) {
      state = reduce(state, { type: "read", conversation: "c0", mark: { seq: count, inbound_count: count } });
    }
    expect(unread(state, visibleConversations(state)[0]!)).toBe(0);
  });

  it("is zero everywhere when another page of the same user has read, and not when a colleague has", () => {
    const read = { conversation: "c0", seq: 9, inbound_count: 5 };
    const start = inbox([{ inbound_count: 5, last_seq: 9 }]);
    const by = (who: string) => {
      const told = event(9, "conversation.read", { read: { ...read, user: who } });
      const state = reduce(start, { type: "event", event: told });
      return unread(state, visibleConversations(state)[0]!);
    };
    expect([by(me), by("u-2")]).toEqual([0, null]);
  });
});

describe("writing", () => {
  it("is for those who may, into what is open", () => {
    const agent = inbox([{}, { state: "closed" }]);
    expect([takesMessages(agent, "c0"), takesMessages(agent, "c1"), takesMessages(agent, "gone")]).toEqual([true, false, false]);
    expect(mayWrite(inbox([{}], "viewer"), conversation("c0"))).toBe(false);
  });
});

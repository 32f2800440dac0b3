// What a person sees of conversations: how much is unread, and what may be written.
import { describe, expect, it } from "vitest";
import { emptyState, type State } from "./model";
import { reduce } from "./reduce";
import { conversation, event, everything, me, tenant, visibleConversations } from "./sample";
import { can, mayWrite, takesMessages, totalUnread, unread } from "./select";
import type { Conversation, Permission } from "../api.gen";

const user = { id: me, email: "agent@example.com", name: "Agent", platform_role: null };

function inbox(list: Partial<Conversation>[], role: "agent" | "viewer" = "agent"): State {
  const permissions: Permission[] = role === "agent" ? ["read", "answer"] : ["read"];
  const signedIn = reduce(emptyState, { type: "signed_in", user, tenants: [{ id: tenant, name: "Shop", role, permissions }] });
  const asked = reduce(signedIn, { type: "list.loading", query: everything, run: 1 });
  const page = { conversations: [], next: null, counts: null, positions: {} };
  const start = reduce(asked, { type: "list.loaded", query: everything, run: 1, first: true, page });
  return list.reduce<State>((state, change, index) => {
    const made = conversation(`c${index}`, { updated_at: index, ...change });
    return reduce(state, { type: "event", event: event(index + 1, "conversation.updated", { conversation: made }) });
  }, start);
}

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

describe("rights", () => {
  it("are the permissions in the tenant, whatever the role is called", () => {
    const viewer = inbox([{}], "viewer");
    expect(can(viewer, tenant, "message.list")).toBe(true);
    expect(can(viewer, tenant, "message.send")).toBe(false);
    const agent = inbox([{}]);
    expect(can(agent, tenant, "message.send")).toBe(true);
    expect(can(agent, tenant, "channel.create")).toBe(false);
    expect(can(agent, "another tenant", "message.list")).toBe(false);
  });
});

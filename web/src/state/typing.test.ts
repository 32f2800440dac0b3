// "Is typing" ends with what was typed, in whatever order the two are heard of.
import { expect, it } from "vitest";
import { emptyState, type State } from "./model";
import { reduce } from "./reduce";
import { event, message } from "./sample";
import { noThread } from "./thread";
import { customer } from "./typist";

const petra = { id: "u-2", name: "Petra", at: 2_000, until: 9_000 };
const open: State = { ...emptyState, threads: { a: { ...noThread, phase: "ready" } } };
const typing = { type: "typing", conversation: "a", who: petra } as const;
const said = (created_at: number, id = "u-2") => ({
  type: "event",
  event: event(7, "message.created", { message: message("a", 3, { created_at, direction: "out", author: { kind: "manager", id, name: "x" } }) }),
} as const);
const names = (state: State) => (state.typing["a"] ?? []).map((one) => one.name);

it("ends with the message", () => expect(names([typing, said(2_500)].reduce(reduce, open))).toEqual([]));
it("does not begin after it", () => expect(names([said(2_500), typing].reduce(reduce, open))).toEqual([]));
it("goes on over somebody else's message, and over news of an older one", () => {
  expect(names([typing, said(2_500, "u-3"), said(1_500)].reduce(reduce, open))).toEqual(["Petra"]);
});
it("begins again with the next one", () => {
  expect(names([typing, said(2_500), { ...typing, who: { ...petra, at: 2_600 } }].reduce(reduce, open))).toEqual(["Petra"]);
});
it("ends when the person leaves, and by itself", () => {
  expect(names([typing, { type: "typing.left", conversation: "a", user: "u-2" } as const].reduce(reduce, open))).toEqual([]);
  expect(names([typing, { type: "typing.swept", now: 9_001 } as const].reduce(reduce, open))).toEqual([]);
});
it("of the customer ends with what the customer wrote, not with an answer", () => {
  const types = { ...typing, who: { id: customer, name: "", at: 2_000, until: 17_000 } } as const;
  const wrote = { type: "event", event: event(8, "message.created", { message: message("a", 4, { created_at: 2_600, author: { kind: "customer", id: "12025550100@c.us", name: "Mira" } }) }) } as const;
  expect((([types, said(2_500)].reduce(reduce, open)).typing["a"] ?? []).map((one) => one.id)).toEqual([customer]);
  expect(names([types, said(2_500), wrote].reduce(reduce, open))).toEqual([]);
});

// "Is typing" ends with what was typed, in whatever order the two are heard of.
import { expect, it } from "vitest";
import { emptyState, type State } from "./model";
import { reduce } from "./reduce";
import { event, message } from "./sample";
import { noThread } from "./thread";

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

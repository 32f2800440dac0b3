// Who is named beside a message: everybody but the customer after whom the conversation is called.
import { expect, it } from "vitest";
import { isSomebodyElse } from "./author";

it("names the people of a group and strangers, and not the one customer again and again", () => {
  const says = (name: string | null) => ({ kind: "customer" as const, id: "1", name });
  expect(isSomebodyElse(says("Ana"), "Lantern makers")).toBe(true);
  expect(isSomebodyElse(says("Ana"), "Ana")).toBe(false);
  expect(isSomebodyElse(says(null), "Lantern makers")).toBe(false);
  expect(isSomebodyElse({ kind: "manager", id: "2", name: "Olive" }, "Ana")).toBe(false);
});

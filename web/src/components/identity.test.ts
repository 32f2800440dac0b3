// A customer's places are told as people know them: by number or address, and merges by the names.
import { expect, it } from "vitest";
import type { Card } from "../api.gen";
import { identityWords, mergedNames } from "./identity";

const contact = (id: string, name: string | null, handle: string | null) => ({ id, name, handle, merged_into: null, labels: [], blocked_at: null, opted_out_at: null });
const card = { members: [contact("a", "Gus", "gus@example.com"), contact("b", null, "tara")], asked: [] } as unknown as Card;
const at = (contact: string, channel_kind: string, id: string, phone: string | null = null) => ({ contact, channel: "c", channel_kind, id, phone });

it("shows the address of a mail, not its thread", () => {
  expect(identityWords(card, at("a", "gmail", "1a22925a05500001"))).toBe("gus@example.com");
  expect(identityWords(card, at("x", "gmail", "1a22925a05500001"))).toBe("1a22925a05500001");
  expect(identityWords(card, at("b", "telegram", "555"))).toBe("555");
  expect(identityWords(card, at("b", "waha", "1@c.us", "+12025550100"))).toBe("+12025550100");
});

it("names who became one", () => {
  expect(mergedNames(card, { contact: "b", into: "a" })).toBe("tara + Gus");
  expect(mergedNames(card, { contact: "x", into: "a" })).toBe("Gus");
});

// The text of a place in a list is the server's: `the_text_of_a_position_is_fixed` in its `store/views.rs`.
import { expect, it } from "vitest";
import { cursorOf, placeOfCursor } from "./cursor";

it("writes and reads a place as the server does", () => {
  const id = "00000000-0000-0000-0000-000000000005";
  const place = { id, updated_at: 17, waiting_since: 9 };
  expect(cursorOf("recent", place)).toBe(`r17.${id}`);
  expect(cursorOf("wait", place)).toBe(`w9.${id}`);
  expect(cursorOf("wait", { ...place, waiting_since: null })).toBe(`r17.${id}`);
  expect(placeOfCursor(`w9.${id}`)).toEqual({ id, updated_at: 9, waiting_since: 9 });
  expect(placeOfCursor(`r17.${id}`)).toEqual({ id, updated_at: 17, waiting_since: null });
  expect(placeOfCursor("more")).toBeNull();
});

import { expect, it } from "vitest";
import { meant } from "./press";

const here = { x: 100, y: 100 };

it("a press means the row that was pressed, wherever it has gone", () => {
  expect(meant({ row: "a", at: here }, "a", here)).toBe("a");
  expect(meant({ row: "a", at: here }, "b", { x: 102, y: 99 })).toBe("a");
  expect(meant({ row: "a", at: here }, null, here)).toBe("a");
});

it("a hand that moved to another row takes the press back, and one that pressed no row opens none", () => {
  expect(meant({ row: "a", at: here }, "b", { x: 100, y: 160 })).toBeNull();
  expect(meant({ row: null, at: here }, "b", here)).toBeNull();
  expect(meant(null, "b", here)).toBe("b");
});

import { expect, it } from "vitest";
import { partitionPoint } from "./partition";

it("finds where the first part ends, whatever its length", () => {
  for (let length = 0; length < 40; length += 1) {
    for (let end = 0; end <= length; end += 1) {
      const asked: number[] = [];
      expect(partitionPoint(length, (at) => (asked.push(at), at < end))).toBe(end);
      expect(asked.every((at) => at >= 0 && at < length) && asked.length <= 6).toBe(true);
    }
  }
});

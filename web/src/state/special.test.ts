// What a message has beside words and files, whatever its data look like.
import { describe, expect, it } from "vitest";
import { message } from "./sample";
import { specialOf } from "./special";

const of = (data: unknown, direction: "in" | "out" = "out") =>
  specialOf(message("c", 1, { direction, data: data as Record<string, unknown> }));

describe("what a message has beside words", () => {
  it("is read out of its data", () => {
    expect(of({ buttons: [{ title: "M" }, { title: "" }, 7] }).buttons).toEqual(["M"]);
    expect(of({ template: { name: "ready", language: "en" } }).template).toEqual({ name: "ready", language: "en" });
    expect(of({ no_answer: "automatic" }, "in").noAnswer).toBe("automatic");
    expect(of({ no_answer: "stranger" }, "in").noAnswer).toBe("stranger");
    expect(of({ story_mention: true }, "in").story).toBe("mention");
    expect(of({ reaction_refused: { emoji: "🥝", code: "400", reason: "no" } }).reactionRefused?.emoji).toBe("🥝");
  });

  it("is nothing where the data are of another form", () => {
    for (const data of [null, {}, { buttons: "M", template: 7, no_answer: "other", reaction_refused: [] }]) {
      expect(of(data, "out")).toEqual({ buttons: [], template: null, noAnswer: null, reactionRefused: null, story: null, late: null });
    }
    expect(of({ buttons: [{ title: "M" }] }, "in").buttons).toEqual([]);
  });

  it("is late when it came long after it was written", () => {
    const came = (provider_at: number | null, data: Record<string, unknown> | null = null) =>
      specialOf(message("c", 1, { direction: "in", created_at: 10_000_000, provider_at, data })).late;
    expect(came(9_000_000)).toBe(9_000_000);
    expect(came(9_000_000, { links: [] })).toBe(9_000_000);
    expect([came(9_900_000), came(null), came(9_000_000, { no_answer: "history" })]).toEqual([null, null, null]);
  });

  it("says that a story is no longer there", () => {
    const file = (state: "ready" | "failed") =>
      ({ id: state, kind: "image", mime: null, name: null, size: null, state, error: null, url: null, thumbnail: false, width: null, height: null }) as const;
    const mention = (...states: ("ready" | "failed")[]) =>
      specialOf(message("c", 1, { data: { story_mention: true }, attachments: states.map(file) })).story;
    expect([mention("failed"), mention("ready"), mention()]).toEqual(["gone", "mention", "mention"]);
  });
});

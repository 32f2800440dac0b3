import { describe, expect, it } from "vitest";
import { RequestError } from "./problem";
import { memoryShelf } from "./shelf";
import { pageLeft, Uploads } from "./uploads";

/** A server that keeps so many bytes, and loses its connection when it is told to. */
function bench(breaks: number[] = [], refuses = false, shelf = memoryShelf()) {
  let offset = 0;
  let calls = 0;
  let deleted = 0;
  const size = 1_300_000;
  const answer = () => ({ upload: { id: "u", offset }, file: offset === size ? { id: "f" } : null });
  let number = 0;
  const uploads = new Uploads({
    request: async (method: string) => {
      if (method === "DELETE") deleted += 1;
      if (method === "POST" && refuses) throw new RequestError(400, "invalid", "at most 1 MiB are taken: make it smaller", "size");
      return answer() as never;
    },
    piece: async (_: string, from: number, bytes: Blob) => {
      calls += 1;
      if (breaks.includes(calls)) {
        // Half of it came.
        offset = from + Math.floor(bytes.size / 2);
        throw new RequestError(0, "no_answer", "no answer");
      }
      expect(from).toBe(offset);
      offset = from + bytes.size;
      return answer() as never;
    },
  }, () => `id-${(number += 1)}`, async () => undefined, shelf);
  return { uploads, file: new File([new Uint8Array(size)], "a.png", { type: "image/png" }), deleted: () => deleted };
}

async function settled(uploads: Uploads): Promise<void> {
  for (let turn = 0; turn < 200 && uploads.of("c").some((one) => one.state === "uploading" || one.state === "waiting"); turn += 1) {
    await new Promise((done) => setTimeout(done, 0));
  }
}

describe("uploads", () => {
  it("go on where they were cut", async () => {
    const { uploads, file } = bench([1, 2, 4]);
    expect(uploads.add("c", [file])).toBe(0);
    expect(uploads.take("c")).toBeNull();
    await settled(uploads);
    expect(uploads.of("c")).toMatchObject([{ state: "ready", done: 1_300_000, kind: "image" }]);
    expect(uploads.take("c")).toEqual([{ kind: "image", file: "f", name: "a.png" }]);
    expect(uploads.of("c")).toEqual([]);
  });

  it("say why the server does not take them, and end when they are cancelled", async () => {
    const { uploads, file, deleted } = bench([], true);
    uploads.add("c", [file]);
    await settled(uploads);
    expect(uploads.of("c")).toMatchObject([{ state: "failed", reason: "at most 1 MiB are taken: make it smaller" }]);
    const { id } = uploads.of("c")[0]!;
    expect([uploads.canRetry("c", id, false), uploads.canRetry("c", id, true)]).toEqual([false, true]);
    uploads.cancel("c", id);
    expect(uploads.of("c")).toEqual([]);
    expect(deleted()).toBe(0);
  });

  it("are at most ten of a message", () => {
    const { uploads, file } = bench();
    expect(uploads.add("c", Array.from({ length: 12 }, () => file))).toBe(2);
    uploads.forget();
    expect(uploads.of("c")).toEqual([]);
  });

  it("are there again after a reload, and those that were not whole say what to do", async () => {
    const shelf = memoryShelf();
    const holder = { user: "ann", installation: "i" };
    const before = bench([], false, shelf);
    before.uploads.start(holder);
    before.uploads.add("c", [before.file]);
    expect(before.uploads.isUnderWay).toBe(true);
    await settled(before.uploads);
    expect(before.uploads.isUnderWay).toBe(false);
    before.uploads.add("d", [before.file]);

    const after = bench([], false, shelf);
    after.uploads.start(holder);
    expect(after.uploads.of("c")).toMatchObject([{ state: "ready", name: "a.png", done: 1_300_000 }]);
    expect(after.uploads.take("c")).toEqual([{ kind: "image", file: "f", name: "a.png" }]);
    const [lost] = after.uploads.of("d");
    expect(lost).toMatchObject({ state: "failed", reason: pageLeft, done: 0 });
    expect(after.uploads.canRetry("d", lost!.id, false)).toBe(false);
    after.uploads.cancel("d", lost!.id);

    const once = bench([], false, shelf);
    once.uploads.start(holder);
    expect([...once.uploads.of("c"), ...once.uploads.of("d")]).toEqual([]);
    const others = bench([], false, shelf);
    after.uploads.add("c", [after.file]);
    others.uploads.start({ user: "bob", installation: "i" });
    expect(others.uploads.of("c")).toEqual([]);
  });
});

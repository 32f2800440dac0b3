// The token is renewed once for many callers, and a refused renewal ends the session instead of looping.
import { describe, expect, it } from "vitest";
import type { Session } from "../api.gen";
import { Api } from "./api";
import { ServerClock } from "./clock";

/** `users`: whose session it is at each request, if not Ann's. */
function server(options: { refresh?: number; users?: string[] } = {}) {
  const seen: string[] = [];
  let good = "token-1";
  const fetch = (async (path: string, init: RequestInit) => {
    seen.push(`${init.method} ${path}`);
    if (path === "/api/v1/session/refresh") {
      if (options.refresh) return Response.json({ detail: "sign in again", code: "refresh_reused" }, { status: options.refresh });
      good = "token-2";
      return Response.json({ access_token: good, expires_at: 2_000_000, now: 1_000_000, user: { id: options.users?.[seen.length - 1] ?? "ann" }, installation: "here" });
    }
    if (path === "/api/v1/session") {
      return Response.json({ access_token: good, expires_at: 1_000_000, now: 0, user: { id: options.users?.[seen.length - 1] ?? "ann" }, installation: "here" });
    }
    const token = new Headers(init.headers).get("authorization");
    return token === `Bearer ${good}` ? Response.json({ channels: [] }) : Response.json({ code: "expired" }, { status: 401 });
  }) as typeof globalThis.fetch;
  return { fetch, seen, spoil: () => (good = "token-2"), refreshes: () => seen.filter((s) => s.endsWith("refresh")).length };
}

/** A computer's clock that is wrong by a day, and the elapsed time that a test gives. */
const clock = (elapsed = () => 0) => new ServerClock(elapsed, () => 86_400_000);
const lock = <T>(work: () => Promise<T>) => work();

describe("the access token", () => {
  it("is renewed once, however many requests find it refused", async () => {
    const s = server();
    const api = new Api({ fetch: s.fetch, clock: clock(), lock });
    await api.signIn("agent@example.com", "secret");
    s.spoil();
    await Promise.all([api.channels(), api.channels(), api.channels()]);
    expect(s.refreshes()).toBe(1);
  });

  it("is renewed before it runs out, by the elapsed time and not by the computer's clock", async () => {
    const s = server();
    let elapsed = 0;
    const api = new Api({ fetch: s.fetch, clock: clock(() => elapsed), lock });
    await api.signIn("agent@example.com", "secret");
    elapsed = 900_000;
    await api.channels();
    expect(s.refreshes()).toBe(0);
    elapsed = 990_000;
    await api.channels();
    expect(s.seen.at(-2)).toBe("POST /api/v1/session/refresh");
  });

  it("that another tab fetched is taken, and not fetched again", async () => {
    const s = server();
    const [one, two] = [0, 1].map(() => new Api({ fetch: s.fetch, clock: clock(), lock }));
    for (const api of [one!, two!]) await api.signIn("agent@example.com", "secret");
    one!.tokens.share = (renewed) => two!.tokens.adopt(renewed);
    s.spoil();
    await one!.channels();
    await two!.channels();
    expect(s.refreshes()).toBe(1);
    expect(two!.tokens.present).toBe("token-2");
  });

  it("of another person is not taken from another tab", async () => {
    const s = server();
    const api = new Api({ fetch: s.fetch, clock: clock(), lock });
    await api.signIn("agent@example.com", "secret");
    const session = { access_token: "bobs", expires_at: 9e9, now: 0, user: { id: "bob" }, installation: "here" } as Session;
    api.tokens.adopt({ session, ageMs: 0 });
    expect(api.tokens.present).toBe("token-1");
  });

  it("ends the session when the renewal is refused", async () => {
    const s = server({ refresh: 401 });
    let expired = 0;
    const api = new Api({ fetch: s.fetch, clock: clock(), lock, onExpired: () => (expired += 1) });
    await api.signIn("agent@example.com", "secret");
    s.spoil();
    await expect(api.channels()).rejects.toMatchObject({ status: 401, code: "refresh_reused" });
    expect(expired).toBe(1);
    expect(s.refreshes()).toBe(1);
  });

  it("leaves a session alone that only could not reach the server", async () => {
    let expired = 0;
    const fetch = (() => Promise.reject(new TypeError("network"))) as typeof globalThis.fetch;
    const api = new Api({ fetch, clock: clock(), lock, onExpired: () => (expired += 1) });
    await expect(api.channels()).rejects.toMatchObject({ status: 0 });
    expect(expired).toBe(0);
  });

  it("is not taken when somebody else has signed in beside this page", async () => {
    const s = server({ users: ["ann", "ann", "bob"] });
    const codes: string[] = [];
    const api = new Api({ fetch: s.fetch, clock: clock(), lock, onExpired: (error) => codes.push(error.code) });
    await api.signIn("agent@example.com", "secret");
    s.spoil();
    await expect(api.channels()).rejects.toMatchObject({ status: 401 });
    expect(codes).toEqual(["other_holder"]);
    expect(api.tokens.present).toBe(null);
  });

  it("is asked for again when the answer breaks off, and the session goes on", async () => {
    let [asked, expired] = [0, 0];
    const broken = () => new Response(new ReadableStream({ start: (stream) => stream.error(new TypeError("network")) }));
    const good = () => Response.json({ access_token: "t", expires_at: 9e9, now: 0, user: { id: "ann" }, installation: "here" });
    const fetch = (() => Promise.resolve(++asked === 1 ? broken() : good())) as typeof globalThis.fetch;
    const api = new Api({ fetch, clock: clock(), lock, onExpired: () => (expired += 1) });
    await expect(api.tokens.fresh()).rejects.toMatchObject({ status: 0, passing: true });
    expect(await api.tokens.fresh()).toBe("t");
    expect(expired).toBe(0);
  });

  it("of an answer that comes after signing out is nobody's", async () => {
    let answer: (response: Response) => void = () => undefined;
    const fetch = (() => new Promise<Response>((done) => (answer = done))) as typeof globalThis.fetch;
    const api = new Api({ fetch, clock: clock(), lock });
    const renewal = api.tokens.fresh();
    api.tokens.forget();
    answer(Response.json({ access_token: "t", expires_at: 9e9, now: 0, user: { id: "ann" }, installation: "here" }));
    await expect(renewal).rejects.toMatchObject({ code: "signed_out" });
    expect([api.tokens.present, api.tokens.holder]).toEqual([null, null]);
  });
});

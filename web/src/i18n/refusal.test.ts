// What a person is told when something did not work: in the page's language, with what to do, and how long to wait.
import { describe, expect, it } from "vitest";
import { fromResponse, RequestError } from "../services/problem";
import { problemWords } from "../views/SignIn";
import { enRefusal } from "./en_refusal";
import { refusal } from "./refusal";
import { makeText } from "./text";

const [en, ru] = [makeText("en"), makeText("ru")];

describe("a refused message", () => {
  it("is told in the language of the page where the code is known", () => {
    const error = { code: "blocked", reason: "Forbidden: bot was blocked by the user" };
    expect(refusal(ru, error)).toMatch(/^клиент заблокировал бота/);
    expect(refusal(en, error)).toMatch(/only the customer can undo that/);
  });

  it("says that a part has arrived", () => {
    const reason = "1 of 2 parts were sent, the rest was not: too late";
    expect(refusal(en, { code: "partly_sent:window_closed", reason })).toMatch(/^one part has arrived.*wrote too long ago/);
    expect(refusal(ru, { code: "partly_sent:999", reason })).toBe(reason);
  });

  it("is told in the provider's words otherwise", () => {
    for (const code of ["400", "constructor", "toString"]) expect(refusal(ru, { code, reason: "Bad Request" })).toBe("Bad Request");
    // It is put into a sentence.
    expect(refusal(en, { code: "500", reason: "Internal error encountered." })).toBe("Internal error encountered");
  });
});

// The codes as the server's sources have them. What follows here is told in the provider's own words, which say more.
const ownWords = ["refused", "forbidden", "bad_id"];
// What happens when a channel is connected, where the form tells it.
const connecting = /\/(?:connect|sign_in|login|pair|keys|subscription)\.rs$/;
const sources = import.meta.glob<string>(["../../../adapters/src/**/*.rs", "../../../src/work/deliver/*.rs", "../../../src/work/deliver.rs"], {
  query: "?raw",
  import: "default",
  eager: true,
});

function codesOf(source: string): string[] {
  const shipped = source.split("#[cfg(test)]")[0] ?? "";
  const named = new Map([...shipped.matchAll(/const ([A-Z_]+): &str = "([a-z_]+)";/g)].map((m) => [m[1], m[2]]));
  const calls = [
    /(?:Verdict|Meaning)::\w+(?:\(\w+\))?(?:\s*\{[^}]*\})?,\s*(?:"([a-z_]+)"|([A-Z_]{4,}))\s*[,)]/g,
    /\("[^"]+", "([a-z_]+)", "/g,
    /\bconst (?:\w+_(?:CLOSED|GONE|OUT|REFUSED)): &str = "([a-z_]+)";/g,
    /\b(?:refuse|refused|rejected|fail_queued)\((?:tx, &delivery, )?\s*"([a-z_]+)"\s*,/g,
    /code(?:: |: Some\()"([a-z_]+)"\.to_owned/g,
  ];
  return calls.flatMap((call) => [...shipped.matchAll(call)].flatMap((m) => m[1] ?? named.get(m[2] ?? "") ?? []));
}

it("every code of a message that was refused has words in the languages of the page", () => {
  const files = Object.entries(sources).filter(([path]) => !connecting.test(path));
  const codes = new Set(files.flatMap(([, source]) => codesOf(source)));
  // That the sources were found, and are read.
  for (const code of ["blocked", "window_closed", "interrupted", "empty", "invalid_grant"]) expect(codes).toContain(code);
  const missing = [...codes].filter((code) => !ownWords.includes(code) && !Object.hasOwn(enRefusal, `refusal.${code}`));
  expect(missing).toEqual([]);
});

describe("a sign-in that is slowed down", () => {
  const refused = (headers: Record<string, string>) =>
    fromResponse(Response.json({ code: "too_many_attempts", detail: "too many" }, { status: 429, headers }));

  it("says how long it takes", async () => {
    expect(problemWords(en, await refused({ "retry-after": "8" }))).toBe("Too many attempts. Try again in 8 sec.");
    expect(problemWords(en, await refused({ "retry-after": "899" }))).toBe("Too many attempts. Try again in 15 min.");
    expect(problemWords(ru, await refused({ "retry-after": "61" }))).toMatch(/через 2.мин/);
  });

  it("takes a minute where nobody says", async () => {
    for (const headers of [{}, { "retry-after": "Wed, 09 Sep 2026 12:00:00 GMT" }]) {
      expect((await refused(headers)).retryAfter).toBeNull();
      expect(problemWords(en, await refused(headers))).toMatch(/1 min/);
    }
  });

  it("tells a server that has trouble from one that does not answer", () => {
    expect(problemWords(en, new RequestError(0, "no_answer", "x"))).toMatch(/does not answer/);
    for (const status of [500, 503]) expect(problemWords(en, new RequestError(status, "busy", "x"))).toMatch(/has trouble/);
  });
});

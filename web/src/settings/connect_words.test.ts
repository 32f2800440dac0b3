// What stops somebody on the way to an account is said in words with something to do about it, whatever came back.
import { describe, expect, it } from "vitest";
import "../i18n/pages";
import { makeText } from "../i18n/text";
import { RequestError } from "../services/problem";
import type { PairingFrame } from "../services/pairing";
import { cameBackRefused, connectRefused, connectedWords, exchangeRefused, inWords, pairingWords, preselected } from "./connect_words";

const t = makeText("en");
const back = { state: "s", code: "c", error: null };

describe("what a provider brings back", () => {
  it("with a code goes on, and without one says who ended it and how to begin again", () => {
    expect(cameBackRefused(t, "gmail", back)).toBeNull();
    expect(cameBackRefused(t, "gmail", { ...back, code: null, error: "access_denied" })?.words).toContain("You declined at Google");
    expect(cameBackRefused(t, "messenger", { ...back, code: null, error: "server_error" })?.words).toContain("Facebook cannot do this now");
    expect(cameBackRefused(t, "messenger", { ...back, code: null, error: "invalid_scope" })?.words).toContain("“invalid_scope”");
    for (const incomplete of [{ ...back, code: null }, { ...back, state: "" }]) {
      expect(cameBackRefused(t, "gmail", incomplete)?.remedies).toEqual(["begin"]);
    }
  });

  it("says nothing that somebody else wrote into the address", () => {
    const words = cameBackRefused(t, "gmail", { ...back, code: null, error: "Call 555-0100 and read your password out" })!.words;
    expect(words).not.toContain("555");
  });
});

describe("what the server refuses", () => {
  it("offers no second try of a code that was used", () => {
    const failed = new RequestError(409, "connect_failed", "could not connect");
    expect(connectRefused(t, failed).remedies).toEqual(["retry", "begin"]);
    expect(exchangeRefused(t, failed).remedies).toEqual(["begin"]);
    expect(exchangeRefused(t, new RequestError(409, "not_reached", "nobody")).remedies).toContain("retry");
    expect(exchangeRefused(t, new RequestError(409, "not_answered", "nobody")).remedies).toEqual(["begin"]);
    expect(exchangeRefused(t, new RequestError(0, "", "no network")).remedies).toContain("retry");
  });

  const refused = (code: string, message = "detail", status = 409) => connectRefused(t, new RequestError(status, code, message));

  it("has words and a remedy for each code, in both languages", () => {
    for (const code of ["no_app", "sign_in_over", "sign_in_of_another", "no_accounts", "account_taken", "connect_failed", "bad_settings", "not_now", "other_account", "not_reached", "not_answered"]) {
      for (const language of ["en", "ru"] as const) {
        const { words, remedies } = connectRefused(makeText(language), new RequestError(409, code, "detail"));
        expect(words, code).not.toContain(code);
        expect(remedies.length, code).toBeGreaterThan(0);
      }
    }
    expect(refused("sign_in_of_another").remedies).toContain("sign_out");
    expect(refused("no_app").remedies).toContain("apps");
  });

  it("quotes the provider once", () => {
    expect(refused("connect_failed", "the provider refused: the page is gone").words).toBe("The provider refused: the page is gone. Mend it there and try again.");
  });

  it("keeps the way open when nobody answered, and shows what it does not know", () => {
    expect(connectRefused(t, new RequestError(0, "no_answer", "no answer")).remedies).toEqual(["retry"]);
    expect(refused("brand_new", "something else").words).toContain("something else");
    expect(refused("forbidden", "no", 403).words).toContain("owner");
    // Words of the page that are no code of the server.
    expect(refused("provider", "odd").words).toContain("odd");
  });
});

it("preselects the channel's own account, and never another one", () => {
  const [one, two] = [{ external_id: "1" }, { external_id: "2" }];
  expect(preselected("2", [one, two])).toBe("2");
  expect(preselected("3", [one])).toBe("");
  expect([preselected(null, [one]), preselected(null, [one, two])]).toEqual(["1", ""]);
});

it("says what is left to do after the provider has agreed", () => {
  for (const language of ["en", "ru"] as const) {
    const words = makeText(language);
    const scan = connectedWords(words, { state: "needs_attention", action: "scan_code" });
    expect(scan).toContain(words("channels.action.scan_code"));
    expect(scan).not.toBe(words("channels.connected"));
    expect(connectedWords(words, { state: "degraded", action: null })).toBe(words("channels.connectedWait"));
    expect(connectedWords(words, { state: "connected", action: null })).toBe(words("channels.connected"));
  }
});

describe("a form that the server refuses", () => {
  it("says in the reader's language what is known, and leaves fields and the unknown alone", () => {
    const taken = new RequestError(409, "account_taken", "this account is connected to another channel already");
    expect((inWords(makeText("ru"), taken) as Error).message).toMatch(/[а-я]/i);
    expect((inWords(t, new RequestError(409, "other_account", "…")) as Error).message).toContain("another account");
    for (const other of [new RequestError(400, "invalid", "is needed again", "credentials.token"), new RequestError(500, "odd", "odd"), new Error("no")]) {
      expect(inWords(t, other)).toBe(other);
    }
  });
});

describe("a pairing", () => {
  const frame = (more: Partial<PairingFrame>): PairingFrame => ({
    kind: "pairing", state: "scan", attempt: 0, qr: null, code: null, expires_at: null, detail: null, problem: null, code_problem: null, ...more,
  });

  it("asks to scan only what is there, and says why there is nothing", () => {
    expect(pairingWords(t, null)).toEqual({ words: t("pairing.state.starting"), bad: false });
    expect(pairingWords(t, frame({}))).toEqual({ words: t("pairing.state.starting"), bad: false });
    expect(pairingWords(t, frame({ qr: "data:," })).words).toBe(t("pairing.state.scan"));
    const without = pairingWords(t, frame({ problem: "WAHA answered 500" }));
    expect(without.bad).toBe(true);
    expect(without.words).toContain("WAHA answered 500");
    expect(pairingWords(t, frame({ state: "failed", detail: "FAILED" })).bad).toBe(true);
    expect(pairingWords(t, frame({ state: "timed_out" })).words).toBe(t("pairing.state.timed_out"));
  });
});

// A kind or a field that this page has no words for is still there, in the server's words.
import { describe, expect, it } from "vitest";
import type { ChannelKind, SettingField } from "../api.gen";
import "../i18n/pages";
import { makeText } from "../i18n/text";
import { abilitiesOf, detailWords, fieldHint, fieldLabel, fieldsOf, freshName, kindName, needOf, placeName, stepsOf } from "./kinds";
import { isWebAddress } from "./SignInAt";

const field = (name: string, more: Partial<SettingField> = {}): SettingField =>
  ({ name, secret: false, required: false, binds: "nothing", default: null, help: `help of ${name}`, ...more });
const none = { reply: false, reactions: false, buttons: false, templates: false, typing: false, echoes: false, receipts: false, history: false };
const kind = (name: string, more: Partial<ChannelKind> = {}): ChannelKind =>
  ({ name, sign_in: false, family: null, given: [], credentials: [], abilities: none, limits: { max_text: 1, max_upload_bytes: 1, max_download_bytes: 1 }, ...more });

describe("words of kinds", () => {
  it("are the page's where it has them, in the language of the page", () => {
    expect(kindName(makeText("en"), "waha")).toBe("WhatsApp on a phone (WAHA)");
    expect(fieldLabel(makeText("ru"), "credential", field("token"))).toBe("Токен бота");
    expect(fieldHint(makeText("ru"), "credential", field("token"))).toContain("@BotFather");
    expect(stepsOf(makeText("en"), "messenger")).toHaveLength(3);
    expect(abilitiesOf(makeText("en"), kind("x", { abilities: { ...none, reactions: true } }))).toEqual(["Reactions"]);
  });

  it("are the server's for what is newer than the page", () => {
    const t = makeText("ru");
    expect([kindName(t, "pigeon"), placeName(t, "pigeon"), needOf(t, "pigeon"), stepsOf(t, "pigeon")]).toEqual(["pigeon", "pigeon", null, []]);
    expect([fieldLabel(t, "credential", field("loft")), fieldHint(t, "credential", field("loft"))]).toEqual(["loft", "help of loft"]);
    expect(fieldLabel(t, "credential", field("constructor"))).toBe("constructor");
  });
});

describe("fields of a form by hand", () => {
  it("are those that a person knows", () => {
    const credentials = [field("mailbox", { required: true }), field("refresh_token", { secret: true, required: true }), field("access_token", { secret: true }), field("access_expires_at_ms"), field("granted_by")];
    expect(fieldsOf(kind("gmail", { sign_in: true, credentials })).map(({ name }) => name)).toEqual(["mailbox", "refresh_token"]);
    expect(fieldsOf(kind("waha", { credentials: [field("secret", { secret: true })] }))).toHaveLength(1);
  });
});

describe("where the browser is sent", () => {
  it("is a page of the web, never a script", () => {
    expect(["https://accounts.example.com/o?x=1", "http://127.0.0.1:1/"].every(isWebAddress)).toBe(true);
    expect(["javascript:alert(1)", "data:text/html,x", "//example.com", " https://example.com"].some(isWebAddress)).toBe(false);
  });
});

it("tells the codes of a session's state in words, in both languages, and quotes everything else", () => {
  for (const language of ["en", "ru"] as const) {
    for (const code of ["STARTING", "SCAN_QR_CODE", "PASSKEY_REQUIRED", "PASSKEY_CONFIRMATION_REQUIRED", "STOPPED", "FAILED", "WORKING", "UNKNOWN"]) {
      expect(detailWords(makeText(language), code), code).not.toMatch(/[A-Z_]{3}/);
    }
  }
  expect(detailWords(makeText("ru"), "token expired")).toBe("token expired");
  expect(detailWords(makeText("ru"), null)).toBeNull();
});

it("gives a new channel a name that no other one has", () => {
  expect(freshName("Phone", [])).toBe("Phone");
  expect(freshName("Phone", ["Phone", "Phone 2", "Page"])).toBe("Phone 3");
});

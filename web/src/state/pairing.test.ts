import { expect, test } from "vitest";
import { asked, isOver, pairingChange, secondsLeft, type PairingFrame } from "./pairing";

const frame = (more: Partial<PairingFrame>): PairingFrame => ({
  kind: "pairing", state: "scan", qr: "data:image/png;base64,AA==", code: null, attempt: 1, expires_at: 61_000, detail: "SCAN_QR_CODE", ...more,
});
const after = (...frames: PairingFrame[]) => frames.reduce((now, one) => pairingChange(now, { type: "frame", frame: one }), asked);

test("the newest code is shown, and the same again changes nothing", () => {
  const first = after(frame({}));
  expect(first).toMatchObject({ phase: "scan", attempt: 1, expiresAt: 61_000 });
  expect(pairingChange(first, { type: "frame", frame: frame({}) })).toBe(first);
  const second = after(frame({}), frame({ qr: "data:image/png;base64,BB==", attempt: 2, expires_at: 81_000 }));
  expect(second).toMatchObject({ qr: "data:image/png;base64,BB==", attempt: 2, expiresAt: 81_000 });
});

test("nothing is to be scanned once it is linked, timed out or failed", () => {
  for (const state of ["connected", "timed_out", "failed"] as const) {
    const over = after(frame({}), frame({ state, qr: null, expires_at: null, detail: "why" }));
    expect(isOver(over)).toBe(true);
    expect(over.qr).toBeNull();
    expect(over.detail).toBe(state === "failed" ? "why" : null);
  }
  expect(isOver(after(frame({ state: "passkey", qr: null })))).toBe(false);
});

test("another account that is linked on the server is told apart from a refusal", () => {
  expect(pairingChange(after(frame({})), { type: "refused", busy: true, reason: "busy" })).toMatchObject({ phase: "busy", qr: null });
  expect(pairingChange(asked, { type: "refused", busy: false, reason: "no" })).toMatchObject({ phase: "refused", detail: "no" });
  expect(pairingChange(after(frame({})), { type: "asked" })).toEqual(asked);
});

test("the seconds until the next code are whole, and never below none", () => {
  expect(secondsLeft(after(frame({})), 1_500)).toBe(60);
  expect(secondsLeft(after(frame({})), 99_000)).toBe(0);
  expect(secondsLeft(after(frame({ state: "passkey", expires_at: null })), 0)).toBeNull();
});

// How a pairing of a channel's account with a phone stands, as the channel's room tells it. Pure; asks and draws nothing.
import type { RoomFrame } from "../api.gen";

export type PairingFrame = Extract<RoomFrame, { kind: "pairing" }>;

/** What the page itself knows beside the server's states: it asks, another account is before this one, it was refused. */
export type PairingPhase = PairingFrame["state"] | "asking" | "busy" | "refused";

export interface Pairing {
  phase: PairingPhase;
  qr: string | null;
  code: string | null;
  attempt: number;
  expiresAt: number | null;
  /** Why it failed or was refused. */
  detail: string | null;
}

export type PairingChange =
  | { type: "asked" }
  | { type: "frame"; frame: PairingFrame }
  | { type: "refused"; busy: boolean; reason: string };

export const asked: Pairing = { phase: "asking", qr: null, code: null, attempt: 0, expiresAt: null, detail: null };

/** Codes that the server shows in one pairing. */
export const mostCodes = 6;

/** Nothing comes any more until somebody asks again. */
export function isOver({ phase }: Pairing): boolean {
  return phase === "connected" || phase === "failed" || phase === "timed_out" || phase === "busy" || phase === "refused";
}

export function pairingChange(pairing: Pairing, change: PairingChange): Pairing {
  switch (change.type) {
    case "asked":
      return asked;
    case "refused":
      return { ...asked, phase: change.busy ? "busy" : "refused", detail: change.reason };
    case "frame": {
      const { state, qr, code, attempt, expires_at, detail } = change.frame;
      const next: Pairing = { phase: state, qr, code, attempt, expiresAt: expires_at, detail: state === "failed" ? detail : null };
      // The server repeats itself every second for those who come later.
      return same(pairing, next) ? pairing : next;
    }
  }
}

/** Whole seconds until the code is replaced; null: no code, or not known. */
export function secondsLeft({ phase, expiresAt }: Pairing, now: number): number | null {
  return phase === "scan" && expiresAt !== null ? Math.max(0, Math.ceil((expiresAt - now) / 1_000)) : null;
}

function same(one: Pairing, other: Pairing): boolean {
  return (Object.keys(one) as (keyof Pairing)[]).every((key) => one[key] === other[key]);
}

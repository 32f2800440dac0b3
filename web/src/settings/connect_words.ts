// What went wrong on the way to an account, in words that say what to do. Pure.
import type { CameBack } from "../routes/route";
import type { ChannelHealth } from "../api.gen";
import type { Text } from "../i18n/text";
import type { PairingFrame } from "../services/pairing";
import { RequestError, reasonOf } from "../services/problem";
import { kindName, known, placeName } from "./kinds";

/** What can be done about it. */
export type Remedy = "begin" | "retry" | "sign_out" | "apps" | "channels";

export interface Refused {
  words: string;
  remedies: readonly Remedy[];
}

/** A code of a provider is shown; its description is not, since anybody can write an address with any text in it. */
const codeForm = /^[a-z0-9_.-]{1,40}$/i;
const busy = ["temporarily_unavailable", "server_error"];

/** What the provider itself says in the address; `null`: there is a code to be exchanged. */
export function cameBackRefused(t: Text, kind: string, { state, code, error }: CameBack): Refused | null {
  const place = placeName(t, kind);
  if (error === "access_denied") return { words: t("connect.refused.access_denied", { place }), remedies: ["begin"] };
  if (error !== null && busy.includes(error)) return { words: t("connect.refused.provider_busy", { place }), remedies: ["begin"] };
  if (error !== null) {
    const shown = codeForm.test(error) ? error : "?";
    return { words: t("connect.refused.provider", { place, code: shown }), remedies: ["begin"] };
  }
  return state === "" || code === null ? { words: t("connect.refused.incomplete"), remedies: ["begin"] } : null;
}

const remedies: Record<string, readonly Remedy[]> = {
  no_app: ["apps", "retry"],
  sign_in_over: ["begin", "channels"],
  sign_in_of_another: ["sign_out", "begin"],
  no_accounts: ["begin"],
  account_taken: ["begin", "channels"],
  connect_failed: ["retry", "begin"],
  bad_settings: ["begin"],
  not_now: ["retry", "begin"],
  other_account: ["begin", "channels"],
  not_reached: ["retry", "begin"],
  not_answered: ["retry", "begin"],
};

/** What the server refuses. */
export function connectRefused(t: Text, error: unknown): Refused {
  const reason = reasonOf(error);
  if (!(error instanceof RequestError)) return { words: t("connect.refused.other", { reason }), remedies: ["retry"] };
  if (error.status === 0) return { words: t("connect.refused.unreachable"), remedies: ["retry"] };
  if (error.status === 403) return { words: t("connect.refused.forbidden"), remedies: ["channels"] };
  const words = known(t, `connect.refused.${error.code}`);
  if (words === null || !Object.hasOwn(remedies, error.code)) {
    return { words: t("connect.refused.other", { reason }), remedies: ["retry", "begin"] };
  }
  return { words: words.replace("{reason}", reason.replace(/^the provider (refused|cannot do this now): /, "")), remedies: remedies[error.code]! };
}

/** The same for a form, which says at its fields what concerns them. */
export function inWords(t: Text, error: unknown): unknown {
  if (!(error instanceof RequestError) || error.field !== null || !Object.hasOwn(remedies, error.code)) return error;
  return new RequestError(error.status, error.code, connectRefused(t, error).words);
}

/** What is refused in exchanging a code: the provider takes one once, so that it is of no use to try it again once it left. */
export function exchangeRefused(t: Text, error: unknown): Refused {
  const refused = connectRefused(t, error);
  if (!(error instanceof RequestError) || !["connect_failed", "not_answered", "not_now"].includes(error.code)) return refused;
  return { ...refused, remedies: refused.remedies.filter((one) => one !== "retry") };
}

/** The account that is chosen at first: the channel's own one, or the only one. Of another account nothing is chosen. */
export function preselected(own: string | null, accounts: readonly { external_id: string }[]): string {
  if (own !== null) return accounts.some((one) => one.external_id === own) ? own : "";
  return accounts.length === 1 ? accounts[0]!.external_id : "";
}

/** What is told once the provider has agreed: that it delivers, or what is left to do. */
export function connectedWords(t: Text, health: Pick<ChannelHealth, "state" | "action"> | null | undefined): string {
  if (health?.state === "connected") return t("channels.connected");
  const todo = health?.action ? known(t, `channels.action.${health.action}`) : null;
  return todo === null ? t("channels.connectedWait") : t("channels.connectedTodo", { todo });
}

/** A tick of a pairing is a second, and a call of it takes ten at most: nothing for so long, and it is over. */
export const pairingSilentMs = 45_000;

/** What is told of a pairing, and whether it is a trouble. */
export function pairingWords(t: Text, frame: PairingFrame | null): { words: string; bad: boolean } {
  if (frame === null) return { words: t("pairing.state.starting"), bad: false };
  if (frame.state === "failed") return { words: t("pairing.failed", { reason: frame.detail ?? "" }), bad: true };
  if (frame.state === "scan" && !frame.qr) {
    return frame.problem ? { words: t("pairing.noCode", { reason: frame.problem }), bad: true } : { words: t("pairing.state.starting"), bad: false };
  }
  return { words: t(`pairing.state.${frame.state}`), bad: false };
}

export const connectTitle = (t: Text, kind: string): string => t("connect.title", { kind: kindName(t, kind) });

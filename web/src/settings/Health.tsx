// How a channel is: in a word, and why with the one thing to do.
import { useText } from "../hooks/app";
import type { ChannelHealth, ChannelView } from "../api.gen";
import type { Key } from "../i18n/text";
import { detailWords } from "./kinds";

const levels = ["connected", "degraded", "needs_attention", "down"];
const causes = [
  "provider", "starting", "needs_person", "connect_failed", "account_taken", "other_account", "send_failed", "unreachable", "silent", "unconfirmed", "backlog",
  "delivery_errors", "expires", "expired", "disconnected",
];
const actions = ["scan_code", "confirm_passkey", "sign_in", "check_credentials", "connect"];

/** What the page has words for; a newer server may say more. */
function knownOf(all: string[], word: string | null | undefined): string | null {
  return word && all.includes(word) ? word : null;
}

export function Health({ channel }: { channel: ChannelView }) {
  const t = useText();
  const stopped = channel.state === "active" ? null : channel.state;
  const health = channel.health === null ? "never" : (knownOf(levels, channel.health.state) ?? "unknown");
  const words = t((stopped ? `channels.${stopped}` : `channels.health.${health}`) as Key);
  return (
    <span className="health" data-health={stopped ? "paused" : health} data-testid="channel-health">
      <span aria-hidden="true">{stopped ? "❚❚" : health === "connected" ? "✓" : health === "unknown" || health === "never" ? "?" : "!"}</span> {words}
    </span>
  );
}

type Told = Pick<ChannelHealth, "code" | "detail" | "action">;

/** Whether there is anything to be told of why. */
export const hasCause = ({ code, detail }: Told): boolean => knownOf(causes, code) !== null || Boolean(detail);

/** Why, in words, with the provider's own ones behind; its codes of a state are told in ours. */
export function Cause({ health }: { health: Told }) {
  const t = useText();
  const cause = knownOf(causes, health.code);
  const detail = detailWords(t, health.detail);
  return (
    <span className="health-cause" data-testid="health-cause">
      {cause && t(`channels.cause.${cause}` as Key)}
      {cause && detail && ": "}
      {detail && <span dir="auto" data-testid="health-detail">{detail}</span>}
      {!cause && !detail && "—"}
    </span>
  );
}

export function ToDo({ health }: { health: Told }) {
  const t = useText();
  const action = knownOf(actions, health.action);
  return action && <strong className="health-action" data-testid="health-action">{t(`channels.action.${action}` as Key)}</strong>;
}

// How a channel is, in a word: paused, or what its health says.
import { useText } from "../hooks/app";
import type { ChannelView } from "../api.gen";
import type { Key } from "../i18n/text";

const known = ["ok", "degraded", "down"];

export function Health({ channel }: { channel: ChannelView }) {
  const t = useText();
  const paused = channel.state === "disabled";
  const health = channel.health && known.includes(channel.health.state) ? channel.health.state : "unknown";
  const words = t(paused ? "channels.disabled" : (`channels.health.${health}` as Key));
  return (
    <span className="health" data-health={paused ? "paused" : health} data-testid="channel-health">
      <span aria-hidden="true">{paused ? "❚❚" : health === "ok" ? "✓" : health === "unknown" ? "?" : "!"}</span> {words}
    </span>
  );
}

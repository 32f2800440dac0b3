// Reactions under a message, the same ones counted together.
import { useText } from "../hooks/app";
import type { Message } from "../wire";

export function Reactions({ reactions }: { reactions: Message["reactions"] }) {
  const t = useText();
  const counts = new Map<string, number>();
  for (const { emoji } of reactions) counts.set(emoji, (counts.get(emoji) ?? 0) + 1);
  const list = [...counts].map(([emoji, count]) => (count > 1 ? `${emoji} ${count}` : emoji));
  return (
    <p className="reactions" data-testid="reactions">
      <span className="unseen">{t("message.reactions", { list: list.join(", ") })}</span>
      {list.map((one) => <span key={one} aria-hidden="true">{one}</span>)}
    </p>
  );
}

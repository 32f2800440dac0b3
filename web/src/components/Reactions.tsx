// Reactions under a message, the same ones counted together.
import { useText } from "../hooks/app";
import type { Message } from "../api.gen";

export function Reactions({ reactions }: { reactions: Message["reactions"] }) {
  const t = useText();
  const counts = new Map<string, { emoji: string; count: number }>();
  for (const { emoji, custom } of reactions) {
    // Two pictures may have the same stand-in.
    const key = custom ?? emoji;
    counts.set(key, { emoji, count: (counts.get(key)?.count ?? 0) + 1 });
  }
  const list = [...counts.values()].map(({ emoji, count }) => (count > 1 ? `${emoji} ${count}` : emoji));
  return (
    <p className="reactions" data-testid="reactions">
      <span className="unseen">{t("message.reactions", { list: list.join(", ") })}</span>
      {list.map((one, at) => <span key={at} aria-hidden="true">{one}</span>)}
    </p>
  );
}

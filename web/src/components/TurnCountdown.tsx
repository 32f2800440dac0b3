// How long the customer may go on writing before the AI answers, by the clock of the server.
import { useNow, useText } from "../hooks/app";
import type { Turn } from "../api.gen";

export function TurnCountdown({ turn, writing, paused }: { turn: Turn; writing: boolean; paused: boolean }) {
  const t = useText();
  const now = useNow(200);
  const collecting = turn.state === "collecting";
  const seconds = Math.max(0, Math.ceil((turn.due_at - now) / 1000));
  const title = paused ? t("turn.paused")
    : !collecting ? t(writing ? "turn.writing" : "turn.offered") : seconds > 0 ? t("turn.answers", { seconds }) : t("turn.soon");
  const detail = t("turn.gathered", { count: turn.count });
  return (
    <p data-testid="turn-countdown" data-turn-state={turn.state} role="timer" aria-live="off">
      <strong className="figures">{title}</strong>
      <span>{turn.attempt > 1 ? `${detail} · ${t("turn.attempt", { count: turn.attempt })}` : detail}</span>
    </p>
  );
}

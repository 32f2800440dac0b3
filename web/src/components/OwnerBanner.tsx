// The strip above the composer: who answers this conversation and why, and what one can do about it.
// While a turn is open the countdown stands in the same place, so nothing jumps.
import { useApp, usePick, useText } from "../hooks/app";
import { channelOf, colleague, liveWriting, mayWrite } from "../state/select";
import type { Verb } from "../services/desk";
import type { Conversation } from "../api.gen";
import { PersonIcon, SparkIcon, WaitIcon } from "./Icons";
import { TurnCountdown } from "./TurnCountdown";

/** The reasons that the server gives by itself; those of an AI worker come in its own words. */
const reasons = {
  no_responder: "reason.no_responder",
  responder_failed: "reason.responder_failed",
  answer_limit: "reason.answer_limit",
  backlog: "reason.backlog",
  silence_over: "reason.silence_over",
  unreadable: "reason.unreadable",
  window_closed: "reason.window_closed",
  opted_out: "reason.opted_out",
  opted_in: "reason.opted_in",
} as const;

export function OwnerBanner({ conversation }: { conversation: Conversation }) {
  const t = useText();
  const { desk } = useApp();
  const me = usePick((state) => state.session.user?.id);
  const allowed = usePick((state) => mayWrite(state, conversation));
  const assignee = usePick((state) => colleague(state, conversation, conversation.assignee));
  const writing = usePick((state) => liveWriting(state, conversation) !== null);
  const stopped = usePick((state) => channelOf(state, conversation)?.state === "disabled");
  const { id, owner, state, turn } = conversation;
  // What was the reason then is not so any more.
  const isLifted = conversation.handoff_reason === "opted_out" && !conversation.contact.opted_out_at;
  const reason = isLifted ? "opted_in" : conversation.handoff_reason;
  const closed = state === "closed";
  const mine = owner === "human" && conversation.assignee === me;
  const open = !closed && owner === "ai" && turn !== null && (turn.state === "collecting" || turn.state === "offered");
  const paused = turn?.reason === "channel_paused" || stopped;
  const Icon = owner === "ai" ? SparkIcon : owner === "human" ? PersonIcon : WaitIcon;

  function title(): string {
    if (closed) return t("banner.closed");
    if (owner === "ai") return t("banner.ai");
    if (owner === "nobody") return t("banner.nobody");
    if (mine) return t("banner.me");
    return assignee ? t("banner.person", { name: assignee.name }) : t("banner.someone");
  }

  function hint(): string | null {
    if (closed) return null;
    if (reason) return t("banner.reason", { reason: reason in reasons ? t(reasons[reason as keyof typeof reasons]) : reason });
    if (!allowed) return null;
    return owner === "ai" ? t("banner.aiHint") : owner === "nobody" ? t("banner.nobodyHint") : null;
  }

  const button = (verb: Verb, words: string, testId: string, primary: boolean) => (
    <button type="button" className={primary ? "primary" : ""} data-testid={testId} onClick={() => desk.act(id, verb)}>
      {words}
    </button>
  );
  return (
    <div className={`strip strip-${closed ? "closed" : owner}`} data-testid="owner-banner" data-owner={owner} role="group" aria-label={title()}>
      <span className="strip-icon"><Icon size={18} /></span>
      <div className="strip-words">
        {open ? <TurnCountdown turn={turn} writing={writing} paused={paused} /> : (
          <p role="status">
            <strong>{title()}</strong>
            {hint() && <span>{hint()}</span>}
          </p>
        )}
      </div>
      {allowed && (
        <div className="strip-acts">
          {open && turn.state === "collecting" && !paused && (
            <button type="button" data-testid="answer-now" onClick={() => void desk.answerNow(id)}>{t("turn.now")}</button>
          )}
          {closed ? button("reopen", t("act.reopen"), "strip-reopen", true) : (
            <>
              {owner !== "ai" && button("hand_back", t("act.handBack"), "hand-back", false)}
              {!mine && button("take_over", t("act.takeOver"), "take-over", owner === "nobody")}
            </>
          )}
        </div>
      )}
    </div>
  );
}

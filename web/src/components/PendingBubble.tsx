// A message of this page that the server has not confirmed yet, or has refused.
import { useApp, usePick, useText } from "../hooks/app";
import { reasonWords } from "../i18n/refusal";
import type { Pending } from "../state/model";
import type { Message } from "../api.gen";
import { FileIcon, NoteIcon } from "./Icons";
import { Quote } from "./Quote";
import { RichText } from "./RichText";
import { StatusTicks } from "./StatusTicks";

/** Characters of a message that was never stored: a paste can be as long as anything, and takes seconds to lay out. */
const drawn = 4_000;

interface Props {
  pending: Pending;
  quoted: Message | null;
  joined: boolean;
  onQuote: (message: Message) => void;
}

export function PendingBubble({ pending, quoted, joined, onQuote }: Props) {
  const t = useText();
  const { desk } = useApp();
  const me = usePick((state) => state.session.user?.id ?? null);
  const failed = pending.state === "failed";
  const direction = pending.note ? "note" : "out";
  const status = failed ? "failed" : pending.state === "waiting" ? "waiting" : "sending";
  return (
    <article className={`message ${direction} by-manager pending`} data-testid="message" data-seq=""
      data-direction={direction} data-status={status} data-pending="true" data-joined={joined}>
      {!joined && <p className="message-author">{t("author.you")}</p>}
      <div className="message-line">
        <div className="bubble" data-problem={failed}>
          {pending.note && <p className="note-mark"><NoteIcon /> {t("message.note")}</p>}
          {pending.reply_to && <Quote message={quoted} me={me} onGo={onQuote} />}
          {pending.files?.map(({ file, name }) => (
            <p key={file} className="file" data-state="pending"><FileIcon /><span><strong dir="auto">{name}</strong></span></p>
          ))}
          <RichText text={pending.text.length > drawn ? `${pending.text.slice(0, drawn)}…` : pending.text} />
          {pending.template && <p className="special">{t("message.template", { name: pending.template.name, language: pending.template.language })}</p>}
          <p className="message-meta">
            <time>{t.time(pending.created_at)}</time>
            <StatusTicks status={status} />
          </p>
        </div>
      </div>
      {failed && (
        <div className="problem" role="alert">
          <p>{pending.reason ? t("message.failed", { reason: reasonWords(t, pending.reason) }) : t("message.failedPlain")}</p>
          <p className="problem-acts">
            <button type="button" className="small" onClick={() => desk.retry(pending)}>{t("message.retry")}</button>
            {!pending.template && !pending.files && <button type="button" className="small" data-testid="pending-edit" onClick={() => desk.edit(pending)}>{t("message.edit")}</button>}
            <button type="button" className="small" onClick={() => desk.discard(pending)}>{t("message.discard")}</button>
          </p>
        </div>
      )}
    </article>
  );
}

// One stored message: who, what, when, how far it got, and what can be done with it.
import { memo } from "react";
import { usePickOf, useText } from "../hooks/app";
import { refusal } from "../i18n/refusal";
import type { Message } from "../api.gen";
import { contextOf } from "../state/context";
import { authorName, isSomebodyElse } from "./author";
import { ContextBefore, LinkList } from "./Context";
import { MessageActions } from "./MessageActions";
import { MessageBody } from "./MessageBody";
import { MessageProblem } from "./MessageProblem";
import { NoteIcon, SparkIcon } from "./Icons";
import { Quote } from "./Quote";
import { Reactions } from "./Reactions";
import { SpecialParts } from "./SpecialParts";
import { StatusTicks } from "./StatusTicks";
import { SystemMessage } from "./SystemMessage";

interface Props {
  message: Message;
  quoted: Message | null;
  /** The name of the customer of the conversation: who is called otherwise is named. */
  customer: string | null;
  /** Follows a message of the same author closely, so the name is not said again. */
  joined: boolean;
  onQuote: (message: Message) => void;
}

export const MessageBubble = memo(function MessageBubble({ message, quoted, customer, joined, onQuote }: Props) {
  const t = useText();
  const me = usePickOf(message.conversation, (state) => state.session.user?.id ?? null);
  const { direction, author, status } = message;
  const deleted = message.deleted_at !== null;
  const waits = !deleted && status === "queued" ? message.error : null;
  const problem = !deleted && (status === "failed" || status === "unknown");
  if (author.kind === "system" && direction !== "in") return <SystemMessage message={message} />;
  return (
    <article
      className={`message ${direction} by-${author.kind}`} data-joined={joined} data-album={typeof message.data?.["media_group_id"] === "string"} data-testid="message"
      data-seq={message.seq} data-direction={direction} data-status={status} data-message-id={message.id}
    >
      {!joined && (
        <p className={author.kind === "customer" && !isSomebodyElse(author, customer) ? "unseen" : "message-author"}>
          {author.kind === "responder" && <SparkIcon size={13} />}
          <span dir="auto">{message.data?.["automatic"] === true ? t(direction === "in" ? "author.machine" : "author.automatic") : authorName(t, author, me)}</span>
        </p>
      )}
      <div className="message-line">
        <div className="bubble" data-problem={problem}>
          {direction === "note" && <p className="note-mark"><NoteIcon /> {t("message.note")}</p>}
          <ContextBefore message={message} quotes={quoted !== null} />
          {message.reply_to && (quoted !== null || !contextOf(message).quoted) && <Quote message={quoted} me={me} onGo={onQuote} />}
          <MessageBody message={message} />
          <LinkList message={message} />
          <SpecialParts message={message} />
          <p className="message-meta">
            {message.edited_at !== null && !deleted && <span title={t.full(message.edited_at)}>{t("message.edited")}</span>}
            <time dateTime={new Date(message.created_at).toISOString()} title={t.full(message.created_at)}>{t.time(message.created_at)}</time>
            {direction === "out" && !deleted && <StatusTicks status={status} />}
          </p>
        </div>
        {!deleted && <MessageActions message={message} />}
      </div>
      {message.reactions.length > 0 && <Reactions reactions={message.reactions} />}
      {waits && (
        <p className="message-waits" data-testid="message-waits" title={waits.reason}>
          {t("message.waits", { reason: refusal(t, waits) })}
        </p>
      )}
      {problem && <MessageProblem message={message} />}
    </article>
  );
});

// One conversation in the list: who, what last, when, how much is unread, and who answers.
import { memo } from "react";
import { usePickOf, useText } from "../hooks/app";
import { kindKey, type Text } from "../i18n/text";
import { colleague, conversationOf, displayName, liveWriting, unread } from "../state/select";
import type { State } from "../state/model";
import { asWished } from "../state/pending";
import type { Conversation } from "../api.gen";
import { authorName, isSomebodyElse } from "./author";
import { Avatar } from "./Avatar";
import { PlaceMark } from "./Context";
import { LabelMarks } from "./LabelMarks";
import { OwnerBadge } from "./OwnerBadge";
import { SourceMark } from "./SourceMark";

interface Props {
  id: string;
  now: number;
  /** The order of the list is how long customers wait, so it is said. */
  byWait: boolean;
}

export const ConversationRow = memo(function ConversationRow({ id, now, byWait }: Props) {
  const conversation = usePickOf(id, (state) => {
    const known = conversationOf(state, id);
    return known && asWished(state, known);
  });
  return conversation ? <Row conversation={conversation} now={now} byWait={byWait} /> : null;
});

function Row({ conversation, now, byWait }: { conversation: Conversation; now: number; byWait: boolean }) {
  const t = useText();
  const { id } = conversation;
  const me = usePickOf(id, (state) => state.session.user?.id ?? null);
  const active = usePickOf(id, (state) => state.active === id);
  const count = usePickOf(id, (state) => unread(state, conversation));
  const writing = usePickOf(id, (state) => liveWriting(state, conversation) !== null);
  const waiting = usePickOf(id, (state) => state.pending.some((p) => p.conversation === id && p.state !== "sending"));
  const draft = usePickOf(id, (state) => draftOf(state, id));
  const name = displayName(conversation);
  const owner = usePickOf(id, (state) => colleague(state, conversation, conversation.assignee)?.name ?? null);
  const assignee = conversation.assignee !== null && conversation.assignee === me ? t("owner.me") : owner;
  const at = conversation.last_message?.at ?? conversation.updated_at;
  const waits = byWait && conversation.waiting_since !== null
    ? t("list.waits", { time: t.span(now - conversation.waiting_since) }) : null;
  const fresh = count !== 0;
  const last = conversation.last_message?.problem;
  const problem = last === "failed" || last === "unknown" ? last : null;
  return (
    <a
      className="row" href={`#/c/${conversation.id}`} aria-current={active ? "true" : undefined}
      data-testid="conversation-row" data-conversation-id={conversation.id} data-unread={fresh} data-owner={conversation.owner}
    >
      <Avatar id={conversation.contact.id} name={name} channel={conversation.channel_kind} />
      <span className="row-main">
        <span className="row-top">
          <span className="row-name" dir="auto">{name}</span>
          <PlaceMark conversation={conversation} />
          <SourceMark conversation={conversation} />
          <LabelMarks conversation={conversation} />
          <span className="unseen">{t(kindKey(conversation.channel_kind))}</span>
          {waits !== null && conversation.waiting_since !== null
            ? <time className="row-when row-waits" title={t.full(conversation.waiting_since)} data-testid="waits">{waits}</time>
            : <time className="row-when" title={t.full(at)}>{t.short(at, now)}</time>}
        </span>
        <span className="row-bottom">
          <span className="row-text" dir="auto">
            {writing ? <em className="row-writing">{t("list.aiWriting")}</em>
              : waiting ? <em className="row-draft">{t("list.waitingSend")}</em>
              : problem ? <><em className="row-problem" data-testid="row-problem">{t(`status.${problem}`)}:</em> {snippet(t, conversation, me)}</>
              : draft ? <><em className="row-draft">{t("list.draft")}</em> {draft}</>
              : snippet(t, conversation, me)}
          </span>
          {fresh && (
            <span className="badge" data-testid="unread">
              <span aria-hidden="true">{count === null ? "" : count > 99 ? "99+" : count}</span>
              <span className="unseen">{count === null ? t("list.unreadSome") : t("list.unread", { count })}</span>
            </span>
          )}
          <OwnerBadge owner={conversation.owner} name={assignee} />
        </span>
      </span>
    </a>
  );
}

/** What is being written, unless it is on the screen beside. */
function draftOf(state: State, id: string): string {
  const draft = state.drafts[id];
  return draft && !draft.note && state.active !== id ? draft.text.trim() : "";
}

function snippet(t: Text, { last_message: last, contact }: Conversation, me: string | null): string {
  if (!last) return "";
  const text = last.text ?? t(`kind.${last.kind}`);
  if (last.direction === "in") return isSomebodyElse(last.author, contact.name) ? `${last.author.name}: ${text}` : text;
  if (last.author.kind === "responder") return `${t("author.ai")}: ${text}`;
  return last.author.kind === "system" && last.direction === "note" ? text : `${authorName(t, last.author, me)}: ${text}`;
}

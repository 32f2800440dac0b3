// One conversation in the list: who, what last, when, how much is unread, and who answers.
import { memo } from "react";
import { usePick, useText } from "../hooks/app";
import { kindKey, type Text } from "../i18n/text";
import { displayName } from "../state/select";
import type { Conversation } from "../api.gen";
import { authorName } from "./author";
import { Avatar } from "./Avatar";
import { PlaceMark } from "./Context";
import { OwnerBadge } from "./OwnerBadge";

interface Props {
  conversation: Conversation;
  active: boolean;
  unread: number | null;
  when: string;
  /** How long the customer waits, where that is the order of the list. */
  waits: string | null;
  assignee: string | null;
  draft: string;
  writing: boolean;
  waiting: boolean;
}

export const ConversationRow = memo(function ConversationRow(props: Props) {
  const { conversation, active, unread, when, waits, assignee, draft, writing, waiting } = props;
  const t = useText();
  const me = usePick((state) => state.session.user?.id ?? null);
  const name = displayName(conversation);
  const at = conversation.last_message?.at ?? conversation.updated_at;
  const fresh = unread !== 0;
  return (
    <li>
      <a
        className="row" href={`#/c/${conversation.id}`} aria-current={active ? "true" : undefined}
        data-testid="conversation-row" data-conversation-id={conversation.id} data-unread={fresh} data-owner={conversation.owner}
      >
        <Avatar id={conversation.contact.id} name={name} channel={conversation.channel_kind} />
        <span className="row-main">
          <span className="row-top">
            <span className="row-name" dir="auto">{name}</span>
            <PlaceMark conversation={conversation} />
            <span className="unseen">{t(kindKey(conversation.channel_kind))}</span>
            {waits !== null && conversation.waiting_since !== null
              ? <time className="row-when row-waits" title={t.full(conversation.waiting_since)} data-testid="waits">{waits}</time>
              : <time className="row-when" title={t.full(at)}>{when}</time>}
          </span>
          <span className="row-bottom">
            <span className="row-text" dir="auto">
              {writing ? <em className="row-writing">{t("list.aiWriting")}</em>
                : waiting ? <em className="row-draft">{t("list.waitingSend")}</em>
                : draft ? <><em className="row-draft">{t("list.draft")}</em> {draft}</>
                : snippet(t, conversation, me)}
            </span>
            {fresh && (
              <span className="badge" data-testid="unread">
                <span aria-hidden="true">{unread === null ? "" : unread > 99 ? "99+" : unread}</span>
                <span className="unseen">{unread === null ? t("list.unreadSome") : t("list.unread", { count: unread })}</span>
              </span>
            )}
            <OwnerBadge owner={conversation.owner} name={assignee} />
          </span>
        </span>
      </a>
    </li>
  );
});

function snippet(t: Text, { last_message: last }: Conversation, me: string | null): string {
  if (!last) return "";
  const text = last.text ?? t(`kind.${last.kind}`);
  if (last.direction === "in") return text;
  if (last.author.kind === "responder") return `${t("author.ai")}: ${text}`;
  return last.author.kind === "system" ? text : `${authorName(t, last.author, me)}: ${text}`;
}

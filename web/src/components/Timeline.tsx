// The messages of a thread in order, with days between them, what is still being sent, what the AI is writing, and that the customer types.
import { Fragment, useCallback, useEffect, useMemo, useRef } from "react";
import { useApp, useNow, usePick, usePickOf, useText } from "../hooks/app";
import { useTimeline } from "../hooks/timeline";
import { daysBetween } from "../i18n/text";
import { displayName, liveWriting, pendingMessages } from "../state/select";
import type { Thread } from "../state/model";
import { threadMessages } from "../state/thread";
import type { Conversation, Message } from "../api.gen";
import { Announcer } from "./Announcer";
import { DownIcon } from "./Icons";
import { MessageBubble } from "./MessageBubble";
import { PendingBubble } from "./PendingBubble";
import { CustomerTyping } from "./Presence";
import { WritingBubble } from "./WritingBubble";

const apart = { contain: "layout paint" } as const;
const groupMs = 5 * 60_000;

export function Timeline({ conversation, thread }: { conversation: Conversation; thread: Thread }) {
  const t = useText();
  const { store, desk, loader } = useApp();
  const id = conversation.id;
  const messages = threadMessages(thread);
  const pending = usePickOf(id, (state) => pendingMessages(state, id));
  const writing = usePickOf(id, (state) => liveWriting(state, conversation));
  const readSeq = usePickOf(id, (state) => state.reads.get(id)?.seq ?? null);
  const live = usePick((state) => state.link.phase === "live");
  const now = useNow(60_000);
  const loadOlder = useCallback(() => void loader.thread(id, true), [loader, id]);
  const { scroller, content, away, places, onScroll, toLatest, toMessage } =
    useTimeline(thread.order, thread.more && !thread.error, loadOlder);
  const [begin, end] = places;
  const drawn = messages.slice(begin, end);
  const quotes = drawn.some((m) => m.reply_to !== null) || pending.some((p) => p.reply_to !== null);
  const byId = useMemo(() => new Map(quotes ? messages.map((m) => [m.id, m]) : []), [messages, quotes]);
  const toQuoted = useRef(toMessage);
  toQuoted.current = toMessage;
  const onQuote = useCallback((message: Message) => toQuoted.current(message.seq), []);

  // The line "new" stays where it was when the thread was opened.
  const opened = useRef({ read: store.get().reads.get(id)?.seq ?? 0, last: conversation.last_seq }).current;
  const newFrom = useMemo(() => (opened.read === 0 ? null
    : messages.find((m) => m.seq > opened.read && m.seq <= opened.last && m.direction === "in")?.seq ?? null), [messages, opened]);

  useEffect(() => {
    const see = () => {
      if (!away && document.visibilityState === "visible") desk.read(conversation);
    };
    see();
    document.addEventListener("visibilitychange", see);
    return () => document.removeEventListener("visibilitychange", see);
  }, [desk, conversation, away, live]);

  // Whoever looks at the end needs only the end.
  const long = !away && messages.length > store.get().bounds.messages;
  useEffect(() => {
    if (long) store.apply({ type: "thread.cut", conversation: id });
  }, [store, id, long]);

  const mineSent = pending.length;
  useEffect(() => {
    if (mineSent > 0) toLatest();
  }, [mineSent, toLatest]);

  const below = away && readSeq !== null ? newSince(messages, readSeq) : 0;
  return (
    <div className="timeline-frame">
      <div className="timeline" style={apart} ref={scroller} onScroll={onScroll} tabIndex={0} aria-label={t("thread.label", { name: conversation.contact.name ?? "" })} role="log" aria-live="off">
        <div className="timeline-content" ref={content}>
          <p className="timeline-start">
            {begin > 0 ? "\u00a0" : thread.loadingOlder ? t("thread.older")
              : thread.error ? <button type="button" className="small" onClick={loadOlder}>{t("try.again")}</button>
              : thread.more ? "\u00a0" : messages.length > 0 ? t("thread.start") : t("thread.empty")}
          </p>
          {drawn.map((message, index) => {
            const before = messages[begin + index - 1];
            const newDay = !before || daysBetween(before.created_at, message.created_at) !== 0;
            const marked = message.seq === newFrom;
            return (
              <Fragment key={message.client_id ?? message.id}>
                {newDay && <h3 className="day"><span>{t.day(message.created_at, now)}</span></h3>}
                {marked && <p className="new-line"><span>{t("list.unreadSome")}</span></p>}
                <MessageBubble message={message} onQuote={onQuote} customer={conversation.contact.name} joined={!newDay && !marked && joins(before, message)}
                  quoted={message.reply_to ? (byId.get(message.reply_to) ?? null) : null} />
              </Fragment>
            );
          })}
          <CustomerTyping conversation={id} name={displayName(conversation)} />
          {writing && <WritingBubble writing={writing} />}
          {pending.map((one, index) => (
            <PendingBubble key={one.client_id} pending={one} onQuote={onQuote} quoted={one.reply_to ? (byId.get(one.reply_to) ?? null) : null}
              joined={index > 0 && pending[index - 1]?.note === one.note} />
          ))}
        </div>
      </div>
      {away && (
        <button type="button" className="latest" onClick={toLatest} data-testid="jump-to-latest">
          <DownIcon />
          {below > 0 ? t("thread.new", { count: below }) : t("thread.latest")}
        </button>
      )}
      <Announcer messages={messages} />
    </div>
  );
}

function newSince(messages: readonly Message[], seq: number): number {
  let count = 0;
  for (let at = messages.length - 1; at >= 0 && messages[at]!.seq > seq; at -= 1) if (messages[at]!.direction === "in") count += 1;
  return count;
}

function joins(before: Message | undefined, message: Message): boolean {
  return before !== undefined && before.direction === message.direction && before.author.kind === message.author.kind
    && before.author.id === message.author.id && message.created_at - before.created_at < groupMs;
}

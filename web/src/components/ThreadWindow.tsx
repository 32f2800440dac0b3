// A thread around the message of a link, which is marked. Newer and older ones come as one scrolls; the button leads to
// the newest ones, where the thread is live.
import { Fragment, useCallback, useEffect, useMemo, useRef, useSyncExternalStore } from "react";
import { useApp, useNow, usePick, useText } from "../hooks/app";
import { useMessageWindow } from "../hooks/window";
import { daysBetween } from "../i18n/text";
import { format, inbox } from "../routes/route";
import { pendingMessages } from "../state/select";
import type { Conversation, Message } from "../api.gen";
import { Empty } from "./Empty";
import { DownIcon } from "./Icons";
import { MessageBubble } from "./MessageBubble";

export function ThreadWindow({ conversation, seq }: { conversation: Conversation; seq: number }) {
  const t = useText();
  const { router, store, desk } = useApp();
  const { id, last_seq: lastSeq } = conversation;
  const { shown, extend, again } = useMessageWindow(id, seq);
  const kept = usePick((state) => state.threads[id]?.messages);
  const sent = usePick((state) => pendingMessages(state, id).length);
  const now = useNow(60_000);
  const repeats = useSyncExternalStore(router.subscribe, router.repeated);
  const box = useRef<HTMLDivElement>(null);
  const target = useRef<HTMLDivElement>(null);
  const messages = useMemo(() => shown.messages.map((one) => kept?.get(one.seq)?.value ?? one), [shown.messages, kept]);
  const byId = useMemo(() => new Map(messages.map((one) => [one.id, one])), [messages]);
  const isEnd = shown.phase === "ready" && (messages.at(-1)?.seq ?? 0) >= lastSeq;
  const onQuote = useCallback((quoted: Message) =>
    router.follow(format({ ...inbox, query: store.get().filter, conversation: id, seq: quoted.seq })), [router, store, id]);
  const toLatest = () => router.go({ ...inbox, query: store.get().filter, conversation: id }, "replace");

  useEffect(() => {
    if (shown.phase !== "ready") return;
    target.current?.scrollIntoView({ block: "center" });
    if (document.activeElement === document.body) target.current?.focus({ preventScroll: true });
  }, [shown.phase, seq, repeats]);

  // What one has just written is at the end.
  const before = useRef(sent);
  useEffect(() => {
    if (sent > before.current) toLatest();
    before.current = sent;
  });

  useEffect(() => {
    const root = box.current;
    if (!root || shown.phase !== "ready") return;
    const watch = new IntersectionObserver((entries) => {
      for (const { isIntersecting, target: edge } of entries) {
        if (!isIntersecting) continue;
        const where = (edge as HTMLElement).dataset["edge"];
        if (where === "older" && shown.more) void extend("older");
        if (where === "newer" && !isEnd) void extend("newer");
        // The newest one has been on the screen.
        if (where === "newer" && isEnd && document.visibilityState === "visible") desk.read(conversation);
      }
    }, { root, rootMargin: "0px" });
    for (const edge of root.querySelectorAll("[data-edge]")) watch.observe(edge);
    return () => watch.disconnect();
  }, [shown, isEnd, extend, desk, conversation]);

  if (shown.phase === "loading") return <div className="timeline" aria-busy="true"><p className="timeline-start" role="status">{t("thread.loading")}</p></div>;
  if (shown.phase === "error") {
    return <Empty alert title={t("thread.failed")} hint={shown.reason ?? undefined} action={<button type="button" onClick={again}>{t("try.again")}</button>} />;
  }
  if (shown.phase === "gone") {
    return (
      <div className="timeline" data-testid="message-gone">
        <Empty alert title={t("gone.message")} action={<button type="button" className="primary" data-testid="way-out" onClick={toLatest}>{t("gone.messageEnd")}</button>} />
      </div>
    );
  }
  return (
    <div className="timeline-frame">
      <div className="timeline timeline-window" ref={box} tabIndex={0} role="log" aria-live="off" data-testid="thread-window"
        aria-label={t("thread.label", { name: conversation.contact.name ?? "" })}>
        <div className="timeline-content">
          <p className="timeline-start" data-edge="older">{t(shown.more ? "thread.older" : "thread.start")}</p>
          {messages.map((message, index) => {
            const previous = messages[index - 1];
            const newDay = !previous || daysBetween(previous.created_at, message.created_at) !== 0;
            const isTarget = message.seq === seq;
            return (
              <Fragment key={message.id}>
                {newDay && <h3 className="day"><span>{t.day(message.created_at, now)}</span></h3>}
                <div ref={isTarget ? target : undefined} tabIndex={isTarget ? -1 : undefined} className={isTarget ? "marked" : undefined}
                  data-testid={isTarget ? "marked" : undefined} aria-label={isTarget ? t("jump.marked") : undefined} role={isTarget ? "group" : undefined}>
                  <MessageBubble message={message} customer={conversation.contact.name} joined={false} onQuote={onQuote} quoted={message.reply_to ? (byId.get(message.reply_to) ?? null) : null} />
                </div>
              </Fragment>
            );
          })}
          <p className="timeline-start" data-edge="newer">{isEnd ? "\u00a0" : t("jump.newer")}</p>
        </div>
      </div>
      <button type="button" className="latest" onClick={toLatest} data-testid="jump-to-latest"><DownIcon /> {t("thread.latest")}</button>
    </div>
  );
}

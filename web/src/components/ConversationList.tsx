// The list of a view: live, in the chosen order, older pages as one scrolls. Knows its empty, loading and failed states.
import { useEffect, useRef } from "react";
import { useApp, useNow, usePick, useText } from "../hooks/app";
import { currentList } from "../state/lists";
import { colleague, liveWriting, unread, visibleConversations } from "../state/select";
import { ConversationRow } from "./ConversationRow";
import { Empty } from "./Empty";
import { BubbleIcon } from "./Icons";
import { Skeleton } from "./Skeleton";

export function ConversationList() {
  const t = useText();
  const { loader } = useApp();
  const rows = usePick(visibleConversations);
  const filter = usePick((state) => state.filter);
  const phase = usePick((state) => currentList(state)?.phase ?? "idle");
  const next = usePick((state) => currentList(state)?.next ?? null);
  const error = usePick((state) => currentList(state)?.error ?? null);
  const now = useNow(30_000);
  const state = usePick((s) => s);
  const end = useRef<HTMLDivElement>(null);
  const box = useRef<HTMLDivElement>(null);
  const byWait = filter.sort === "wait";

  // Another list begins at its top.
  useEffect(() => {
    if (box.current) box.current.scrollTop = 0;
  }, [filter]);

  useEffect(() => {
    const mark = end.current;
    if (!mark || next === null || phase !== "ready") return;
    const watch = new IntersectionObserver((entries) => {
      if (entries.some((entry) => entry.isIntersecting)) void loader.more();
    }, { root: mark.parentElement, rootMargin: "400px" });
    watch.observe(mark);
    return () => watch.disconnect();
  }, [loader, next, phase, rows.length]);

  const retry = () => void (next === null ? loader.show() : loader.more());
  const first = rows.length === 0;
  return (
    <div className="list" data-testid="conversation-list" data-phase={phase} ref={box}>
      <ul aria-label={t("list.title")}>
        {rows.map((conversation) => {
          const draft = state.drafts[conversation.id];
          return (
            <ConversationRow
              key={conversation.id}
              conversation={conversation}
              active={state.active === conversation.id}
              unread={unread(state, conversation)}
              when={t.short(conversation.last_message?.at ?? conversation.updated_at, now)}
              waits={byWait && conversation.waiting_since !== null
                ? t("list.waits", { time: t.span(now - conversation.waiting_since) }) : null}
              assignee={ownerName(conversation.assignee)}
              draft={draft && !draft.note && state.active !== conversation.id ? draft.text.trim() : ""}
              writing={liveWriting(state, conversation) !== null}
              waiting={state.pending.some((p) => p.conversation === conversation.id && p.state !== "sending")}
            />
          );

          function ownerName(id: string | null): string | null {
            return id === state.session.user?.id ? t("owner.me") : (colleague(state, conversation, id)?.name ?? null);
          }
        })}
      </ul>
      {(phase === "loading" || phase === "idle") && (first ? <Skeleton /> : next !== null && <p className="list-more">{t("list.more")}</p>)}
      {phase === "error" && (
        <Empty alert title={t("list.failed")} hint={error ?? undefined}
          action={<button type="button" onClick={retry}>{t("try.again")}</button>} />
      )}
      {phase === "ready" && first && next === null && nothing()}
      <div ref={end} className="list-end" />
    </div>
  );

  function nothing() {
    const { view, tenant, company, channel } = filter;
    if (view !== "all" || tenant || company || channel) return <Empty title={t("list.none")} hint={t("list.noneHint")} />;
    return <Empty icon={<BubbleIcon />} title={t("list.empty")} hint={t("list.emptyHint")} />;
  }
}

// The list: live, newest activity first, older pages as one scrolls. Knows its empty, loading and failed states.
import { useEffect, useRef } from "react";
import { useApp, useNow, usePick, useText } from "../hooks/app";
import { colleague, liveWriting, unread, visibleConversations } from "../state/select";
import { ConversationRow } from "./ConversationRow";
import { Empty } from "./Empty";
import { BubbleIcon } from "./Icons";

export function ConversationList() {
  const t = useText();
  const { store, loader } = useApp();
  const rows = usePick(visibleConversations);
  const filter = usePick((state) => state.filter);
  const list = filter.owner === "closed" ? "closed" : "open";
  const page = usePick((state) => state.pages[list]);
  const now = useNow(30_000);
  const state = usePick((s) => s);
  const end = useRef<HTMLDivElement>(null);

  useEffect(() => {
    if (list === "closed" && page.phase === "idle") void loader.page("closed", true);
  }, [loader, list, page.phase]);

  useEffect(() => {
    const mark = end.current;
    if (!mark || page.next === null || page.phase !== "ready") return;
    const watch = new IntersectionObserver((entries) => {
      if (entries.some((entry) => entry.isIntersecting)) void loader.page(list, false);
    }, { root: mark.parentElement, rootMargin: "400px" });
    watch.observe(mark);
    return () => watch.disconnect();
  }, [loader, list, page.next, page.phase, rows.length]);

  const retry = () => void (list === "open" && page.next === null ? loader.inbox() : loader.page(list, page.next === null));
  const first = rows.length === 0;
  return (
    <div className="list" data-testid="conversation-list">
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
      {(page.phase === "loading" || page.phase === "idle") && (first ? <Skeleton /> : <p className="list-more">{t("list.more")}</p>)}
      {page.phase === "error" && (
        <Empty alert title={t("list.failed")} hint={page.error ?? undefined}
          action={<button type="button" onClick={retry}>{t("try.again")}</button>} />
      )}
      {page.phase === "ready" && first && page.next === null && nothing()}
      <div ref={end} className="list-end" />
    </div>
  );

  function nothing() {
    if (filter.query) return <Empty title={t("list.none")} hint={t("list.noneFound", { query: filter.query })} />;
    if (filter.owner !== "all" || filter.tenant) return <Empty title={t("list.none")} hint={t("list.noneHint")} />;
    const none = Object.keys(store.get().conversations).length === 0;
    return <Empty icon={<BubbleIcon />} title={t("list.empty")} hint={none ? t("list.emptyHint") : undefined} />;
  }
}

function Skeleton() {
  return (
    <div aria-hidden="true">
      {Array.from({ length: 8 }, (_, index) => (
        <div key={index} className="row skeleton-row">
          <span className="avatar skeleton" />
          <span className="skeleton-lines"><span className="skeleton" /><span className="skeleton" /></span>
        </div>
      ))}
    </div>
  );
}

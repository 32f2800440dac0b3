// The inbox page: list and thread side by side, or one after the other on a phone. Under other pages it stays, unseen
// and out of reach, so that the list is where one left it.
import { Empty } from "../components/Empty";
import { BubbleIcon } from "../components/Icons";
import { Side } from "../components/Side";
import { Thread } from "../components/Thread";
import { useApp, usePick, useText } from "../hooks/app";
import { useHeading, useLink, useRoute, useTitle } from "../hooks/route";
import { inbox } from "../routes/route";
import { GonePart } from "../components/Gone";
import { asWished } from "../state/pending";
import { displayName } from "../state/select";

export function Inbox({ isShown }: { isShown: boolean }) {
  const t = useText();
  const route = useRoute();
  const active = usePick((state) => state.active);
  const conversation = usePick((state) => {
    const known = state.active ? state.conversations.get(state.active)?.value : undefined;
    return known && asWished(state, known);
  });
  const live = usePick((state) => state.link.phase === "live");
  const seq = route.page === "inbox" ? route.seq : null;
  return (
    <main className="inbox" data-open={active !== null} inert={!isShown} data-shown={isShown}>
      {isShown && <Named name={conversation ? displayName(conversation) : null} />}
      {isShown && <Heading words={conversation ? displayName(conversation) : t("list.title")} />}
      <section className="side" aria-label={t("list.title")}>
        <header className="side-head">
          {isShown ? <h2 className="side-title">{t("list.title")}</h2> : <p className="side-title">{t("list.title")}</p>}
          <span className="live" data-live={live} title={t(live ? "link.live" : "link.lag")}>
            <span className="unseen">{t(live ? "link.live" : "link.lag")}</span>
          </span>
        </header>
        <Side />
      </section>
      <div className="main">
        {conversation ? <Thread key={conversation.id} conversation={conversation} seq={seq} />
          : active ? <Missing />
          : <Empty icon={<BubbleIcon />} title={t("thread.pick")} hint={t("thread.pickHint")} />}
      </div>
    </main>
  );
}

/** Only the page that is shown names the document. */
function Named({ name }: { name: string | null }) {
  useTitle(name);
  return null;
}

/** Apart from what is seen: on a phone either the list or the thread is. */
function Heading({ words }: { words: string }) {
  const heading = useHeading("inbox");
  return <h1 className="unseen" ref={heading} tabIndex={-1}>{words}</h1>;
}

/** The open conversation is not known: it is on its way, or the link is dead. */
function Missing() {
  const t = useText();
  const { follow } = useApp();
  const link = useLink();
  const query = usePick((state) => state.filter);
  const out = { to: { ...inbox, query }, way: t("gone.inbox") };
  if (link.conversation === "gone") {
    return <div data-testid="gone"><GonePart title={t("gone.conversation")} hint={t("gone.conversationHint")} {...out} /></div>;
  }
  if (link.conversation !== "failed") return <Empty title={t("thread.loading")} />;
  return (
    <GonePart title={t("gone.conversationFailed")} hint={link.reason ?? ""} {...out}
      extra={<button type="button" onClick={() => follow.again()}>{t("try.again")}</button>} />
  );
}

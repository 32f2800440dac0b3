// One conversation: head, timeline, who owns it, composer.
import { useEffect } from "react";
import { useApp, usePickOf, useText } from "../hooks/app";
import { displayName } from "../state/select";
import { noThread } from "../state/thread";
import type { Conversation } from "../api.gen";
import { Composer } from "./Composer";
import { Empty } from "./Empty";
import { OwnerBanner } from "./OwnerBanner";
import { ThreadHead } from "./ThreadHead";
import { ThreadWindow } from "./ThreadWindow";
import { Timeline } from "./Timeline";

/** `seq`: the message of a link, which the thread is shown around. */
export function Thread({ conversation, seq }: { conversation: Conversation; seq: number | null }) {
  const t = useText();
  const { loader } = useApp();
  const thread = usePickOf(conversation.id, (state) => state.threads[conversation.id] ?? noThread);
  const shown = thread.oldest !== null || thread.phase === "ready";

  // On a phone the thread takes the place of the list, so the focus goes with it.
  useEffect(() => {
    if (matchMedia("(max-width: 760px)").matches) document.getElementById("thread-name")?.focus();
  }, []);

  return (
    <section className="thread" data-testid="thread" data-conversation-id-open={conversation.id}
      aria-label={t("thread.label", { name: displayName(conversation) })}>
      <ThreadHead conversation={conversation} />
      {seq !== null ? (
        <ThreadWindow key={seq} conversation={conversation} seq={seq} />
      ) : shown ? (
        <Timeline conversation={conversation} thread={thread} />
      ) : thread.phase === "error" ? (
        <Empty alert title={t("thread.failed")} hint={thread.error ?? undefined}
          action={<button type="button" onClick={() => void loader.thread(conversation.id)}>{t("try.again")}</button>} />
      ) : (
        <div className="timeline" aria-busy="true">
          <p className="unseen" role="status">{t("thread.loading")}</p>
          <div className="timeline-content skeleton-thread" aria-hidden="true">
            {[220, 320, 180, 360, 240].map((width, index) => (
              <span key={width} className={`skeleton bubble-skeleton ${index % 2 ? "out" : "in"}`} style={{ width }} />
            ))}
          </div>
        </div>
      )}
      <OwnerBanner conversation={conversation} />
      <Composer conversation={conversation} />
    </section>
  );
}

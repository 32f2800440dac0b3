// The inbox page: list and thread side by side, or one after the other on a phone.
import { useEffect, useState } from "react";
import { ConnectionBar } from "../components/ConnectionBar";
import { Empty } from "../components/Empty";
import { HelpDialog } from "../components/HelpDialog";
import { BubbleIcon, Mark } from "../components/Icons";
import { Menu } from "../components/Menu";
import { Notices } from "../components/Notices";
import { Side } from "../components/Side";
import { Thread } from "../components/Thread";
import { usePick, useText } from "../hooks/app";
import { useKeys } from "../hooks/keys";
import { asWished } from "../state/pending";
import { totalUnread } from "../state/select";

export function Inbox() {
  const t = useText();
  const [help, setHelp] = useState(false);
  const active = usePick((state) => state.active);
  const conversation = usePick((state) => {
    const known = state.active ? state.conversations[state.active]?.value : undefined;
    return known && asWished(state, known);
  });
  const live = usePick((state) => state.link.phase === "live");
  const count = usePick(totalUnread);
  useKeys(() => setHelp(true));

  useEffect(() => {
    document.title = count > 0 ? `(${count}) ${t("app.name")}` : t("app.name");
  }, [count, t]);

  return (
    <div className="inbox" data-open={active !== null}>
      <header className="unseen"><h1>{t("app.name")}</h1></header>
      <ConnectionBar />
      <aside className="side" aria-label={t("list.title")}>
        <header className="side-head">
          <Mark />
          <h2>{t("list.title")}</h2>
          <span className="live" data-live={live} title={t(live ? "link.live" : "link.lag")}>
            <span className="unseen">{t(live ? "link.live" : "link.lag")}</span>
          </span>
          <Menu onHelp={() => setHelp(true)} />
        </header>
        <Side />
      </aside>
      <main className="main">
        {conversation ? <Thread key={conversation.id} conversation={conversation} />
          : active ? <Empty title={t("thread.loading")} />
          : <Empty icon={<BubbleIcon />} title={t("thread.pick")} hint={t("thread.pickHint")} />}
      </main>
      <Notices />
      <HelpDialog open={help} onClose={() => setHelp(false)} />
    </div>
  );
}

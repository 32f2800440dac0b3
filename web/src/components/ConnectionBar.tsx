// Says when the page is not live, when it tries again, and what it caught up. Silent while all is well.
import { useEffect, useState } from "react";
import { useApp, useNow, usePick, useText } from "../hooks/app";
import type { Link } from "../state/model";
import type { Text } from "../i18n/text";

const caughtUpShownMs = 5_000;
const fallbackShownMs = 15_000;
/** A connection that opens within this time is not worth a word. */
const patienceMs = 1_500;

export function ConnectionBar() {
  const t = useText();
  const app = useApp();
  const link = usePick((state) => state.link);
  const now = useNow(link.phase === "live" ? 1_000 : 250);
  const [since, setSince] = useState(() => app.clock.now());
  useEffect(() => setSince(app.clock.now()), [app, link.phase]);

  const caught = link.caughtUp && now - link.caughtUp.at < caughtUpShownMs ? link.caughtUp : null;
  const quiet = link.lostAt === null && now - since < patienceMs;
  const fellBack = link.transport !== "websocket" && now - since < fallbackShownMs;
  const liveWords = caught ? caughtUpWords(t, caught) : fellBack ? t("link.fallback") : null;
  const words = link.phase === "live" ? liveWords : quiet ? null : lostWords(t, link, now);
  const tone = link.phase === "live" ? "good" : link.lostAt === null ? "calm" : "bad";
  return (
    <div className="connection-bar" data-testid="connection-bar" data-phase={link.phase} data-transport={link.transport ?? undefined} data-tone={tone} hidden={!words}>
      <span aria-live="polite" role="status" className="connection-words">
        {/* Seconds that count down would be read aloud each time: the spoken text leaves them out. */}
        <span className="unseen">{words && (link.phase === "lost" ? t("link.lostNow") : words)}</span>
        <span aria-hidden="true">{words}</span>
      </span>
      {link.phase === "lost" && (
        <button type="button" className="quiet small" onClick={() => app.socket.retryNow()}>{t("try.now")}</button>
      )}
    </div>
  );
}

function caughtUpWords(t: Text, caught: NonNullable<Link["caughtUp"]>): string {
  if (caught.reloaded) return t("link.reloaded");
  return caught.events === 0 ? t("link.nothingMissed") : t("link.caughtUp", { count: caught.events });
}

function lostWords(t: Text, link: Link, now: number): string {
  if (link.phase === "catching_up") return t("link.catching");
  if (link.lostAt === null) return t("link.connecting");
  if (!navigator.onLine) return t("link.offline");
  const seconds = link.retryAt === null ? 0 : Math.ceil((link.retryAt - now) / 1000);
  return seconds > 0 ? t("link.lost", { seconds }) : t("link.lostNow");
}

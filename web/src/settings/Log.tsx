// The integration log: what providers posted, newest first, with its outcome, and its replay.
import { useCallback, useState } from "react";
import { useApp, usePick, useText } from "../hooks/app";
import { useByName } from "../hooks/sorted";
import { useRoute } from "../hooks/route";
import type { Key } from "../i18n/text";
import { everywhere } from "../routes/route";
import { reasonOf } from "../services/problem";
import { can } from "../state/select";
import type { LogEntry } from "../api.gen";
import { Button } from "../ui/Button";
import { EmptyState } from "../ui/States";
import { useCalls, useData, useNames } from "./data";
import { More } from "./More";
import { DataView, Freshness, PageHead, type SectionProps } from "./Parts";

/** Events do not tell of what a provider posted in vain. */
const everyMs = 15_000;

export function LogPage({ tenant }: SectionProps) {
  const t = useText();
  const calls = useCalls();
  const { router } = useApp();
  const route = useRoute();
  useNames();
  const channel = route.page === "settings" ? route.scope.channel : null;
  const all = usePick((state) => state.channels);
  const sorted = useByName();
  const channels = sorted(Object.values(all).filter((one) => one.tenant === tenant));
  // More than one page is being read: it must not move.
  const [older, setOlder] = useState<LogEntry[]>([]);
  const data = useData(useCallback(() => calls.log(tenant, channel, null), [calls, tenant, channel]), older.length === 0 ? everyMs : null);
  const load = async (before: string) => {
    const page = await calls.log(tenant, channel, before);
    setOlder((now) => [...now, ...page.entries]);
    return page.next;
  };
  return (
    <>
      <PageHead title={t("page.log")} hint={t("page.logHint")}><Freshness data={data} /></PageHead>
      <label className="page-filter">
        <span>{t("log.channel")}</span>
        <select value={channel ?? ""} data-testid="log-channel" onChange={(event) => {
          setOlder([]);
          router.go({ page: "settings", section: "log", thing: null, scope: { ...everywhere, tenant, channel: event.target.value || null } });
        }}>
          <option value="">{t("list.allChannels")}</option>
          {channel !== null && !all[channel] && <option value={channel}>…</option>}
          {channels.map(({ id, name }) => <option key={id} value={id}>{name}</option>)}
        </select>
      </label>
      <DataView data={data} isEmpty={({ entries }) => entries.length === 0} empty={<EmptyState title={t("log.none")} hint={t("log.noneHint")} />}>
        {({ entries, next }) => (
          <>
            <ul className="rows" data-testid="log">
              {[...entries, ...older].map((entry) => <Line key={entry.id} entry={entry} tenant={tenant} channel={all[entry.channel]?.name} />)}
            </ul>
            <More key={`${channel} ${entries[0]?.id}`} next={next ?? null} load={load} />
          </>
        )}
      </DataView>
    </>
  );
}

const outcomes = ["events", "ignored", "unparsable", "failed"];

function Line({ entry, tenant, channel }: { entry: LogEntry; tenant: string; channel: string | undefined }) {
  const t = useText();
  const calls = useCalls();
  const mayReplay = usePick((state) => can(state, tenant, "integration_log.replay"));
  const [busy, setBusy] = useState(false);
  const [told, setTold] = useState<string | null>(null);
  const outcome = (name: string) => (outcomes.includes(name) ? t(`log.outcome.${name}` as Key) : name);

  async function replay() {
    setBusy(true);
    try {
      const done = await calls.replay(entry.id);
      setTold(t("log.replayed", { outcome: outcome(done.outcome), count: done.applied }));
    } catch (error) {
      setTold(t("act.failed", { reason: reasonOf(error) }));
    } finally {
      setBusy(false);
    }
  }

  return (
    <li className="log-line" data-outcome={entry.outcome} data-testid="log-line">
      <p className="rows-line">
        <time title={t.full(entry.received_at)}>{t.full(entry.received_at)}</time>
        <span className="tag" data-outcome={entry.outcome}>{outcome(entry.outcome)}</span>
        <span dir="auto">{channel ?? ""}</span>
        <span className="rows-more">{t("log.events", { count: entry.events })}</span>
        {mayReplay && <Button small busy={busy} onClick={() => void replay()} data-testid="replay">{t(busy ? "log.replaying" : "log.replay")}</Button>}
      </p>
      {entry.error && <p className="form-problem">{entry.error}</p>}
      <p role="status" className="form-status">{told}</p>
      <details><summary>{t("log.body")}</summary><pre dir="ltr" tabIndex={0}>{entry.body_preview}</pre></details>
    </li>
  );
}

// How a channel fared: each change of its health, newest first, read when it is opened and again with each change.
import { useCallback, useEffect, useState } from "react";
import { useText } from "../hooks/app";
import type { ChannelView, HealthEntry, HealthPage } from "../api.gen";
import type { Key } from "../i18n/text";
import { Button } from "../ui/Button";
import { useCalls } from "./data";
import { Cause } from "./Health";

export function HealthHistory({ channel }: { channel: ChannelView }) {
  const t = useText();
  const calls = useCalls();
  const [open, setOpen] = useState(false);
  const [entries, setEntries] = useState<HealthEntry[] | null>(null);
  const [next, setNext] = useState<string | null>(null);
  const [failed, setFailed] = useState(false);
  const { id } = channel;
  const at = channel.health?.at;

  const load = useCallback(async (before: string | null, keep: (page: HealthPage) => void) => {
    try {
      keep(await calls.channelHealth(id, before));
      setFailed(false);
    } catch {
      setFailed(true);
    }
  }, [calls, id]);

  useEffect(() => {
    let current = true;
    if (open) {
      void load(null, (page) => {
        if (!current) return;
        setEntries(page.entries);
        setNext(page.next ?? null);
      });
    }
    return () => { current = false; };
  }, [open, at, load]);

  return (
    <details className="card" onToggle={(event) => setOpen(event.currentTarget.open)} data-testid="health-history">
      <summary>{t("channels.history")}</summary>
      {failed && <p role="status">{t("page.failed")}</p>}
      {entries === null && !failed && <p className="form-hint" role="status">{t("channels.historyLoads")}</p>}
      {entries?.length === 0 && <p className="form-hint" data-testid="health-none">{t("channels.historyNone")}</p>}
      {entries !== null && entries.length > 0 && <ol className="rows history">
        {entries.map((entry) => (
          <li key={entry.id} className="rows-line" data-testid="health-entry">
            <time dateTime={new Date(entry.at).toISOString()}>{t.full(entry.at)}</time>
            <span className="health" data-health={entry.state}>{t(`channels.health.${entry.state}` as Key)}</span>
            <Cause health={entry} />
          </li>
        ))}
      </ol>}
      {next && (
        <Button onClick={() => void load(next, (page) => { setEntries((known) => [...(known ?? []), ...page.entries]); setNext(page.next ?? null); })}>
          {t("channels.historyMore")}
        </Button>
      )}
    </details>
  );
}

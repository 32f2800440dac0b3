// Leads of landing pages, newest first: read once, then by the events of the feed. Where these do not come, read again now and then.
import { useCallback, useState } from "react";
import { useApp, usePick, useText } from "../hooks/app";
import type { Lead } from "../api.gen";
import { inbox } from "../routes/route";
import { reasonOf } from "../services/problem";
import { Button } from "../ui/Button";
import { EmptyState } from "../ui/States";
import { useCalls, useData } from "./data";
import { More } from "./More";
import { DataView, Freshness, PageHead, type SectionProps } from "./Parts";

const everyMs = 15_000;
/** The page of the server. */
const pageOfLeads = 50;

export function LeadsPage({ tenant }: SectionProps) {
  const t = useText();
  const calls = useCalls();
  const [older, setOlder] = useState<Lead[]>([]);
  const isLive = usePick((state) => !state.notLive.includes(tenant));
  const heard = usePick((state) => state.leads);
  const data = useData(useCallback(() => calls.leads(tenant, null), [calls, tenant]), isLive || older.length > 0 ? null : everyMs);
  const news = (known: readonly Lead[]) => heard.filter((lead) => lead.tenant === tenant && !known.some(({ id }) => id === lead.id)
    && !older.some(({ id }) => id === lead.id));
  const nextOf = (leads: Lead[]) => (leads.length < pageOfLeads ? null : (leads.at(-1)?.id ?? null));
  const load = async (before: string) => {
    const leads = await calls.leads(tenant, before);
    setOlder((now) => [...now, ...leads]);
    return nextOf(leads);
  };
  return (
    <>
      <PageHead title={t("page.leads")} hint={t("page.leadsHint")}><Freshness data={data} /></PageHead>
      <DataView data={data} isEmpty={(leads) => leads.length + news(leads).length === 0} empty={<EmptyState title={t("leads.none")} hint={t("leads.noneHint")} />}>
        {(leads) => (
          <>
            <ul className="rows" data-testid="leads">{[...news(leads), ...leads, ...older].map((lead) => <Line key={lead.id} lead={lead} />)}</ul>
            <More key={leads[0]?.id} next={nextOf(leads)} load={load} />
          </>
        )}
      </DataView>
    </>
  );
}

function Line({ lead }: { lead: Lead }) {
  const t = useText();
  const { name, email, phone, source, utm, at, contact, consent, consent_at, landing, fields } = lead;
  const told: [string, string][] = [
    ...Object.entries(fields),
    ...(consent === null ? [] : [[t("leads.consent"), consent_at === null ? consent : `${consent} (${t.full(consent_at)})`] as [string, string]]),
    ...(landing === null ? [] : [[t("leads.landing"), landing] as [string, string]]),
  ];
  return (
    <li data-testid="lead">
      <div className="rows-line">
        <strong dir="auto">{name ?? t("leads.nameless")}</strong>
        <span className="tag" dir="auto">{source}</span>
        <span className="rows-more" dir="auto">{[email, phone, utm.source, utm.campaign].filter(Boolean).join(" · ")}</span>
        <time>{t.full(at)}</time>
        {contact === null ? <span className="rows-more">{t("leads.unmatched")}</span> : <ToConversation contact={contact} />}
      </div>
      {told.length > 0 && (
        <details className="lead-more" data-testid="lead-more">
          <summary>{t("leads.more")}</summary>
          <dl className="facts">
            {told.map(([what, value]) => <div key={what}><dt dir="auto">{what}</dt><dd dir="auto">{value}</dd></div>)}
          </dl>
        </details>
      )}
    </li>
  );
}

/** To where the person who was found to be the lead wrote last. */
function ToConversation({ contact }: { contact: string }) {
  const t = useText();
  const calls = useCalls();
  const { router } = useApp();
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  async function go() {
    setBusy(true);
    setProblem(null);
    try {
      const { conversations } = await calls.contact(contact);
      const last = [...conversations].sort((a, b) => b.updated_at - a.updated_at)[0];
      if (last) return router.go({ ...inbox, conversation: last.id });
      setProblem(t("leads.noConversation"));
    } catch (error) {
      setProblem(t("act.failed", { reason: reasonOf(error) }));
    }
    setBusy(false);
  }
  return (
    <>
      <Button small busy={busy} onClick={() => void go()} data-testid="lead-open">{t("leads.open")}</Button>
      {problem !== null && <span className="form-problem" role="alert">{problem}</span>}
    </>
  );
}

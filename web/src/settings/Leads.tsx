// Leads of landing pages, newest first: read once, then by the events of the feed. Where these do not come, read again now and then.
import { useCallback, useState } from "react";
import { usePick, useText } from "../hooks/app";
import type { Lead } from "../api.gen";
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
  const { name, email, phone, source, utm, at } = lead;
  return (
    <li className="rows-line" data-testid="lead">
      <strong dir="auto">{name ?? t("leads.nameless")}</strong>
      <span className="tag" dir="auto">{source}</span>
      <span className="rows-more" dir="auto">{[email, phone, utm.source, utm.campaign].filter(Boolean).join(" · ")}</span>
      <time>{t.full(at)}</time>
    </li>
  );
}

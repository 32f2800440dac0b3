// Jobs that were given up, with their reasons: each is tried again or forgotten by a person.
import { useCallback, useState } from "react";
import { usePick, useText } from "../hooks/app";
import { reasonOf } from "../services/problem";
import { can } from "../state/select";
import type { DeadJob } from "../api.gen";
import { Button } from "../ui/Button";
import { Confirm } from "../ui/Dialog";
import { EmptyState } from "../ui/States";
import { useCalls, useData } from "./data";
import { More } from "./More";
import { DataView, Freshness, PageHead, type SectionProps } from "./Parts";

const everyMs = 15_000;
/** The page of the server. */
const pageOfJobs = 50;

export function JobsPage({ tenant }: SectionProps) {
  const t = useText();
  const calls = useCalls();
  const [older, setOlder] = useState<DeadJob[]>([]);
  const data = useData(useCallback(() => calls.deadJobs(tenant, null), [calls, tenant]), older.length === 0 ? everyMs : null);
  const nextOf = (jobs: DeadJob[]) => (jobs.length < pageOfJobs ? null : (jobs.at(-1)?.id ?? null));
  const load = async (before: string) => {
    const jobs = await calls.deadJobs(tenant, before);
    setOlder((now) => [...now, ...jobs]);
    return nextOf(jobs);
  };
  const drop = (id: string) => {
    data.change((jobs) => jobs.filter((job) => job.id !== id));
    setOlder((now) => now.filter((job) => job.id !== id));
  };
  return (
    <>
      <PageHead title={t("page.jobs")} hint={t("page.jobsHint")}><Freshness data={data} /></PageHead>
      <DataView data={data} isEmpty={(jobs) => jobs.length + older.length === 0} empty={<EmptyState title={t("jobs.none")} hint={t("jobs.noneHint")} />}>
        {(jobs) => (
          <>
            <ul className="rows" data-testid="jobs">
              {[...jobs, ...older].map((job) => <Line key={job.id} job={job} onGone={() => drop(job.id)} />)}
            </ul>
            <More key={jobs[0]?.id} next={nextOf(jobs)} load={load} />
          </>
        )}
      </DataView>
    </>
  );
}

function Line({ job, onGone }: { job: DeadJob; onGone: () => void }) {
  const t = useText();
  const calls = useCalls();
  const channel = usePick((state) => state.channels[job.channel]?.name);
  const mayRetry = usePick((state) => can(state, job.tenant, "job.retry"));
  const mayForget = usePick((state) => can(state, job.tenant, "job.forget"));
  const [busy, setBusy] = useState(false);
  const [sure, setSure] = useState(false);
  const [reason, setReason] = useState<string | null>(null);
  async function run(call: () => Promise<void>) {
    setBusy(true);
    setReason(null);
    try {
      await call();
      onGone();
    } catch (error) {
      setReason(t("act.failed", { reason: reasonOf(error) }));
      setBusy(false);
      setSure(false);
    }
  }
  return (
    <li className="log-line" data-testid="job-line">
      <p className="rows-line">
        <time>{t.full(job.created_at)}</time>
        <span className="tag">{job.kind}</span>
        <span dir="auto">{channel ?? ""}</span>
        <span className="rows-more">{t("jobs.tries", { count: job.tries })}</span>
        {mayRetry && <Button small disabled={busy} onClick={() => void run(() => calls.retryJob(job.id))} data-testid="job-retry">{t("jobs.retry")}</Button>}
        {mayForget && (
          <Button small disabled={busy} data-testid="job-forget" onClick={() => setSure(true)}>{t("jobs.forget")}</Button>
        )}
      </p>
      <p className="form-problem">{job.reason}</p>
      <Confirm open={sure} onClose={() => setSure(false)} title={t("jobs.forgetSure")} hint={job.reason} action={t("jobs.forget")} danger busy={busy}
        onConfirm={() => void run(() => calls.forgetJob(job.id))} />
      {reason && <p className="form-problem" role="alert">{reason}</p>}
    </li>
  );
}

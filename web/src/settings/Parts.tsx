// What the settings pages have in common: the head, and what stands in place of data that is not there.
import type { ReactNode } from "react";
import { Empty } from "../components/Empty";
import { Skeleton } from "../components/Skeleton";
import { usePick, useText } from "../hooks/app";
import { useHeading, useTitle } from "../hooks/route";
import "../i18n/pages";
import type { Data } from "./data";

/** What the page of a section is of: a business, and one thing of it if the address names one. */
export interface SectionProps {
  tenant: string;
  thing: string | null;
}

export function PageHead({ title, hint, children }: { title: string; hint?: string | undefined; children?: ReactNode }) {
  const heading = useHeading(title);
  useTitle(title);
  return (
    <header className="page-head">
      <div>
        <h1 ref={heading} tabIndex={-1} dir="auto">{title}</h1>
        {hint && <p>{hint}</p>}
      </div>
      {children && <div className="page-acts">{children}</div>}
    </header>
  );
}

interface DataViewProps<T> {
  data: Data<T>;
  isEmpty?: (value: T) => boolean;
  empty?: ReactNode;
  children: (value: T) => ReactNode;
}

/** Loading, failed, empty, or there. What is there stays while it is asked for again. */
export function DataView<T>({ data, isEmpty, empty, children }: DataViewProps<T>) {
  const t = useText();
  if (data.phase === "loading") {
    return <div className="data-loading" aria-busy="true"><p className="unseen" role="status">{t("page.loading")}</p><Skeleton /></div>;
  }
  if (data.phase === "error" || data.value === null) {
    return <Empty alert title={t("page.failed")} hint={data.reason ?? undefined} action={<button type="button" onClick={data.again}>{t("try.again")}</button>} />;
  }
  return (
    <>
      {data.reason !== null && (
        <p className="data-failed" role="alert">{t("page.failed")} {data.reason} <button type="button" className="small" onClick={data.again}>{t("try.again")}</button></p>
      )}
      {isEmpty?.(data.value) ? empty : children(data.value)}
    </>
  );
}

/** Of when the data is, and the button that asks again. */
export function Freshness<T>({ data }: { data: Data<T> }) {
  const t = useText();
  return (
    <div className="freshness">
      {data.at !== null && <span>{t("data.asOf", { time: t.time(data.at) })}</span>}
      <button type="button" className="small" onClick={data.again} disabled={data.busy} data-testid="load-again">{t("data.again")}</button>
    </div>
  );
}

/** Says that events of a business do not reach this page, or that no events reach it at all just now. */
export function NotLiveNote({ tenant }: { tenant: string }) {
  const t = useText();
  const isLive = usePick((state) => !state.notLive.includes(tenant));
  if (isLive) return null;
  return <p className="not-live" role="note">{t("data.notLive")}</p>;
}

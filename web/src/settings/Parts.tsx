// What the settings pages have in common: the head, and what stands in place of data that is not there.
import type { ReactNode } from "react";
import { usePick, useText } from "../hooks/app";
import { useHeading, useTitle } from "../hooks/route";
import "../i18n/pages";
import { Button } from "../ui/Button";
import { PageHead as Head } from "../ui/PageHead";
import { FailedState, LoadingState } from "../ui/States";
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
    <Head title={title} hint={hint} actions={children} ref={heading} />
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
    return <div className="data-loading" aria-busy="true"><LoadingState lines={8} /></div>;
  }
  if (data.phase === "error" || data.value === null) {
    return <FailedState reason={data.reason ?? ""} onRetry={data.again} busy={data.busy} />;
  }
  return (
    <>
      {data.reason !== null && (
        <p className="data-failed" role="alert">{t("page.failed")} {data.reason} <Button small onClick={data.again}>{t("try.again")}</Button></p>
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
      <Button small onClick={data.again} busy={data.busy} data-testid="load-again">{t("data.again")}</Button>
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

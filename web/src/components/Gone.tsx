// What stands where an address leads nowhere: says what is missing, and offers a way out.
import type { ReactNode } from "react";
import { Empty } from "./Empty";
import { useText } from "../hooks/app";
import { useHeading, useTitle } from "../hooks/route";
import { format, inbox, type Route } from "../routes/route";

interface Props {
  title: string;
  hint: string;
  to: Route;
  way: string;
  extra?: ReactNode;
}

/** A whole page of it. */
export function Gone({ title, ...rest }: Props) {
  const heading = useHeading(title);
  useTitle(title);
  return (
    <main className="page gone" data-testid="gone">
      <h1 className="unseen" ref={heading} tabIndex={-1}>{title}</h1>
      <GonePart title={title} {...rest} />
    </main>
  );
}

/** The same in place of a part of a page. */
export function GonePart({ title, hint, to, way, extra }: Props) {
  return (
    <Empty title={title} hint={hint}
      action={<span className="acts">{extra}<a className="button primary" href={format(to)} data-testid="way-out">{way}</a></span>} />
  );
}

export function NoSuchPage() {
  const t = useText();
  return <Gone title={t("gone.title")} hint={t("gone.hint")} to={inbox} way={t("gone.inbox")} />;
}

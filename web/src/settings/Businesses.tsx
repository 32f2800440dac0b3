// The businesses of a person who sees several: how many wait in each, how its channels are, and the ways into it.
import { useCallback, useState } from "react";
import "../styles/pages.css";
import { best } from "../commands/fuzzy";
import { fold } from "../state/fold";
import { usePick, useText } from "../hooks/app";
import { useByName } from "../hooks/sorted";
import { mayOpen, settingsAt } from "../routes/pages";
import { format, inbox } from "../routes/route";
import type { TenantRole } from "../api.gen";
import { EmptyState } from "../ui/States";
import { useCalls, useData } from "./data";
import { PageHead } from "./Parts";

/** Each asks the server for its counts, so no more are shown at once. */
const shown = 20;

export function Businesses() {
  const t = useText();
  const tenants = usePick((state) => state.session.tenants);
  const [typed, setTyped] = useState("");
  const sorted = useByName()(tenants);
  const found = fold(typed) === "" ? sorted : best(sorted, ({ name }) => name, typed, sorted.length);
  return (
    <main className="page page-alone" data-testid="page-businesses">
      <PageHead title={t("businesses.title")} />
      {tenants.length === 0 ? <EmptyState title={t("businesses.empty")} hint={t("businesses.emptyHint")} /> : (
        <>
          <input type="search" className="page-find" value={typed} placeholder={t("businesses.find")} aria-label={t("businesses.find")}
            data-testid="find-business" onChange={(event) => setTyped(event.target.value)} />
          {found.length === 0 && <EmptyState title={t("businesses.none")} />}
          <ul className="cards" data-testid="businesses">
            {found.slice(0, shown).map((tenant) => <Card key={tenant.id} tenant={tenant} />)}
          </ul>
          {found.length > shown && <p className="card-note">{t("businesses.more", { count: found.length - shown })}</p>}
        </>
      )}
    </main>
  );
}

function Card({ tenant }: { tenant: TenantRole }) {
  const t = useText();
  const { id, name, role } = tenant;
  const calls = useCalls();
  const query = usePick((state) => state.filter);
  const trouble = usePick((state) => Object.values(state.channels)
    .filter((one) => one.tenant === id && one.state === "active" && one.health !== null && one.health.state !== "connected").length);
  const channels = usePick((state) => Object.values(state.channels).filter((one) => one.tenant === id).length);
  const maySet = usePick((state) => mayOpen(state, "channels", id));
  const { phase, value, again } = useData(useCallback(() => calls.counts(id), [calls, id]), 30_000);
  const to = (view: "all" | "waiting") => format({ ...inbox, query: { ...query, view, tenant: id, company: null, channel: null, label: null } });
  const figure = (count: number | undefined) => (count === undefined ? "…" : t.number(count));
  return (
    <li className="card business" data-testid="business">
      <h2><a href={to("all")} dir="auto">{name}</a></h2>
      <span className="tag">{t(`role.${role}`)}</span>
      {phase === "error" ? <p>{t("page.failed")} <button type="button" className="small" onClick={again}>{t("try.again")}</button></p> : (
        <dl className="figures-row">
          <div><dt>{t("businesses.open")}</dt><dd><a href={to("all")}>{figure(value?.all)}</a></dd></div>
          <div><dt>{t("businesses.waiting")}</dt><dd><a href={to("waiting")}>{figure(value?.waiting)}</a></dd></div>
          <div>
            <dt>{t("businesses.channels")}</dt>
            <dd>{maySet ? <a href={format(settingsAt("channels", id))}>{channels}</a> : channels}</dd>
          </div>
        </dl>
      )}
      {trouble > 0 && <p className="form-problem">{t("nav.trouble", { count: trouble })}</p>}
    </li>
  );
}

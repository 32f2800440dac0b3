// The apps at providers through which channels are connected: the pool, one app with the addresses that its provider has to
// be told, the form of a new one. For people of the platform; administrators change them.
import { useCallback } from "react";
import { GonePart } from "../components/Gone";
import { usePick, useText } from "../hooks/app";
import { mayMake, settingsAt } from "../routes/pages";
import { format } from "../routes/route";
import type { Apps, Pool, ProviderAppView } from "../api.gen";
import { ButtonLink } from "../ui/Button";
import { EmptyState } from "../ui/States";
import { AppForm } from "./AppForm";
import { CopyField } from "./CopyField";
import { useCalls, useData, type Data } from "./data";
import { kindName, known } from "./kinds";
import { DataView, Freshness, PageHead } from "./Parts";

export function AppsSection({ thing }: { thing: string | null }) {
  const t = useText();
  const calls = useCalls();
  const data = useData(useCallback(() => calls.apps(), [calls]));
  const mayChange = usePick((state) => mayMake(state, "apps", null));
  // The pool follows from all apps: the server counts again.
  const keep = (app: ProviderAppView) => {
    data.change((all) => withApp(all, app));
    data.again();
  };
  if (thing === null) return <List data={data} mayChange={mayChange} />;
  if (thing === "new") {
    return (
      <>
        <PageHead title={t("apps.new")} />
        <DataView data={data}>{({ pool }) => <AppForm pool={pool} app={null} onChange={keep} />}</DataView>
      </>
    );
  }
  const gone = <div data-testid="gone"><GonePart title={t("apps.gone")} hint={t("apps.goneHint")} to={settingsAt("apps")} way={t("page.apps")} /></div>;
  const app = data.value?.apps.find(({ id }) => id === thing);
  return (
    <>
      <PageHead title={app?.name ?? t("page.apps")} hint={app && `${familyName(t, app.family)} · ${app.external_id}`} />
      <DataView data={data} isEmpty={() => app === undefined} empty={gone}>
        {({ pool }) => {
          const family = pool.find((one) => one.family === app?.family);
          return app && family && <One key={app.id} app={app} family={family} pool={pool} mayChange={mayChange} onChange={keep} />;
        }}
      </DataView>
    </>
  );
}

const withApp = (all: Apps, changed: ProviderAppView): Apps => ({
  ...all, apps: all.apps.some(({ id }) => id === changed.id) ? all.apps.map((one) => (one.id === changed.id ? changed : one)) : [...all.apps, changed],
});

export const familyName = (t: ReturnType<typeof useText>, family: string): string => known(t, `apps.family.${family}`) ?? family;

function List({ data, mayChange }: { data: Data<Apps>; mayChange: boolean }) {
  const t = useText();
  const tenants = usePick((state) => state.session.tenants);
  const make = mayChange && <ButtonLink tone="primary" href={format(settingsAt("apps", null, "new"))} data-testid="new-app">{t("apps.new")}</ButtonLink>;
  return (
    <>
      <PageHead title={t("page.apps")} hint={t("page.appsHint")}><Freshness data={data} />{make}</PageHead>
      <DataView data={data}>
        {({ apps, pool }) => (
          <>
            <h2 className="page-part">{t("apps.pool")}</h2>
            <ul className="cards" data-testid="pool">
              {pool.map((one) => (
                <li key={one.family} className="card" data-few={one.few || undefined} data-testid={`pool-${one.family}`}>
                  <h3>{familyName(t, one.family)}: {t(one.has_places ? "apps.places" : "apps.free", { count: one.free })}</h3>
                  {one.few && <p className="form-problem">{t(one.has_places ? "apps.fewPlaces" : "apps.few")}</p>}
                  <p className="card-note">{t(one.has_places ? "apps.placesForAll" : one.one_tenant ? "apps.onePerTenant" : "apps.oneForAll")}</p>
                </li>
              ))}
            </ul>
            <h2 className="page-part">{t("page.apps")}</h2>
            {apps.length === 0 ? <EmptyState title={t("apps.none")} hint={t("apps.noneHint")} action={make} /> : (
              <ul className="rows" data-testid="apps">
                {apps.map((app) => (
                  <li key={app.id}>
                    <a className="rows-line" href={format(settingsAt("apps", null, app.id))} data-testid="app-line" data-app={app.id}>
                      <strong dir="auto">{app.name}</strong>
                      <span className="tag" data-state={app.state}>{t(`apps.state.${app.state}`)}</span>
                      <span className="rows-more">
                        {familyName(t, app.family)} · <span dir="ltr">{app.external_id}</span>
                        {app.capacity !== null && app.capacity !== undefined && <> · {t("apps.taken", { taken: String(app.channels), capacity: String(app.capacity) })}</>}
                        {app.tenant && <> · <span dir="auto">{tenants.find(({ id }) => id === app.tenant)?.name ?? app.tenant}</span></>}
                      </span>
                    </a>
                  </li>
                ))}
              </ul>
            )}
          </>
        )}
      </DataView>
    </>
  );
}

interface OneProps {
  app: ProviderAppView;
  family: Pool;
  pool: readonly Pool[];
  mayChange: boolean;
  onChange: (app: ProviderAppView) => void;
}

function One({ app, family, pool, mayChange, onChange }: OneProps) {
  const t = useText();
  const at = (path: string) => new URL(`.${path}`, document.baseURI).href;
  const { hook_path: hook } = app;
  return (
    <>
      {hook && <section className="card form" data-testid="app-addresses">
        <h2>{t("apps.addresses")}</h2>
        <p className="form-hint">{t("apps.addressesHint")}</p>
        <CopyField label={t("apps.hook")} value={at(hook)} hint={known(t, `apps.hookHint.${app.family}`) ?? ""} />
        {family.sign_in_kinds.map((kind) => (
          <CopyField key={kind} label={t("apps.redirect", { kind: kindName(t, kind) })} value={at(`/connect/${kind}`)} hint={t("apps.redirectHint")} />
        ))}
        {app.family === "meta" && <CopyField label={t("apps.deauthorize")} value={at(`${hook}/deauthorize`)} hint={t("apps.deauthorizeHint")} />}
        {app.family === "meta" && <CopyField label={t("apps.deletion")} value={at(`${hook}/data-deletion`)} hint={t("apps.deletionHint")} />}
      </section>}
      {mayChange ? <AppForm pool={pool} app={app} onChange={onChange} /> : <p className="card-note">{t("apps.readOnly")}</p>}
    </>
  );
}

// The companies of a business, and the form of a new one.
import { GonePart } from "../components/Gone";
import { useApp, usePick, useText } from "../hooks/app";
import { useByName } from "../hooks/sorted";
import { mayMake, settingsAt } from "../routes/pages";
import { format, inbox } from "../routes/route";
import { can } from "../state/select";
import type { CompanyView, NewCompany } from "../api.gen";
import { ButtonLink } from "../ui/Button";
import { SelectField, TextField } from "../ui/Field";
import { EmptyState } from "../ui/States";
import { Table } from "../ui/Table";
import { useCalls, useNames } from "./data";
import { EditForm, FormEnd, useForm } from "./form";
import { NoticePage } from "./Notice";
import { DataView, Freshness, PageHead, type SectionProps } from "./Parts";

const kinds = ["product", "service", "hybrid"] as const;

export function CompaniesSection({ tenant, thing }: SectionProps) {
  if (thing === null) return <List tenant={tenant} />;
  return thing === "new" ? <New tenant={tenant} /> : <One tenant={tenant} id={thing} />;
}

/** What a company has of its own: its privacy notice, and its country. */
function One({ tenant, id }: { tenant: string; id: string }) {
  const t = useText();
  const data = useNames();
  const company = usePick((state) => state.companies[id]);
  if (company?.tenant === tenant) return <><NoticePage key={id} company={company} /><CountryForm key={`${id} country`} company={company} /></>;
  if (data.phase === "loading") return <PageHead title={t("page.companies")} />;
  return (
    <>
      <PageHead title={t("page.companies")} />
      <div data-testid="gone"><GonePart title={t("gone.title")} hint={t("gone.hint")} to={settingsAt("companies", tenant)} way={t("page.companies")} /></div>
    </>
  );
}

function List({ tenant }: { tenant: string }) {
  const t = useText();
  const data = useNames();
  const all = usePick((state) => state.companies);
  const channels = usePick((state) => state.channels);
  const query = usePick((state) => state.filter);
  const mayAdd = usePick((state) => mayMake(state, "companies", tenant));
  const sorted = useByName();
  const companies = sorted(Object.values(all).filter((one) => one.tenant === tenant));
  const make = mayAdd && <ButtonLink tone="primary" href={format(settingsAt("companies", tenant, "new"))} data-testid="new-company">{t("company.new")}</ButtonLink>;
  return (
    <>
      <PageHead title={t("page.companies")} hint={t("page.companiesHint")}><Freshness data={data} />{make}</PageHead>
      <DataView data={data} isEmpty={() => companies.length === 0} empty={<EmptyState title={t("company.none")} hint={t("company.noneHint")} action={make} />}>
        {() => (
          <div data-testid="companies">
            <Table caption={t("page.companies")} rows={companies} keyOf={({ id }) => id} columns={[
              { key: "name", title: t("company.name"), cell: ({ id, name }) => <a href={format({ ...inbox, query: { ...query, tenant, company: id, channel: null, label: null } })} dir="auto"><strong>{name}</strong></a> },
              { key: "kind", title: t("company.kind"), short: true, cell: ({ kind }) => t(`company.kind.${kind}`) },
              { key: "channels", title: t("page.channels"), short: true, cell: ({ id }) => t("company.channels", { count: Object.values(channels).filter((one) => one.company === id).length }) },
              { key: "notice", title: t("notice.title"), cell: ({ id }) => <a href={format(settingsAt("companies", tenant, id))} data-testid="to-notice">{t("notice.open")}</a> },
            ]} />
          </div>
        )}
      </DataView>
    </>
  );
}

function CountryForm({ company }: { company: CompanyView }) {
  const t = useText();
  const { store } = useApp();
  const calls = useCalls();
  const mayChange = usePick((state) => can(state, company.tenant, "company.update"));
  const form = useForm<{ country: string }>(`company.country.${company.id}`, { country: company.country ?? "" }, {
    fields: ["country"],
    async save(_, { country }) {
      const changed = await calls.setCountry(company.id, country.trim() || null);
      store.apply({ type: "companies", companies: Object.values({ ...store.get().companies, [changed.id]: changed }) });
    },
  });
  return (
    <EditForm form={form} data-testid="country-form">
      <fieldset disabled={!mayChange}>
        <legend>{t("company.country")}</legend>
        <TextField label={t("company.countryCode")} name="country" hint={t("company.countryHint")} maxLength={2} value={form.values.country} data-testid="field-country"
          onChange={(event) => form.set("country", event.target.value.toUpperCase())} />
      </fieldset>
      {mayChange && <FormEnd form={form} words={t("form.save")} />}
    </EditForm>
  );
}

function New({ tenant }: { tenant: string }) {
  const t = useText();
  const { router, store } = useApp();
  const calls = useCalls();
  const form = useForm<{ name: string; kind: NewCompany["kind"] }>(`company.new.${tenant}`, { name: "", kind: "product" }, {
    fields: ["name", "kind"], isNew: true,
    check: ({ name }): Record<string, string> => (name.trim() ? {} : { name: t("form.required") }),
    async save(_, { name, kind }) {
      const company = await calls.makeCompany({ tenant, name: name.trim(), kind });
      store.apply({ type: "companies", companies: [...Object.values(store.get().companies), company] });
      router.go(settingsAt("companies", tenant), "replace");
    },
  });
  return (
    <>
      <PageHead title={t("company.new")} />
      <EditForm form={form}>
        <TextField label={t("company.name")} name="name" required value={form.values.name} data-testid="field-name"
          onChange={(event) => form.set("name", event.target.value)} />
        <SelectField label={t("company.kind")} name="kind" required value={form.values.kind}
          choices={kinds.map((kind) => ({ value: kind, label: t(`company.kind.${kind}`) }))}
          onChange={(event) => form.set("kind", event.target.value as NewCompany["kind"])} />
        <FormEnd form={form} words={t("company.make")} back={format(settingsAt("companies", tenant))} />
      </EditForm>
    </>
  );
}

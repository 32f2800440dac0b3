// The form of a new channel. The provider is told where to deliver on the channel's page, by connecting it.
import { useApp, usePick, useText } from "../hooks/app";
import { Empty } from "../components/Empty";
import { kindKey } from "../i18n/text";
import { settingsAt } from "../routes/pages";
import { format } from "../routes/route";
import { can } from "../state/select";
import { useKeepChannel } from "./Channel";
import { credentialsOf, kinds } from "./credentials";
import { useCalls, type Data } from "./data";
import { Field, FormEnd, useForm } from "./form";
import { DataView, PageHead } from "./Parts";

export function NewChannelPage({ tenant, data }: { tenant: string; data: Data<true> }) {
  const t = useText();
  const all = usePick((state) => state.companies);
  const mayMake = usePick((state) => can(state, tenant, "company.create"));
  const companies = Object.values(all).filter((one) => one.tenant === tenant).sort((a, b) => a.name.localeCompare(b.name));
  return (
    <>
      <PageHead title={t("channels.new")} hint={t("channels.noneHint")} />
      <DataView data={data} isEmpty={() => companies.length === 0}
        empty={<Empty title={t("company.none")} hint={t("company.noneHint")} action={mayMake && <a className="button primary" href={format(settingsAt("companies", tenant, "new"))}>{t("company.new")}</a>} />}>
        {() => <Form tenant={tenant} companies={companies} />}
      </DataView>
    </>
  );
}

function Form({ tenant, companies }: { tenant: string; companies: { id: string; name: string }[] }) {
  const t = useText();
  const { router } = useApp();
  const calls = useCalls();
  const keep = useKeepChannel();
  const empty = { name: "", kind: kinds[0]!, company: companies[0]!.id };
  const form = useForm<Record<string, string>>(`channel.new.${tenant}`, empty, {
    fields: ["name", "kind", "company", ...kinds.flatMap((kind) => credentialsOf(kind).map(({ name }) => `credentials.${name}`))],
    isNew: true,
    check(values) {
      const needed = ["name", ...credentialsOf(values["kind"]!).filter(({ isOptional }) => !isOptional).map(({ name }) => `credentials.${name}`)];
      return Object.fromEntries(needed.filter((field) => !values[field]?.trim()).map((field) => [field, t("form.required")]));
    },
    async save(_, values) {
      const given = credentialsOf(values["kind"]!).map(({ name }) => [name, values[`credentials.${name}`]?.trim() ?? ""] as const);
      const credentials = Object.fromEntries(given.filter(([, value]) => value !== ""));
      const channel = await calls.makeChannel({ tenant, company: values["company"]!, kind: values["kind"]!, name: values["name"]!.trim(), credentials });
      keep(channel);
      router.go(settingsAt("channels", tenant, channel.id), "replace");
    },
  });
  return (
    <form className="card form" ref={form.form} onSubmit={form.submit} noValidate autoComplete="off">
      <Field label={t("channels.kind")} error={form.error("kind")}>
        {(given) => (
          <select {...given} value={form.values["kind"]} data-testid="field-kind" onChange={(event) => form.set("kind", event.target.value)}>
            {kinds.map((kind) => <option key={kind} value={kind}>{t(kindKey(kind))}</option>)}
          </select>
        )}
      </Field>
      <Field label={t("channels.company")} error={form.error("company")}>
        {(given) => (
          <select {...given} value={form.values["company"]} onChange={(event) => form.set("company", event.target.value)}>
            {companies.map(({ id, name }) => <option key={id} value={id}>{name}</option>)}
          </select>
        )}
      </Field>
      <Field label={t("channels.name")} error={form.error("name")}>
        {(given) => <input {...given} value={form.values["name"]} data-testid="field-name" onChange={(event) => form.set("name", event.target.value)} />}
      </Field>
      {credentialsOf(form.values["kind"]!).map(({ name, isSecret }) => (
        <Field key={name} label={t(`credential.${name}`)} error={form.error(`credentials.${name}`)}>
          {(given) => (
            <input {...given} type={isSecret ? "password" : "text"} autoComplete="new-password" dir="ltr" value={form.values[`credentials.${name}`] ?? ""}
              data-testid={`field-${name}`} onChange={(event) => form.set(`credentials.${name}`, event.target.value)} />
          )}
        </Field>
      ))}
      <FormEnd form={form} words={t("channels.make")}>
        <a className="button" href={format(settingsAt("channels", tenant))}>{t("form.cancel")}</a>
      </FormEnd>
    </form>
  );
}

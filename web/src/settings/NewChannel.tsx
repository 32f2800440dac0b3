// The form of a new channel. The provider is told where to deliver on the channel's page, by connecting it.
import { useApp, usePick, useText } from "../hooks/app";
import { useByName } from "../hooks/sorted";
import { kindKey } from "../i18n/text";
import { settingsAt } from "../routes/pages";
import { format } from "../routes/route";
import { can } from "../state/select";
import { ButtonLink } from "../ui/Button";
import { SelectField, TextField } from "../ui/Field";
import { EmptyState } from "../ui/States";
import { useKeepChannel } from "./Channel";
import { credentialsOf, kinds } from "./credentials";
import { useCalls, type Data } from "./data";
import { EditForm, FormEnd, useForm } from "./form";
import { DataView, PageHead } from "./Parts";

export function NewChannelPage({ tenant, data }: { tenant: string; data: Data<true> }) {
  const t = useText();
  const all = usePick((state) => state.companies);
  const mayMake = usePick((state) => can(state, tenant, "company.create"));
  const sorted = useByName();
  const companies = sorted(Object.values(all).filter((one) => one.tenant === tenant));
  return (
    <>
      <PageHead title={t("channels.new")} hint={t("channels.noneHint")} />
      <DataView data={data} isEmpty={() => companies.length === 0}
        empty={<EmptyState title={t("company.none")} hint={t("company.noneHint")} action={mayMake && <ButtonLink tone="primary" href={format(settingsAt("companies", tenant, "new"))}>{t("company.new")}</ButtonLink>} />}>
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
    <EditForm form={form} autoComplete="off">
      <SelectField label={t("channels.kind")} name="kind" required value={form.values["kind"]!}
        choices={kinds.map((kind) => ({ value: kind, label: t(kindKey(kind)) }))} onChange={(event) => form.set("kind", event.target.value)} />
      <SelectField label={t("channels.company")} name="company" required value={form.values["company"]!}
        choices={companies.map(({ id, name }) => ({ value: id, label: name }))} onChange={(event) => form.set("company", event.target.value)} />
      <TextField label={t("channels.name")} name="name" required value={form.values["name"]!} data-testid="field-name"
        onChange={(event) => form.set("name", event.target.value)} />
      {credentialsOf(form.values["kind"]!).map(({ name, isSecret, isOptional }) => (
        <TextField key={name} label={t(`credential.${name}`)} name={`credentials.${name}`} required={!isOptional}
          type={isSecret ? "password" : "text"} autoComplete="new-password" dir="ltr" value={form.values[`credentials.${name}`] ?? ""}
          data-testid={`field-${name}`} onChange={(event) => form.set(`credentials.${name}`, event.target.value)} />
      ))}
      <FormEnd form={form} words={t("channels.make")}>
        <ButtonLink href={format(settingsAt("channels", tenant))}>{t("form.cancel")}</ButtonLink>
      </FormEnd>
    </EditForm>
  );
}

// The form of an app: what it is called, how far it is, whose it is, and its settings at the provider. Secrets are never
// shown; those that are stored stay where nothing is filled in.
import type { AppPatch, NewApp, Pool, ProviderAppView } from "../api.gen";
import { useApp, usePick, useText } from "../hooks/app";
import { useByName } from "../hooks/sorted";
import { settingsAt } from "../routes/pages";
import { format } from "../routes/route";
import { SelectField, TextField } from "../ui/Field";
import { useCalls } from "./data";
import { EditForm, FormEnd, useForm } from "./form";
import { known } from "./kinds";
import { givenOf, SettingFields } from "./SettingFields";

type State = NonNullable<NewApp["state"]>;
const states: readonly State[] = ["draft", "in_review", "approved", "assigned", "retired"];

interface Props {
  pool: readonly Pool[];
  /** Nothing: a new one. */
  app: ProviderAppView | null;
  onChange: (app: ProviderAppView) => void;
}

export function AppForm({ pool, app, onChange }: Props) {
  const t = useText();
  const { router } = useApp();
  const calls = useCalls();
  const tenants = usePick((state) => state.session.tenants);
  const stored = Object.fromEntries(Object.entries(app?.settings ?? {}).map(([name, value]) => [`settings.${name}`, value]));
  const theirs = { family: app?.family ?? (pool.find((one) => !one.has_places) ?? pool[0])?.family ?? "", name: app?.name ?? "", state: app?.state ?? "draft", tenant: app?.tenant ?? "", ...stored };
  const every = pool.flatMap(({ settings }) => settings.map(({ name }) => `settings.${name}`));
  const fieldsIn = (values: Record<string, string>) => pool.find(({ family }) => family === values["family"])?.settings ?? [];
  const form = useForm<Record<string, string>>(`app.${app?.id ?? "new"}`, theirs, {
    fields: ["family", "name", "state", "tenant", ...new Set(every)],
    isNew: app === null,
    check(values) {
      const needed = ["name", ...fieldsIn(values).filter(({ name, required, default: usual }) =>
        required && usual === null && !app?.secrets.includes(name)).map(({ name }) => `settings.${name}`)];
      return Object.fromEntries(needed.filter((field) => !values[field]?.trim()).map((field) => [field, t("form.required")]));
    },
    async save(changed, values) {
      const name = values["name"]!.trim();
      const state = values["state"] as State;
      const tenant = values["tenant"] || null;
      if (app === null) {
        const made = await calls.makeApp({ family: values["family"]!, name, state, tenant, settings: givenOf(fieldsIn(values), "settings", values) });
        onChange(made);
        return router.go(settingsAt("apps", null, made.id), "replace");
      }
      const settings = fieldsIn(values).filter((field) => changed[`settings.${field.name}`] !== undefined)
        .map((field) => [field.name, values[`settings.${field.name}`]!.trim()] as const);
      const patch: AppPatch = { id: app.id, name, state: changed["state"] === undefined ? null : state, tenant: changed["tenant"] ? tenant : null, settings: settings.length > 0 ? Object.fromEntries(settings) : null };
      onChange(await calls.changeApp(patch));
    },
  });
  const family = pool.find((one) => one.family === form.values["family"]);
  const sorted = useByName()(tenants);
  return (
    <EditForm form={form} autoComplete="off" data-testid="app-form">
      {app === null && (
        <SelectField label={t("apps.family")} name="family" required value={form.values["family"]!}
          choices={pool.map((one) => ({ value: one.family, label: known(t, `apps.family.${one.family}`) ?? one.family }))}
          onChange={(event) => form.set("family", event.target.value)} />
      )}
      <TextField label={t("apps.name")} name="name" required value={form.values["name"]!} data-testid="field-name"
        onChange={(event) => form.set("name", event.target.value)} />
      <SelectField label={t("apps.state")} name="state" required value={form.values["state"]!} data-testid="field-state"
        hint={known(t, `apps.stateHint.${form.values["state"]}`) ?? ""} choices={states.map((value) => ({ value, label: t(`apps.state.${value}`) }))}
        onChange={(event) => form.set("state", event.target.value)} />
      {family?.one_tenant && (
        <SelectField label={t("apps.tenant")} name="tenant" hint={t("apps.tenantHint")} value={form.values["tenant"]!} data-testid="field-tenant"
          choices={[...(app?.tenant ? [] : [{ value: "", label: t("apps.noTenant") }]), ...sorted.map(({ id, name }) => ({ value: id, label: name }))]}
          onChange={(event) => form.set("tenant", event.target.value)} />
      )}
      <h2>{t("apps.settings")}</h2>
      <SettingFields form={form} fields={family?.settings ?? []} of="appSetting" prefix="settings" more={t("apps.servers")} secrets={app?.secrets ?? []} />
      <FormEnd form={form} {...(app === null && { words: t("apps.make"), back: format(settingsAt("apps")) })} />
    </EditForm>
  );
}

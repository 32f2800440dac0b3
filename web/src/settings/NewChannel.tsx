// A new channel: first the choice of a provider, then what it needs: signing in there, or its credentials by hand.
import { useState } from "react";
import { ChannelIcon } from "../components/Icons";
import { GonePart } from "../components/Gone";
import { useApp, usePick, useText } from "../hooks/app";
import { useByName } from "../hooks/sorted";
import { settingsAt } from "../routes/pages";
import { format, kindOfNew } from "../routes/route";
import { can } from "../state/select";
import type { ChannelKind } from "../api.gen";
import { ButtonLink } from "../ui/Button";
import { SelectField, TextField } from "../ui/Field";
import { EmptyState } from "../ui/States";
import { useKeepChannel } from "./Channel";
import { connectTitle, inWords } from "./connect_words";
import { useCalls, type Data } from "./data";
import { EditForm, FormEnd, useForm } from "./form";
import { abilitiesOf, fieldsOf, freshName, kindName, needOf, stepsOf, useKinds } from "./kinds";
import { DataView, PageHead } from "./Parts";
import { givenOf, SettingFields } from "./SettingFields";
import { SignInAt } from "./SignInAt";

interface Company { id: string; name: string }

export function NewChannelPage({ tenant, thing, data }: { tenant: string; thing: string; data: Data<true> }) {
  const t = useText();
  const chosen = kindOfNew(thing);
  const kinds = useKinds();
  const all = usePick((state) => state.companies);
  const mayMake = usePick((state) => can(state, tenant, "company.create"));
  const sorted = useByName();
  const companies = sorted(Object.values(all).filter((one) => one.tenant === tenant));
  const needsCompany = (
    <EmptyState title={t("company.none")} hint={t("company.noneHint")} action={mayMake && <ButtonLink tone="primary" href={format(settingsAt("companies", tenant, "new"))}>{t("company.new")}</ButtonLink>} />
  );
  return (
    <>
      <PageHead title={chosen === null ? t("channels.new") : connectTitle(t, chosen)} hint={chosen === null ? t("connect.choose") : undefined} />
      {chosen !== null && <p className="ways"><a href={format(settingsAt("channels", tenant, "new"))}>‹ {t("connect.others")}</a></p>}
      <DataView data={data} isEmpty={() => companies.length === 0} empty={needsCompany}>
        {() => (
          <DataView data={kinds}>
            {(known) => {
              if (chosen === null) return <Choice tenant={tenant} kinds={known} />;
              const kind = known.find(({ name }) => name === chosen);
              if (kind) return <OfKind key={chosen} tenant={tenant} kind={kind} companies={companies} />;
              return <div data-testid="gone"><GonePart title={t("connect.unknownKind")} hint={t("connect.unknownKindHint")} to={settingsAt("channels", tenant, "new")} way={t("channels.new")} /></div>;
            }}
          </DataView>
        )}
      </DataView>
    </>
  );
}

function Choice({ tenant, kinds }: { tenant: string; kinds: readonly ChannelKind[] }) {
  const t = useText();
  return (
    <ul className="cards" data-testid="kinds">
      {kinds.map((kind) => (
        <li key={kind.name} className="card kind">
          <h2><ChannelIcon kind={kind.name} /> <a href={format(settingsAt("channels", tenant, `new-${kind.name}`))} data-testid={`kind-${kind.name}`}>{kindName(t, kind.name)}</a></h2>
          <p className="card-note">{needOf(t, kind.name)}</p>
          <ul className="tags" aria-label={t("connect.can")}>
            {abilitiesOf(t, kind).map((one) => <li key={one} className="tag">{one}</li>)}
          </ul>
        </li>
      ))}
    </ul>
  );
}

function OfKind({ tenant, kind, companies }: { tenant: string; kind: ChannelKind; companies: readonly Company[] }) {
  const t = useText();
  const [company, setCompany] = useState(companies[0]!.id);
  const steps = stepsOf(t, kind.name);
  const choices = companies.map(({ id, name }) => ({ value: id, label: name }));
  return (
    <>
      {steps.length > 0 && <ol className="steps">{steps.map((step) => <li key={step}>{step}</li>)}</ol>}
      {kind.sign_in ? (
        <>
          <div className="card form">
            <SelectField label={t("channels.company")} name="company" required value={company} choices={choices} onChange={(event) => setCompany(event.target.value)} />
            <SignInAt tenant={tenant} company={company} kind={kind.name} />
          </div>
          <details className="by-hand" data-testid="by-hand">
            <summary>{t("connect.byHand")}</summary>
            <p className="form-hint">{t("connect.byHandHint")}</p>
            <Form tenant={tenant} kind={kind} companies={companies} />
          </details>
        </>
      ) : <Form tenant={tenant} kind={kind} companies={companies} />}
    </>
  );
}

/** Makes the channel and connects it. What the provider refuses then stands on the channel's page, where it is mended. */
function Form({ tenant, kind, companies }: { tenant: string; kind: ChannelKind; companies: readonly Company[] }) {
  const t = useText();
  const { router } = useApp();
  const calls = useCalls();
  const keep = useKeepChannel();
  const [isGiven, setGiven] = useState(kind.given.length > 0);
  const fields = fieldsOf(kind).filter((field) => !isGiven || !kind.given.includes(field.name));
  const channels = usePick((state) => state.channels);
  // Kept: the channel that is made here takes the name.
  const [name] = useState(() => freshName(kindName(t, kind.name), Object.values(channels).filter((one) => one.tenant === tenant).map((one) => one.name)));
  const empty = { name, company: companies[0]!.id };
  const form = useForm<Record<string, string>>(`channel.new.${tenant}.${kind.name}`, empty, {
    fields: ["name", "kind", "company", ...fields.map(({ name }) => `credentials.${name}`)],
    isNew: true,
    check(values) {
      const needed = ["name", ...fields.filter((field) => field.required && field.default === null).map(({ name }) => `credentials.${name}`)];
      return Object.fromEntries(needed.filter((field) => !values[field]?.trim()).map((field) => [field, t("form.required")]));
    },
    async save(_, values) {
      const credentials = givenOf(fields, "credentials", values);
      const made = { tenant, company: values["company"]!, kind: kind.name, name: values["name"]!.trim(), credentials };
      const channel = await calls.makeChannel(made).catch((error: unknown) => { throw inWords(t, error); });
      keep(channel);
      // A refusal becomes the channel's health.
      await calls.connectChannel(channel.id).then(keep, () => undefined);
      router.go(settingsAt("channels", tenant, channel.id), "replace");
    },
  });
  return (
    <EditForm form={form} autoComplete="off">
      <SelectField label={t("channels.company")} name="company" required value={form.values["company"]!}
        choices={companies.map(({ id, name }) => ({ value: id, label: name }))} onChange={(event) => form.set("company", event.target.value)} />
      <TextField label={t("channels.name")} name="name" required value={form.values["name"]!} data-testid="field-name"
        onChange={(event) => form.set("name", event.target.value)} />
      {kind.given.length > 0 && (
        <SelectField label={t("connect.server")} name="server" value={isGiven ? "given" : "own"} hint={t(isGiven ? "connect.serverGivenHint" : "connect.serverOwnHint")} data-testid="field-server"
          choices={[{ value: "given", label: t("connect.serverGiven") }, { value: "own", label: t("connect.serverOwn") }]} onChange={(event) => setGiven(event.target.value === "given")} />
      )}
      <SettingFields form={form} fields={fields} of="credential" prefix="credentials" more={t("connect.more")} />
      <FormEnd form={form} words={t("channels.make")} back={format(settingsAt("channels", tenant))} />
    </EditForm>
  );
}

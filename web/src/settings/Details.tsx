// What a business knows of its customers: its labels, and the attributes that people fill in. A retired attribute is not offered
// any more; what is known of it stays.
import { useCallback, useState } from "react";
import { useApp, useText } from "../hooks/app";
import type { Attribute, AttributeBody, Label } from "../api.gen";
import { reasonOf } from "../services/problem";
import { Button } from "../ui/Button";
import { SelectField, TextArea, TextField } from "../ui/Field";
import { useCalls, useData } from "./data";
import { EditForm, FormEnd, useForm } from "./form";
import { DataView, Freshness, PageHead, type SectionProps } from "./Parts";

const kinds = ["text", "number", "date", "choice", "yes_no", "address"] as const;
const firstColour = "#3366cc";

export function DetailsPage({ tenant }: SectionProps) {
  const t = useText();
  const calls = useCalls();
  const data = useData(useCallback(async () => {
    const [labels, attributes] = await Promise.all([calls.labels(tenant), calls.attributes(tenant)]);
    return { labels, attributes };
  }, [calls, tenant]));
  return (
    <>
      <PageHead title={t("page.details")} hint={t("page.detailsHint")}><Freshness data={data} /></PageHead>
      <DataView data={data}>
        {({ labels, attributes }) => (
          <>
            <Labels key={`${tenant} labels`} tenant={tenant} labels={labels} again={data.again} />
            <AttributeList key={`${tenant} attributes`} tenant={tenant} attributes={attributes} again={data.again} />
          </>
        )}
      </DataView>
    </>
  );
}

function Labels({ tenant, labels, again }: { tenant: string; labels: readonly Label[]; again: () => void }) {
  const t = useText();
  const { store } = useApp();
  const calls = useCalls();
  const [failed, setFailed] = useState<string | null>(null);
  const [removing, setRemoving] = useState<string | null>(null);
  const remove = async (label: string) => {
    setRemoving(label);
    try {
      while (!(await calls.removeLabel(tenant, label)).is_gone);
      store.apply({ type: "label.gone", label });
      setFailed(null);
      again();
    } catch (error) {
      setFailed(reasonOf(error));
    } finally {
      setRemoving(null);
    }
  };
  const form = useForm<{ name: string; colour: string }>(`label.new.${tenant}`, { name: "", colour: firstColour }, {
    fields: ["name", "colour"], isNew: true,
    check: ({ name }): Record<string, string> => (name.trim() ? {} : { name: t("form.required") }),
    async save(_, { name, colour }) {
      store.apply({ type: "labels", tenant, labels: [await calls.putLabel({ tenant, label: null, name: name.trim(), colour })] });
      form.reset();
      again();
    },
  });
  return (
    <section aria-label={t("person.labels")}>
      <h2>{t("person.labels")}</h2>
      {failed !== null && <p role="alert">{failed}</p>}
      {labels.length === 0 ? <p>{t("person.noLabels")}</p> : (
        <ul className="rows" data-testid="labels">
          {labels.map(({ id, name, colour }) => (
            <li key={id} className="rows-line" data-testid="label-line">
              <span className="row-label" dir="auto" style={{ borderColor: colour }}>{name}</span>
              <Button small disabled={removing !== null} data-testid="label-remove" onClick={() => void remove(id)}>{t("details.remove", { name })}</Button>
            </li>
          ))}
        </ul>
      )}
      <EditForm form={form}>
        <TextField label={t("person.newLabel")} name="name" required maxLength={40} value={form.values.name} data-testid="field-label"
          onChange={(event) => form.set("name", event.target.value)} />
        <TextField label={t("person.colour")} name="colour" type="color" required value={form.values.colour}
          onChange={(event) => form.set("colour", event.target.value)} />
        <FormEnd form={form} words={t("person.addLabel")} />
      </EditForm>
    </section>
  );
}

function AttributeList({ tenant, attributes, again }: { tenant: string; attributes: readonly Attribute[]; again: () => void }) {
  const t = useText();
  const calls = useCalls();
  const [failed, setFailed] = useState<string | null>(null);
  const change = async ({ id, name, kind, rules }: Attribute, retired: boolean) => {
    try {
      await calls.putAttribute({ tenant, attribute: id, name, kind, rules: { ...rules, retired } });
      setFailed(null);
      again();
    } catch (error) {
      setFailed(reasonOf(error));
    }
  };
  const form = useForm<{ name: string; kind: Attribute["kind"]; choices: string }>(`attribute.new.${tenant}`, { name: "", kind: "text", choices: "" }, {
    fields: ["name", "kind", "rules.choices"], isNew: true,
    check: ({ name, kind, choices }): Record<string, string> => ({
      ...(name.trim() ? {} : { name: t("form.required") }),
      ...(kind === "choice" && linesOf(choices).length === 0 ? { "rules.choices": t("form.required") } : {}),
    }),
    async save(_, { name, kind, choices }) {
      const rules: AttributeBody["rules"] = { min: null, max: null, max_length: null, choices: kind === "choice" ? linesOf(choices) : [], retired: false };
      await calls.putAttribute({ tenant, attribute: null, name: name.trim(), kind, rules });
      form.reset();
      again();
    },
  });
  return (
    <section aria-label={t("person.attributes")}>
      <h2>{t("person.attributes")}</h2>
      {failed !== null && <p role="alert">{failed}</p>}
      {attributes.length === 0 ? <p>{t("details.none")}</p> : (
        <ul className="rows" data-testid="attributes">
          {attributes.map((one) => (
            <li key={one.id} className="rows-line" data-testid="attribute-line">
              <strong dir="auto">{one.name}</strong>
              <span className="rows-more" dir="auto">{[t(`details.kind.${one.kind}`), ...(one.rules.choices ?? [])].join(" · ")}</span>
              {one.rules.retired && <span className="tag">{t("details.retired")}</span>}
              <Button small data-testid="attribute-retire" onClick={() => void change(one, !one.rules.retired)}>
                {t(one.rules.retired ? "details.restore" : "details.retire", { name: one.name })}
              </Button>
            </li>
          ))}
        </ul>
      )}
      <EditForm form={form}>
        <TextField label={t("details.newAttribute")} name="name" required maxLength={60} value={form.values.name} data-testid="field-attribute"
          onChange={(event) => form.set("name", event.target.value)} />
        <SelectField label={t("details.kind")} name="kind" required value={form.values.kind} data-testid="field-kind"
          choices={kinds.map((kind) => ({ value: kind, label: t(`details.kind.${kind}`) }))}
          onChange={(event) => form.set("kind", event.target.value as Attribute["kind"])} />
        {form.values.kind === "choice" && (
          <TextArea label={t("details.choices")} name="rules.choices" required rows={4} value={form.values.choices} data-testid="field-choices"
            onChange={(event) => form.set("choices", event.target.value)} />
        )}
        <FormEnd form={form} words={t("details.add")} />
      </EditForm>
    </section>
  );
}

const linesOf = (text: string) => [...new Set(text.split("\n").map((line) => line.trim()).filter((line) => line !== ""))];

// The form of a tracked link, new or known.
import { useState } from "react";
import { useApp, useText } from "../hooks/app";
import { settingsAt } from "../routes/pages";
import { format } from "../routes/route";
import { reasonOf } from "../services/problem";
import type { ChannelView, Link } from "../api.gen";
import { Button } from "../ui/Button";
import { DateField } from "../ui/DateField";
import { Confirm } from "../ui/Dialog";
import { SelectField, TextArea, TextField } from "../ui/Field";
import { Switch } from "../ui/Toggles";
import { useCalls } from "./data";
import { EditForm, FormEnd, useForm, type FormOf } from "./form";

const marks = ["source", "medium", "content", "term"] as const;
const shown = ["name", "channel", "target", "text", "campaign", "expires_at"] as const;

interface Values extends Record<string, unknown> {
  name: string;
  channel: string;
  target: string;
  text: string;
  campaign: string;
  source: string;
  medium: string;
  content: string;
  term: string;
  active: boolean;
  expires_at: number | null;
}

const hasText = (kind: string) => kind === "waha" || kind === "whatsapp-cloud";
const utmOf = (values: Values, campaign: string | null) => ({
  source: values.source || null, medium: values.medium || null, content: values.content || null, term: values.term || null, campaign,
});

export function NewLinkForm({ tenant, channels, keep }: { tenant: string; channels: readonly ChannelView[]; keep: (made: Link) => void }) {
  const t = useText();
  const { router } = useApp();
  const calls = useCalls();
  const theirs: Values = { name: "", channel: channels[0]?.id ?? "", target: "", text: "", campaign: "", source: "", medium: "", content: "", term: "", active: true, expires_at: null };
  const form = useForm<Values>(`link.new.${tenant}`, theirs, {
    fields: shown, isNew: true,
    check: ({ name, target }): Record<string, string> => ({ ...(!name.trim() && { name: t("form.required") }), ...(!target.trim() && { target: t("form.required") }) }),
    async save(_, values) {
      const { name, channel, target, text, campaign, expires_at } = values;
      const writes = hasText(channels.find(({ id }) => id === channel)?.kind ?? "");
      const link = await calls.makeLink({ tenant, name, channel, target, campaign, expires_at, text: writes ? text : null, utm: utmOf(values, campaign || null) });
      keep(link);
      router.go(settingsAt("links", tenant, link.id), "replace");
    },
  });
  const kind = channels.find(({ id }) => id === form.values.channel)?.kind ?? "";
  return (
    <EditForm form={form} data-testid="link-form">
      <SelectField label={t("links.channel")} name="channel" required value={form.values.channel} choices={channels.map(({ id, name }) => ({ value: id, label: name }))}
        onChange={(event) => form.set("channel", event.target.value)} />
      <Fields form={form} kind={kind} />
      <FormEnd form={form} words={t("links.make")} back={format(settingsAt("links", tenant))} />
    </EditForm>
  );
}

export function EditLink({ link, onChanged }: { link: Link; onChanged: (link: Link) => void }) {
  const t = useText();
  const calls = useCalls();
  const { utm } = link;
  const theirs: Values = {
    name: link.name, channel: link.channel, target: link.target, text: link.text ?? "", campaign: link.campaign ?? "", source: utm.source ?? "",
    medium: utm.medium ?? "", content: utm.content ?? "", term: utm.term ?? "", active: link.active, expires_at: link.expires_at,
  };
  const form = useForm<Values>(`link.${link.id}`, theirs, {
    fields: shown,
    async save(changed, values) {
      const { name, target, text, campaign, active, expires_at } = changed;
      const marked = marks.some((mark) => changed[mark] !== undefined) || campaign !== undefined;
      onChanged(await calls.changeLink(link.id, {
        ...(name !== undefined && { name }), ...(target !== undefined && { target }), ...(text !== undefined && { text }),
        ...(campaign !== undefined && { campaign }), ...(active !== undefined && { active }),
        ...(expires_at !== undefined && { expires_at: expires_at ?? 0 }),
        ...(marked && { utm: utmOf(values, values.campaign || null) }),
      }));
    },
  });
  return (
    <EditForm form={form} data-testid="link-form">
      <Fields form={form} kind={link.channel_kind} />
      <Switch label={t("links.active")} checked={form.values.active} onChange={(active) => form.set("active", active)} />
      <FormEnd form={form}><Remove link={link} /></FormEnd>
    </EditForm>
  );
}

function Fields({ form, kind }: { form: FormOf<Values>; kind: string }) {
  const t = useText();
  const { values } = form;
  return (
    <>
      <TextField label={t("links.name")} name="name" required hint={t("links.nameHint")} value={values.name} data-testid="field-name" onChange={(event) => form.set("name", event.target.value)} />
      <TextField label={t("links.target")} name="target" required hint={t("links.targetHint")} value={values.target} dir="ltr" data-testid="field-target"
        onChange={(event) => form.set("target", event.target.value)} />
      {hasText(kind) && (
        <TextArea label={t("links.text")} name="text" hint={t("links.textHint")} value={values.text} maxLength={500} dir="auto" onChange={(event) => form.set("text", event.target.value)} />
      )}
      <TextField label={t("links.campaign")} name="campaign" value={values.campaign} maxLength={200} onChange={(event) => form.set("campaign", event.target.value)} />
      {marks.map((mark) => (
        <TextField key={mark} label={t(`links.utm.${mark}`)} value={values[mark]} maxLength={200} data-testid={`field-${mark}`} onChange={(event) => form.set(mark, event.target.value)} />
      ))}
      <DateField label={t("links.expires")} name="expires_at" kind="datetime-local" value={values.expires_at} onChange={(at) => form.set("expires_at", at)} />
    </>
  );
}

function Remove({ link }: { link: Link }) {
  const t = useText();
  const { router } = useApp();
  const calls = useCalls();
  const [sure, setSure] = useState(false);
  const [busy, setBusy] = useState(false);
  const [reason, setReason] = useState<string | null>(null);
  async function remove() {
    setBusy(true);
    try {
      await calls.removeLink(link.id);
      router.go(settingsAt("links", link.tenant), "replace");
    } catch (error) {
      setReason(t("act.failed", { reason: reasonOf(error) }));
      setBusy(false);
      setSure(false);
    }
  }
  return (
    <>
      <Button onClick={() => setSure(true)} data-testid="remove-link">{t("links.remove")}</Button>
      {reason !== null && <p className="form-problem" role="alert">{reason}</p>}
      <Confirm open={sure} onClose={() => setSure(false)} onConfirm={() => void remove()} busy={busy} danger
        title={t("links.removeSure")} hint={t("links.removeHint")} action={t("links.remove")} />
    </>
  );
}

// The form of a channel's AI windows. Times are seconds here and milliseconds at the server; texts are lines.
import { usePick, useText } from "../hooks/app";
import { can } from "../state/select";
import type { ChannelSettings, ChannelView } from "../api.gen";
import { useKeepChannel } from "./Channel";
import { useCalls } from "./data";
import { Field, FormEnd, useForm } from "./form";
import { fromWritten, toWritten, windowFields, type Written } from "./window_fields";

export function WindowForm({ channel }: { channel: ChannelView }) {
  const t = useText();
  const calls = useCalls();
  const keep = useKeepChannel();
  const mayChange = usePick((state) => can(state, channel.tenant, "channel.update"));
  const form = useForm<Written>(`windows.${channel.id}`, toWritten(channel.settings), {
    fields: windowFields.map(({ name }) => `settings.${name}`),
    check: (values) => Object.fromEntries(windowFields.flatMap(({ name, kind }) => {
      const field = `settings.${name}`;
      const isNumber = kind === "seconds" || kind === "count";
      return isNumber && fromWritten(kind, values[field]!) === null ? [[field, t("form.number")]] : [];
    })),
    async save(changed) {
      const settings = Object.fromEntries(windowFields.flatMap(({ name, kind }) => {
        const value = changed[`settings.${name}`];
        return value === undefined ? [] : [[name, fromWritten(kind, value)]];
      }));
      keep(await calls.changeChannel(channel.id, { settings: settings as unknown as ChannelSettings }));
    },
  });
  return (
    <form className="card form" ref={form.form} onSubmit={form.submit} noValidate data-testid="window-form">
      {(["gather", "answer", "phone"] as const).map((part) => (
        <fieldset key={part} disabled={!mayChange}>
          <legend>{t(`windows.${part}`)}</legend>
          {windowFields.filter((one) => one.part === part).map(({ name, kind, hint }) => {
            const field = `settings.${name}`;
            const value = form.values[field]!;
            if (kind === "switch") {
              return (
                <label key={name} className="form-check">
                  <input type="checkbox" checked={value === "true"} data-testid={`field-${name}`} onChange={(event) => form.set(field, String(event.target.checked))} />
                  <span>{t(`windows.${name}`)}</span>
                </label>
              );
            }
            return (
              <Field key={name} label={t(`windows.${name}`)} hint={hint && t(hint)} error={form.error(field)}>
                {(given) => kind === "lines" || kind === "texts"
                  ? <textarea {...given} rows={3} dir="auto" value={value} data-testid={`field-${name}`} onChange={(event) => form.set(field, event.target.value)} />
                  : <input {...given} inputMode="decimal" className="form-number" value={value} data-testid={`field-${name}`} onChange={(event) => form.set(field, event.target.value)} />}
              </Field>
            );
          })}
        </fieldset>
      ))}
      <FormEnd form={form} />
    </form>
  );
}

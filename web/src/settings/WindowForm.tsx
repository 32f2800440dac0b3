// The form of a channel's AI windows. Times are seconds here and milliseconds at the server; texts are lines.
import { usePick, useText } from "../hooks/app";
import { can } from "../state/select";
import type { ChannelSettings, ChannelView } from "../api.gen";
import { TextArea, TextField } from "../ui/Field";
import { Checkbox } from "../ui/Toggles";
import { useKeepChannel } from "./Channel";
import { useCalls } from "./data";
import { EditForm, FormEnd, useForm } from "./form";
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
    <EditForm form={form} data-testid="window-form">
      {(["gather", "answer", "phone", "wishes"] as const).map((part) => (
        <fieldset key={part} disabled={!mayChange}>
          <legend>{t(`windows.${part}`)}</legend>
          {windowFields.filter((one) => one.part === part && (one.of ?? channel.kind) === channel.kind).map(({ name, kind, hint }) => {
            const field = `settings.${name}`;
            const value = form.values[field]!;
            const label = t(`windows.${name}`);
            const more = { label, name: field, hint: hint && t(hint), value, "data-testid": `field-${name}` };
            if (kind === "switch") {
              return <Checkbox key={name} label={label} name={field} checked={value === "true"} onChange={(checked) => form.set(field, String(checked))} />;
            }
            if (kind === "lines" || kind === "texts") {
              return <TextArea key={name} {...more} dir="auto" onChange={(event) => form.set(field, event.target.value)} />;
            }
            return <TextField key={name} {...more} required inputMode="decimal" onChange={(event) => form.set(field, event.target.value)} />;
          })}
        </fieldset>
      ))}
      <FormEnd form={form} />
    </EditForm>
  );
}

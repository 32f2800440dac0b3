// The fields of credentials or of an app's settings, as the server describes them: first what is needed, then what most
// leave as it is.
import type { SettingField } from "../api.gen";
import { useText } from "../hooks/app";
import { TextField } from "../ui/Field";
import type { FormOf } from "./form";
import { fieldHint, fieldLabel, type FieldsOf } from "./kinds";

interface Props {
  form: FormOf<Record<string, string>>;
  fields: readonly SettingField[];
  of: FieldsOf;
  /** Before the name of a field in the form, as the server names it in refusals. */
  prefix: "credentials" | "settings";
  /** The heading over what most leave as it is. */
  more: string;
  /** Stored values stay where nothing is filled in. */
  isKept?: boolean;
  /** The secrets that are stored. */
  secrets?: readonly string[];
}

/** Of servers and proxies of one's own. */
const rare = ["files_base", "media_host", "media_hosts", "api_version"];
const isCommon = ({ required, binds, name }: SettingField): boolean => required || (binds !== "address" && !rare.includes(name));

export function SettingFields({ form, fields, of, prefix, more, isKept = false, secrets = [] }: Props) {
  const t = useText();
  const draw = (field: SettingField) => {
    const name = `${prefix}.${field.name}`;
    return (
      <TextField key={name} label={fieldLabel(t, of, field)} name={name} required={field.required && !isKept}
        hint={secrets.includes(field.name) ? t("apps.secretKept") : fieldHint(t, of, field)} type={field.secret ? "password" : "text"}
        autoComplete="new-password" dir="ltr" placeholder={field.default ?? ""} value={form.values[name] ?? ""}
        data-testid={`field-${field.name}`} onChange={(event) => form.set(name, event.target.value)} />
    );
  };
  const rest = fields.filter((field) => !isCommon(field));
  // What is wrong has to be seen.
  const isWrong = rest.some(({ name }) => form.errors[`${prefix}.${name}`] !== undefined);
  return (
    <>
      {fields.filter(isCommon).map(draw)}
      {rest.length > 0 && (
        <details className="form-more" open={isWrong || undefined}>
          <summary>{more}</summary>
          <div className="form-more-fields">{rest.map(draw)}</div>
        </details>
      )}
    </>
  );
}

/** The values that are given, by the names of their fields. */
export function givenOf(fields: readonly SettingField[], prefix: Props["prefix"], values: Record<string, string | undefined>): Record<string, string> {
  const given = fields.map(({ name }) => [name, values[`${prefix}.${name}`]?.trim() ?? ""] as const);
  return Object.fromEntries(given.filter(([, value]) => value !== ""));
}

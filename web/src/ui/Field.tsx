// A field: its name, its hint, what is wrong with it, tied together for those who cannot see it. `name` is the one of
// the API, by which a refusal of the server finds it.
import { Field as Base } from "@base-ui/react/field";
import type { InputHTMLAttributes, ReactNode, Ref, SelectHTMLAttributes, TextareaHTMLAttributes } from "react";
import { useText } from "../hooks/app";
import { useRefusal } from "./refusals";
import "./control.css";

export interface FieldProps {
  label: string;
  name?: string | undefined;
  hint?: ReactNode;
  /** What the page itself finds wrong. */
  error?: string | undefined;
  required?: boolean | undefined;
}

export function FieldFrame({ label, name, hint, error, required = false, children }: FieldProps & { children: ReactNode }) {
  const t = useText();
  const refusal = useRefusal(name);
  const said = error ?? refusal;
  return (
    <Base.Root className="ui-field" {...(name !== undefined && { name })} {...(said !== undefined && { invalid: true })}>
      <Base.Label className="ui-label">{label}{!required && <span className="ui-optional"> {t("ui.optional")}</span>}</Base.Label>
      {children}
      {hint && <Base.Description className="ui-hint">{hint}</Base.Description>}
      <FieldErrors said={said} />
    </Base.Root>
  );
}

/** The browser's own words are in the browser's language, so each kind of them has words of ours. */
export function FieldErrors({ said }: { said: string | undefined }) {
  const t = useText();
  if (said !== undefined) return <Base.Error className="ui-error" match>{said}</Base.Error>;
  return (
    <>
      <Base.Error className="ui-error" match="valueMissing">{t("ui.missing")}</Base.Error>
      <Base.Error className="ui-error" match="typeMismatch">{t("ui.mistyped")}</Base.Error>
      <Base.Error className="ui-error" match="badInput">{t("ui.mistyped")}</Base.Error>
      <Base.Error className="ui-error" match="patternMismatch">{t("ui.mistyped")}</Base.Error>
      <Base.Error className="ui-error" match="rangeUnderflow">{t("ui.tooSmall")}</Base.Error>
      <Base.Error className="ui-error" match="rangeOverflow">{t("ui.tooLarge")}</Base.Error>
      <Base.Error className="ui-error" match="tooShort">{t("ui.tooShort")}</Base.Error>
      <Base.Error className="ui-error" match="tooLong">{t("ui.tooLong")}</Base.Error>
    </>
  );
}

type Rest<E> = Omit<E, "name" | "required" | "children" | "defaultValue" | "value">;

interface TextProps extends FieldProps, Rest<InputHTMLAttributes<HTMLInputElement>> {
  value?: string;
  defaultValue?: string;
  /** What stands at the end inside the field, such as a button that shows a password. */
  end?: ReactNode;
  ref?: Ref<HTMLInputElement>;
  "data-testid"?: string;
}

export function TextField({ label, name, hint, error, required = false, end, ...rest }: TextProps) {
  const input = <Base.Control {...rest} required={required} className="ui-input" />;
  return (
    <FieldFrame {...{ label, name, hint, error, required }}>
      {end ? <span className="ui-input-line">{input}{end}</span> : input}
    </FieldFrame>
  );
}

interface AreaProps extends FieldProps, Rest<TextareaHTMLAttributes<HTMLTextAreaElement>> {
  value?: string;
  defaultValue?: string;
}

export function TextArea({ label, name, hint, error, required = false, value, defaultValue, rows = 3, ...rest }: AreaProps) {
  return (
    <FieldFrame {...{ label, name, hint, error, required }}>
      <Base.Control render={<textarea {...rest} rows={rows} />} required={required} className="ui-input"
        {...(value !== undefined && { value })} {...(defaultValue !== undefined && { defaultValue })} />
    </FieldFrame>
  );
}

interface SelectProps extends FieldProps, Rest<SelectHTMLAttributes<HTMLSelectElement>> {
  choices: readonly { value: string; label: string; disabled?: boolean }[];
  value?: string;
  defaultValue?: string;
}

/** The browser's own select: its list is the system's on a phone, and it is never clipped. */
export function SelectField({ label, name, hint, error, required = false, choices, value, defaultValue, ...rest }: SelectProps) {
  return (
    <FieldFrame {...{ label, name, hint, error, required }}>
      <Base.Control required={required} className="ui-input ui-select" {...(value !== undefined && { value })} {...(defaultValue !== undefined && { defaultValue })}
        render={<select {...rest}>{choices.map((choice) => <option key={choice.value} value={choice.value} disabled={choice.disabled}>{choice.label}</option>)}</select>} />
    </FieldFrame>
  );
}

// A day or a moment, and a range of days. The browser's own field, which takes dates as its user writes them; the hint
// says the date in the language of the page, since the two may differ.
import { Field as Base } from "@base-ui/react/field";
import { useText } from "../hooks/app";
import { FieldFrame, type FieldProps } from "./Field";
import { dayAfter, fromLocal, isBackwards, toLocal, type Range } from "./moment";
import "./control.css";

interface Props extends FieldProps {
  kind?: "date" | "datetime-local";
  value: number | null;
  onChange: (at: number | null) => void;
  min?: number;
  max?: number;
  disabled?: boolean;
}

export function DateField({ kind = "date", value, onChange, min, max, disabled = false, hint, ...field }: Props) {
  const t = useText();
  const said = value === null ? null : kind === "date" ? t.date(value) : t.full(value);
  return (
    <FieldFrame {...field} hint={<>{hint}{hint && said && " · "}{said}</>}>
      <Base.Control type={kind} className="ui-input ui-date" required={field.required ?? false} disabled={disabled} dir="ltr"
        {...(min !== undefined && { min: toLocal(min, kind) })} {...(max !== undefined && { max: toLocal(max, kind) })}
        value={value === null ? "" : toLocal(value, kind)} onValueChange={(text: string) => onChange(fromLocal(text))} />
    </FieldFrame>
  );
}

/** Days from the first to the last, both included; `until` of the range is the start of the day after the last. */
export function DateRangeField({ label, value, onChange }: { label: string; value: Range; onChange: (range: Range) => void }) {
  const t = useText();
  const backwards = isBackwards(value);
  return (
    <fieldset className="ui-range">
      <legend className="ui-label">{label}</legend>
      <DateField label={t("ui.from")} required value={value.since} onChange={(since) => onChange({ ...value, since })} />
      <DateField label={t("ui.until")} required value={value.until === null ? null : dayAfter(value.until, -1)} error={backwards ? t("ui.backwards") : undefined}
        onChange={(last) => onChange({ ...value, until: last === null ? null : dayAfter(last, 1) })} />
    </fieldset>
  );
}

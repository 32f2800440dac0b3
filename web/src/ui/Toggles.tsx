// A checkbox for what is said when a form is sent, a switch for what is done at once.
import { Checkbox as BaseCheckbox } from "@base-ui/react/checkbox";
import { Field as Base } from "@base-ui/react/field";
import { Switch as BaseSwitch } from "@base-ui/react/switch";
import type { ReactNode } from "react";
import { FieldErrors } from "./Field";
import { TickIcon } from "./icons";
import { useRefusal } from "./refusals";
import "./control.css";

interface Props {
  label: string;
  name?: string;
  hint?: ReactNode;
  checked?: boolean;
  defaultChecked?: boolean;
  onChange?: (checked: boolean) => void;
  disabled?: boolean;
  required?: boolean;
}

function given({ checked, defaultChecked, onChange, disabled = false }: Props) {
  return {
    disabled,
    ...(checked !== undefined && { checked }),
    ...(defaultChecked !== undefined && { defaultChecked }),
    ...(onChange && { onCheckedChange: (now: boolean) => onChange(now) }),
  };
}

export function Checkbox(props: Props) {
  return (
    <Line {...props}>
      <BaseCheckbox.Root {...given(props)} required={props.required ?? false} className="ui-checkbox">
        <BaseCheckbox.Indicator className="ui-checkbox-tick"><TickIcon /></BaseCheckbox.Indicator>
      </BaseCheckbox.Root>
    </Line>
  );
}

export function Switch(props: Props) {
  return (
    <Line {...props}>
      <BaseSwitch.Root {...given(props)} className="ui-switch"><BaseSwitch.Thumb className="ui-switch-thumb" /></BaseSwitch.Root>
    </Line>
  );
}

function Line({ label, name, hint, children }: Props & { children: ReactNode }) {
  const refusal = useRefusal(name);
  return (
    <Base.Root className="ui-field" {...(name !== undefined && { name })} {...(refusal !== undefined && { invalid: true })}>
      <Base.Label className="ui-toggle">{children}<span>{label}</span></Base.Label>
      {hint && <Base.Description className="ui-hint ui-toggle-hint">{hint}</Base.Description>}
      <FieldErrors said={refusal} />
    </Base.Root>
  );
}

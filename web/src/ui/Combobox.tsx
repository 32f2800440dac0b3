// A field that finds one of many by its name. For at most some thousand choices that are at hand; fewer than ten are
// better a SelectField.
import { Combobox as Base } from "@base-ui/react/combobox";
import { useText } from "../hooks/app";
import { FieldFrame, type FieldProps } from "./Field";
import { ChevronIcon, CrossIcon, TickIcon } from "./icons";
import "./overlay.css";

export interface Choice {
  value: string;
  label: string;
  /** Words beside the name that tell namesakes apart. */
  more?: string;
}

interface Props extends FieldProps {
  choices: readonly Choice[];
  value: string | null;
  onChange: (value: string | null) => void;
  placeholder?: string;
  disabled?: boolean;
}

export function Combobox({ choices, value, onChange, placeholder, disabled = false, ...field }: Props) {
  const t = useText();
  const chosen = choices.find((choice) => choice.value === value) ?? null;
  return (
    <FieldFrame {...field}>
      <Base.Root items={choices} value={chosen} onValueChange={(choice: Choice | null) => onChange(choice?.value ?? null)}
        disabled={disabled} required={field.required ?? false} itemToStringLabel={({ label }: Choice) => label} itemToStringValue={(choice: Choice) => choice.value}
        isItemEqualToValue={(one: Choice, other: Choice) => one.value === other.value}>
        <div className="ui-combobox">
          <Base.Input className="ui-input" placeholder={placeholder} />
          <div className="ui-combobox-ends">
            <Base.Clear className="ui-button ui-button-quiet ui-button-square" aria-label={t("ui.clear")}><CrossIcon /></Base.Clear>
            <Base.Trigger className="ui-button ui-button-quiet ui-button-square" aria-label={t("ui.choices")}><ChevronIcon /></Base.Trigger>
          </div>
        </div>
        <Base.Portal>
          <Base.Positioner className="ui-positioner" sideOffset={4} collisionPadding={8}>
            <Base.Popup className="ui-menu ui-combobox-popup">
              <Base.Empty><p className="ui-combobox-none">{t("ui.noMatch")}</p></Base.Empty>
              <Base.List className="ui-combobox-list">
                {(choice: Choice) => (
                  <Base.Item key={choice.value} value={choice} className="ui-menu-item ui-menu-choice">
                    <span dir="auto">{choice.label}{choice.more && <small dir="auto">{choice.more}</small>}</span>
                    <Base.ItemIndicator className="ui-menu-tick"><TickIcon /></Base.ItemIndicator>
                  </Base.Item>
                )}
              </Base.List>
            </Base.Popup>
          </Base.Positioner>
        </Base.Portal>
      </Base.Root>
    </FieldFrame>
  );
}

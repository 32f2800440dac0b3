// A menu behind a button: arrows, first letters, Esc. For things to do and links; a value of a form is a SelectField.
import { Menu as Base } from "@base-ui/react/menu";
import type { ReactNode } from "react";
import { Button, type Tone } from "./Button";
import { ChevronIcon, TickIcon } from "./icons";
import "./overlay.css";

export type MenuEntry =
  | { kind?: "act"; label: string; onSelect: () => void; keys?: string; icon?: ReactNode; danger?: boolean; disabled?: boolean }
  | { kind: "link"; label: string; href: string; icon?: ReactNode }
  | { kind: "pick"; label: string; value: string; onPick: (value: string) => void; choices: readonly { value: string; label: string }[] }
  | { kind: "line" };

interface Props {
  /** The words on the button, or its name if it shows a picture. */
  label: string;
  icon?: ReactNode;
  tone?: Tone;
  entries: readonly MenuEntry[];
  align?: "start" | "end";
}

export function Menu({ label, icon, tone = "plain", entries, align = "start" }: Props) {
  return (
    <Base.Root modal={false}>
      <Base.Trigger render={icon ? <Button tone={tone} icon={icon} label={label} /> : <Button tone={tone}>{label}<ChevronIcon /></Button>} />
      <Base.Portal>
        <Base.Positioner className="ui-positioner" sideOffset={4} align={align} collisionPadding={8}>
          <Base.Popup className="ui-menu">{entries.map(Entry)}</Base.Popup>
        </Base.Positioner>
      </Base.Portal>
    </Base.Root>
  );
}

function Entry(entry: MenuEntry, at: number) {
  if (entry.kind === "line") return <Base.Separator key={at} className="ui-menu-line" />;
  if (entry.kind === "link") return <Base.LinkItem key={at} className="ui-menu-item" href={entry.href} closeOnClick>{entry.icon}<span>{entry.label}</span></Base.LinkItem>;
  if (entry.kind === "pick") {
    return (
      <Base.Group key={at}>
        <Base.GroupLabel className="ui-menu-label">{entry.label}</Base.GroupLabel>
        <Base.RadioGroup value={entry.value} onValueChange={(value: string) => entry.onPick(value)}>
          {entry.choices.map(({ value, label }) => (
            <Base.RadioItem key={value} value={value} className="ui-menu-item ui-menu-choice" closeOnClick>
              <span>{label}</span>
              <Base.RadioItemIndicator className="ui-menu-tick"><TickIcon /></Base.RadioItemIndicator>
            </Base.RadioItem>
          ))}
        </Base.RadioGroup>
      </Base.Group>
    );
  }
  return (
    <Base.Item key={at} className="ui-menu-item" data-danger={entry.danger || undefined} disabled={entry.disabled ?? false} onClick={entry.onSelect}>
      {entry.icon}<span>{entry.label}</span>{entry.keys && <kbd aria-hidden="true">{entry.keys}</kbd>}
    </Base.Item>
  );
}

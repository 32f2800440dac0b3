// Parts of one page of which one is shown. Parts with an address of their own are links in a nav, not tabs.
import { Tabs as Base } from "@base-ui/react/tabs";
import type { ReactNode } from "react";
import "./page.css";

interface Props {
  label: string;
  tabs: readonly { value: string; title: string; count?: string; disabled?: boolean; panel: ReactNode }[];
  value: string;
  onChange: (value: string) => void;
}

export function Tabs({ label, tabs, value, onChange }: Props) {
  return (
    <Base.Root className="ui-tabs" value={value} onValueChange={(next: string) => onChange(next)}>
      <Base.List className="ui-tabs-list" aria-label={label} activateOnFocus>
        {tabs.map((tab) => (
          <Base.Tab key={tab.value} value={tab.value} className="ui-tab" disabled={tab.disabled ?? false}>
            {tab.title}{tab.count !== undefined && <span className="ui-tab-count figures">{tab.count}</span>}
          </Base.Tab>
        ))}
      </Base.List>
      {tabs.map((tab) => <Base.Panel key={tab.value} value={tab.value} className="ui-tab-panel">{tab.panel}</Base.Panel>)}
    </Base.Root>
  );
}

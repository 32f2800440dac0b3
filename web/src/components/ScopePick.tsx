// The business, the company, the channel and the label of the conversations that are shown. What there is only one of is not asked for.
import { useApp, usePick, useText } from "../hooks/app";
import { useByName } from "../hooks/sorted";
import type { Scope } from "../state/views";

interface Choice {
  id: string;
  name: string;
}

export function ScopePick() {
  const t = useText();
  const filter = usePick((state) => state.filter);
  const tenants = usePick((state) => state.session.tenants);
  const allCompanies = usePick((state) => state.companies);
  const allChannels = usePick((state) => state.channels);
  const ofTenant = ({ tenant }: { tenant: string }) => filter.tenant === null || filter.tenant === tenant;
  const companies = Object.values(allCompanies).filter(ofTenant);
  const labels = usePick((state) => state.labels);
  const channels = Object.values(allChannels).filter(ofTenant)
    .filter(({ company }) => filter.company === null || filter.company === company);
  return (
    <>
      <Pick part="tenant" label={t("menu.tenant")} every={t("menu.allTenants")} choices={tenants} />
      <Pick part="company" label={t("list.company")} every={t("list.allCompanies")} choices={companies} />
      <Pick part="channel" label={t("list.channel")} every={t("list.allChannels")} choices={channels} />
      <Pick part="label" label={t("list.label")} every={t("list.allLabels")} choices={Object.values(labels).filter(ofTenant)} least={1} />
    </>
  );
}

interface Part {
  part: keyof Scope | "label";
  label: string;
  every: string;
  choices: Choice[];
  /** With fewer there is nothing to choose. */
  least?: number;
}

function Pick({ part, label, every, choices, least = 2 }: Part) {
  const app = useApp();
  const chosen = usePick((state) => state.filter[part]);
  const sorted = useByName()(choices);
  if (choices.length < least && chosen === null) return null;
  // Names come a moment after the page; a remembered choice must not look like another one until then.
  const unnamed = chosen !== null && !choices.some(({ id }) => id === chosen);
  return (
    <select aria-label={label} title={label} value={chosen ?? ""} data-testid={`scope-${part}`} data-chosen={chosen !== null}
      onChange={(event) => app.filter({ [part]: event.target.value || null })}>
      <option value="">{every}</option>
      {unnamed && <option value={chosen}>…</option>}
      {sorted.map(({ id, name }) => <option key={id} value={id}>{name}</option>)}
    </select>
  );
}

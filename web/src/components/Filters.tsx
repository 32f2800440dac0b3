// The filters by owner and the search, both over the conversations that are loaded.
import { useApp, usePick, useText } from "../hooks/app";
import type { OwnerFilter } from "../state/model";
import { filterCounts } from "../state/select";
import { CloseIcon, SearchIcon } from "./Icons";

const owners: OwnerFilter[] = ["all", "mine", "unassigned", "ai", "closed"];
export const searchId = "search";

export function Filters() {
  const t = useText();
  const { store } = useApp();
  const filter = usePick((state) => state.filter);
  const counts = usePick(filterCounts);
  const tenants = usePick((state) => state.session.tenants);

  return (
    <div className="filters">
      <div className="search">
        <SearchIcon />
        <input
          id={searchId} type="search" value={filter.query} placeholder={t("list.search")} aria-label={t("list.search")}
          onChange={(event) => store.apply({ type: "filter", filter: { query: event.target.value } })}
        />
        {filter.query && (
          <button type="button" className="quiet square" aria-label={t("list.clear")}
            onClick={() => store.apply({ type: "filter", filter: { query: "" } })}>
            <CloseIcon />
          </button>
        )}
      </div>
      {tenants.length > 1 && (
        <select className="tenant" aria-label={t("menu.tenant")} value={filter.tenant ?? ""}
          onChange={(event) => store.apply({ type: "filter", filter: { tenant: event.target.value || null } })}>
          <option value="">{t("menu.allTenants")}</option>
          {tenants.map((tenant) => <option key={tenant.id} value={tenant.id}>{tenant.name}</option>)}
        </select>
      )}
      <div className="chips" role="group" aria-label={t("list.filters")}>
        {owners.map((owner) => (
          <button key={owner} type="button" className="chip" aria-pressed={filter.owner === owner}
            data-testid={`filter-${owner}`} onClick={() => store.apply({ type: "filter", filter: { owner } })}>
            {t(`filter.${owner}`)}
            {owner !== "closed" && owner !== "all" && counts[owner] > 0 && <span className="chip-count">{counts[owner]}</span>}
          </button>
        ))}
      </div>
    </div>
  );
}

// Which part of the inbox is shown, and in which order. The counts are the server's.
import { useApp, usePick, useText } from "../hooks/app";
import { views, type Sort } from "../state/views";
import { ScopePick } from "./ScopePick";

const sorts: Sort[] = ["recent", "wait"];

export function Filters() {
  const t = useText();
  const app = useApp();
  const filter = usePick((state) => state.filter);
  // They are of all conversations, whatever their labels.
  const counts = usePick((state) => (state.filter.label === null ? state.counters.values : null));

  return (
    <div className="filters">
      <div className="scope">
        <ScopePick />
        <div className="pick sort" role="group" aria-label={t("sort.label")}>
          {sorts.map((sort) => (
            <button key={sort} type="button" aria-pressed={filter.sort === sort} data-testid={`sort-${sort}`}
              onClick={() => app.filter({ sort })}>
              {t(`sort.${sort}`)}
            </button>
          ))}
        </div>
      </div>
      <div className="chips" role="group" aria-label={t("list.filters")}>
        {views.map((view) => (
          <button key={view} type="button" className="chip" aria-pressed={filter.view === view}
            data-testid={`filter-${view}`} onClick={() => app.filter({ view })}>
            {t(`filter.${view}`)}
            {counts && (
              <span className="chip-count" data-testid={`count-${view}`}>{t.number(counts[view])}</span>
            )}
          </button>
        ))}
      </div>
    </div>
  );
}

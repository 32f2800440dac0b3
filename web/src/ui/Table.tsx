// Rows of things with the same columns. Headings sort; arrows walk over the rows; on a narrow screen each row becomes a
// card with the column's name before each value, and a select sorts.
import { useId, type KeyboardEvent, type ReactNode } from "react";
import { useText } from "../hooks/app";
import { SortIcon } from "./icons";
import "./page.css";

export interface Column<Row> {
  key: string;
  title: string;
  cell: (row: Row) => ReactNode;
  sorts?: boolean;
  /** Figures stand at the end of their cell. */
  figures?: boolean;
  /** A word or two, which are not broken to make place for the other columns. */
  short?: boolean;
}

export interface Sort {
  key: string;
  order: "ascending" | "descending";
}

interface Props<Row> {
  caption: string;
  columns: readonly Column<Row>[];
  rows: readonly Row[];
  keyOf: (row: Row) => string;
  sort?: Sort;
  onSort?: (sort: Sort) => void;
  /** Rows are being read again: the old ones stay. */
  busy?: boolean;
  /** What stands there without rows. */
  empty?: ReactNode;
}

/** The first column names the row; a link in it is where arrows stop. */
export function Table<Row>({ caption, columns, rows, keyOf, sort, onSort, busy = false, empty }: Props<Row>) {
  const t = useText();
  const sortId = useId();
  const sorting = onSort ? columns.filter(({ sorts }) => sorts) : [];
  if (rows.length === 0 && empty !== undefined && !busy) return <>{empty}</>;
  return (
    <div className="ui-table-frame">
      {sorting.length > 0 && (
        <div className="ui-table-sort">
          <label htmlFor={sortId}>{t("ui.sort")}</label>
          <select id={sortId} className="ui-input ui-select" value={sort ? `${sort.key} ${sort.order}` : ""}
            onChange={(event) => {
              const [key = "", order] = event.target.value.split(" ");
              onSort?.({ key, order: order === "descending" ? "descending" : "ascending" });
            }}>
            {!sort && <option value="" />}
            {sorting.flatMap(({ key, title }) => (["ascending", "descending"] as const).map((order) => (
              <option key={key + order} value={`${key} ${order}`}>{title} {order === "ascending" ? "↑" : "↓"}</option>
            )))}
          </select>
        </div>
      )}
      {/* Roles are written out: a table that is not displayed as one loses them. */}
      <table className="ui-table" role="table" aria-label={caption} aria-busy={busy} aria-rowcount={rows.length + 1}>
        <thead role="rowgroup">
          <tr role="row">
            {columns.map((column) => (
              <th key={column.key} role="columnheader" scope="col" data-figures={column.figures || undefined}
                {...(sort?.key === column.key && { "aria-sort": sort.order })}>
                {column.sorts && onSort
                  ? <HeadButton title={column.title} order={sort?.key === column.key ? sort.order : null} onOrder={(order) => onSort({ key: column.key, order })} />
                  : column.title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody role="rowgroup" onKeyDown={walk}>
          {rows.map((row, at) => (
            <tr key={keyOf(row)} role="row" aria-rowindex={at + 2}>
              {columns.map(({ key, title, cell, figures, short }, place) => (
                place === 0
                  ? <th key={key} role="rowheader" scope="row" data-row>{cell(row)}</th>
                  : <td key={key} role="cell" data-title={title} data-figures={figures || undefined} data-short={short || undefined}><span>{cell(row)}</span></td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function HeadButton({ title, order, onOrder }: { title: string; order: Sort["order"] | null; onOrder: (order: Sort["order"]) => void }) {
  return (
    <button type="button" className="ui-table-head" onClick={() => onOrder(order === "ascending" ? "descending" : "ascending")}>
      {title}<SortIcon order={order} />
    </button>
  );
}

const steps: Record<string, (at: number, last: number) => number> = {
  ArrowDown: (at, last) => Math.min(at + 1, last),
  ArrowUp: (at) => Math.max(at - 1, 0),
  Home: () => 0,
  End: (_, last) => last,
};

/** Between the links of the first column, from wherever in a row the focus is; what is typed into stays with its keys. */
function walk(event: KeyboardEvent<HTMLTableSectionElement>): void {
  const step = steps[event.key];
  const target = event.target as HTMLElement;
  if (!step || target.closest("input, select, textarea, [role=menu]") || event.altKey || event.ctrlKey || event.metaKey) return;
  const body = event.currentTarget;
  const rows = [...body.rows];
  const links = rows.map((row) => row.querySelector<HTMLElement>("[data-row] :is(a, button)"));
  const at = rows.findIndex((row) => row.contains(target));
  const next = links[step(at, rows.length - 1)];
  if (!next) return;
  event.preventDefault();
  next.focus();
}

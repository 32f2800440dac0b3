// Buttons, tabs, tables and the states of a page.
import { useState } from "react";
import { useByName } from "../hooks/sorted";
import { CrossIcon } from "../ui/icons";
import { Button, ButtonLink } from "../ui/Button";
import { EmptyState, FailedState, LoadingState } from "../ui/States";
import { Table, type Column, type Sort } from "../ui/Table";
import { Tabs } from "../ui/Tabs";
import { Part } from "./Part";
import type { Words } from "./words";

interface Row {
  name: string;
  works: boolean;
  waiting: number;
}

const rows: Row[] = [
  { name: "Lanterns", works: true, waiting: 12 },
  { name: "Фонари и светильники для загородных домов", works: false, waiting: 1204 },
  { name: "مصابيح الحديقة", works: true, waiting: 0 },
];

export function Parts({ w }: { w: Words }) {
  const [tab, setTab] = useState("open");
  const [sort, setSort] = useState<Sort>({ key: "waiting", order: "descending" });
  const columns: Column<Row>[] = [
    { key: "name", title: w.channel, sorts: true, cell: ({ name }) => <a href="#table" dir="auto">{name}</a> },
    { key: "state", title: w.state, cell: ({ works }) => (works ? w.ok : w.down) },
    { key: "waiting", title: w.waiting, sorts: true, figures: true, cell: ({ waiting }) => waiting },
  ];
  const named = useByName()(rows);
  const rising = sort.key === "name" ? named : [...rows].sort((a, b) => a.waiting - b.waiting);
  const sorted = sort.order === "ascending" ? rising : rising.toReversed();
  const panel = (name: string) => <p>{w.panel.replace("{tab}", name)}</p>;
  return (
    <>
      <Part id="buttons" title={w.buttons}>
        <div className="ui-actions">
          <Button>{w.plain}</Button>
          <Button tone="primary">{w.primary}</Button>
          <Button tone="quiet">{w.quiet}</Button>
          <Button tone="danger">{w.danger}</Button>
          <Button busy>{w.busy}</Button>
          <Button tone="primary" busy>{w.busy}</Button>
          <Button disabled>{w.off}</Button>
          <Button small>{w.small}</Button>
          <Button icon={<CrossIcon />} label={w.picture} />
          <ButtonLink href="#buttons">{w.link}</ButtonLink>
          <Button tone="primary">{w.long}</Button>
        </div>
      </Part>
      <Part id="tabs" title={w.tabs}>
        <Tabs label={w.tabs} value={tab} onChange={setTab} tabs={[
          { value: "open", title: w.open1, count: "12", panel: panel(w.open1) },
          { value: "closed", title: w.closed, count: "1204", panel: panel(w.closed) },
          { value: "all", title: w.all, panel: panel(w.all) },
          { value: "off", title: w.off, disabled: true, panel: null },
        ]} />
      </Part>
      <Part id="table" title={w.table}>
        <Table caption={w.table} columns={columns} rows={sorted} keyOf={({ name }) => name} sort={sort} onSort={setSort} />
        <h3>{w.tableBusy}</h3>
        <Table caption={w.tableBusy} columns={columns} rows={rows.slice(0, 1)} keyOf={({ name }) => name} busy />
        <h3>{w.tableEmpty}</h3>
        <Table caption={w.tableEmpty} columns={columns} rows={[]} keyOf={({ name }) => name}
          empty={<EmptyState title={w.none} hint={w.noneHint} action={<Button tone="primary">{w.make}</Button>} />} />
      </Part>
      <Part id="states" title={w.states}>
        <LoadingState />
        <FailedState reason={w.failedReason} onRetry={() => undefined} />
      </Part>
    </>
  );
}

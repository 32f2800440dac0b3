// Who works for a business. Accounts are made by the installation's commands, so nothing is changed here.
import { useCallback } from "react";
import { Avatar } from "../components/Avatar";
import { useApp, usePick, useText } from "../hooks/app";
import { EmptyState } from "../ui/States";
import { Table } from "../ui/Table";
import { useData } from "./data";
import { DataView, Freshness, PageHead, type SectionProps } from "./Parts";

export function PeoplePage({ tenant }: SectionProps) {
  const t = useText();
  const { loader } = useApp();
  const me = usePick((state) => state.session.user?.id);
  const data = useData(useCallback(() => loader.people(tenant), [loader, tenant]));
  return (
    <>
      <PageHead title={t("page.people")} hint={t("page.peopleHint")}><Freshness data={data} /></PageHead>
      <DataView data={data} isEmpty={(people) => people.length === 0} empty={<EmptyState title={t("people.none")} hint={t("people.noneHint")} />}>
        {(people) => (
          <div data-testid="people">
            <Table caption={t("page.people")} rows={people} keyOf={({ id }) => id} columns={[
              {
                key: "name", title: t("people.name"), cell: ({ id, name }) => (
                  <span className="rows-name"><Avatar id={id} name={name} /><strong dir="auto">{name}{id === me && <span className="rows-you"> ({t("people.you")})</span>}</strong></span>
                ),
              },
              { key: "role", title: t("people.role"), short: true, cell: ({ role }) => t(`role.${role}`) },
              { key: "permissions", title: t("people.permissions"), cell: ({ permissions }) => permissions.map((one) => t(`permission.${one}`)).join(", ") },
            ]} />
          </div>
        )}
      </DataView>
      <p className="card-note">{t("people.noneHint")}</p>
    </>
  );
}

// Tracked links of a business: the list, one of them with its address and QR code, the form of a new one.
import { useCallback } from "react";
import { GonePart } from "../components/Gone";
import { ChannelIcon } from "../components/Icons";
import { useApp, usePick, useText } from "../hooks/app";
import { useByName } from "../hooks/sorted";
import { mayMake, settingsAt } from "../routes/pages";
import { format, isNew } from "../routes/route";
import type { Link, Links } from "../api.gen";
import { ButtonLink } from "../ui/Button";
import { EmptyState } from "../ui/States";
import { useCalls, useData, useNames, type Data } from "./data";
import { EditLink, NewLinkForm } from "./LinkForm";
import { LinkCard } from "./LinkCard";
import { DataView, Freshness, PageHead, type SectionProps } from "./Parts";

const everyMs = 15_000;

/** Kinds of channels that an address opens. */
const opened = ["whatsapp-cloud", "waha", "telegram", "messenger", "instagram"];

export function LinksSection({ tenant, thing }: SectionProps) {
  const t = useText();
  const calls = useCalls();
  const data = useData(useCallback(() => calls.links(tenant), [calls, tenant]), thing === null ? everyMs : null);
  if (thing === null) return <List tenant={tenant} data={data} />;
  // The list was read before the link was made.
  const keep = (made: Link) => {
    data.change(({ links, base }) => ({ base, links: [made, ...links] }));
    data.again();
  };
  if (isNew(thing)) return <New tenant={tenant} keep={keep} />;
  return (
    <DataView data={data}>
      {({ links, base }) => {
        const link = links.find(({ id }) => id === thing);
        if (link) return <One key={link.id} link={link} base={base} data={data} />;
        return (
          <>
            <PageHead title={t("page.links")} />
            <div data-testid="gone"><GonePart title={t("links.gone")} hint={t("links.goneHint")} to={settingsAt("links", tenant)} way={t("page.links")} /></div>
          </>
        );
      }}
    </DataView>
  );
}

function List({ tenant, data }: { tenant: string; data: Data<Links> }) {
  const t = useText();
  const { clock } = useApp();
  const mayAdd = usePick((state) => mayMake(state, "links", tenant));
  const make = mayAdd && <ButtonLink tone="primary" href={format(settingsAt("links", tenant, "new"))} data-testid="new-link">{t("links.new")}</ButtonLink>;
  return (
    <>
      <PageHead title={t("page.links")} hint={t("page.linksHint")}><Freshness data={data} />{make}</PageHead>
      <DataView data={data} isEmpty={({ links }) => links.length === 0} empty={<EmptyState title={t("links.none")} hint={t("links.noneHint")} action={make} />}>
        {({ links }) => (
          <ul className="rows" data-testid="links">
            {links.map((link) => (
              <li key={link.id}>
                <a className="rows-line" href={format(settingsAt("links", tenant, link.id))} data-testid="link-line">
                  <ChannelIcon kind={link.channel_kind} />
                  <strong dir="auto">{link.name}</strong>
                  {!link.active ? <span className="tag">{t("links.off")}</span>
                    : link.expires_at !== null && link.expires_at <= clock.now() && <span className="tag">{t("links.over")}</span>}
                  <span className="rows-more" dir="auto">{[link.utm.source, link.campaign ?? link.utm.campaign].filter(Boolean).join(" · ")}</span>
                  <span>{t("links.visits", { count: link.visits })}</span>
                  <span>{t("links.chats", { count: link.chats })}</span>
                </a>
              </li>
            ))}
          </ul>
        )}
      </DataView>
    </>
  );
}

function New({ tenant, keep }: { tenant: string; keep: (made: Link) => void }) {
  const t = useText();
  const data = useNames();
  const all = usePick((state) => state.channels);
  const channels = useByName()(Object.values(all).filter((one) => one.tenant === tenant && opened.includes(one.kind)));
  const to = format(settingsAt("channels", tenant));
  return (
    <>
      <PageHead title={t("links.new")} />
      <DataView data={data} isEmpty={() => channels.length === 0}
        empty={<EmptyState title={t("links.noChannels")} hint={t("links.noChannelsHint")} action={<ButtonLink href={to}>{t("page.channels")}</ButtonLink>} />}>
        {() => <NewLinkForm tenant={tenant} channels={channels} keep={keep} />}
      </DataView>
    </>
  );
}

function One({ link, base, data }: { link: Link; base: string; data: Data<Links> }) {
  const mayChange = usePick((state) => mayMake(state, "links", link.tenant));
  const changed = (now: Link) => data.change((all) => ({ ...all, links: all.links.map((one) => (one.id === now.id ? now : one)) }));
  return (
    <>
      <PageHead title={link.name}><Freshness data={data} /></PageHead>
      <LinkCard link={link} base={base} />
      {mayChange && <EditLink link={link} onChanged={changed} />}
    </>
  );
}

// The channels of a business: the list, one of them, the form of a new one. Events keep them true.
import { GonePart } from "../components/Gone";
import { ChannelIcon } from "../components/Icons";
import { usePick, useText } from "../hooks/app";
import { useByName } from "../hooks/sorted";
import { kindKey } from "../i18n/text";
import { mayMake, settingsAt } from "../routes/pages";
import { format, isNew } from "../routes/route";
import { ButtonLink } from "../ui/Button";
import { EmptyState } from "../ui/States";
import { ChannelPage } from "./Channel";
import { Health } from "./Health";
import { useNames } from "./data";
import { NewChannelPage } from "./NewChannel";
import { DataView, Freshness, NotLiveNote, PageHead, type SectionProps } from "./Parts";

export function ChannelsSection({ tenant, thing }: SectionProps) {
  const t = useText();
  const data = useNames();
  const channel = usePick((state) => (thing === null ? undefined : state.channels[thing]));
  if (thing === null) return <List tenant={tenant} data={data} />;
  if (isNew(thing)) return <NewChannelPage tenant={tenant} thing={thing} data={data} />;
  if (channel?.tenant === tenant) return <ChannelPage key={thing} channel={channel} />;
  return (
    <>
      <PageHead title={t("page.channels")} />
      <DataView data={data}>{() => <div data-testid="gone"><GonePart title={t("gone.channel")} hint={t("gone.channelHint")} to={settingsAt("channels", tenant)} way={t("page.channels")} /></div>}</DataView>
    </>
  );
}

function List({ tenant, data }: { tenant: string; data: ReturnType<typeof useNames> }) {
  const t = useText();
  const all = usePick((state) => state.channels);
  const companies = usePick((state) => state.companies);
  const mayAdd = usePick((state) => mayMake(state, "channels", tenant));
  const sorted = useByName();
  const channels = sorted(Object.values(all).filter((one) => one.tenant === tenant));
  const make = mayAdd && <ButtonLink tone="primary" href={format(settingsAt("channels", tenant, "new"))} data-testid="new-channel">{t("channels.new")}</ButtonLink>;
  return (
    <>
      <PageHead title={t("page.channels")} hint={t("page.channelsHint")}><Freshness data={data} />{make}</PageHead>
      <NotLiveNote tenant={tenant} />
      <DataView data={data} isEmpty={() => channels.length === 0} empty={<EmptyState title={t("channels.none")} hint={t("channels.noneHint")} action={make} />}>
        {() => (
          <ul className="rows" data-testid="channels">
            {channels.map((channel) => (
              <li key={channel.id}>
                <a className="rows-line" href={format(settingsAt("channels", tenant, channel.id))} data-testid="channel-line" data-channel={channel.id}>
                  <ChannelIcon kind={channel.kind} />
                  <strong dir="auto">{channel.name}</strong>
                  <span className="rows-more">{t(kindKey(channel.kind))} · <span dir="auto">{companies[channel.company]?.name ?? ""}</span></span>
                  <Health channel={channel} />
                </a>
              </li>
            ))}
          </ul>
        )}
      </DataView>
    </>
  );
}

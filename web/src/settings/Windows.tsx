// AI windows: how each channel gathers messages before AI answers, and when people get them.
import { GonePart } from "../components/Gone";
import { ChannelIcon } from "../components/Icons";
import { usePick, useText } from "../hooks/app";
import { useByName } from "../hooks/sorted";
import { settingsAt } from "../routes/pages";
import { format } from "../routes/route";
import { EmptyState } from "../ui/States";
import { useNames } from "./data";
import { DataView, Freshness, NotLiveNote, PageHead, type SectionProps } from "./Parts";
import { WindowForm } from "./WindowForm";

export function WindowsSection({ tenant, thing }: SectionProps) {
  const t = useText();
  const data = useNames();
  const all = usePick((state) => state.channels);
  const sorted = useByName();
  const channels = sorted(Object.values(all).filter((one) => one.tenant === tenant));
  const channel = channels.find(({ id }) => id === thing);
  if (channel) {
    return (
      <>
        <PageHead title={channel.name} hint={t("page.windowsHint")} />
        <NotLiveNote tenant={tenant} />
        <WindowForm key={channel.id} channel={channel} />
      </>
    );
  }
  const to = settingsAt("windows", tenant);
  return (
    <>
      <PageHead title={t("page.windows")} hint={t("page.windowsHint")}><Freshness data={data} /></PageHead>
      <NotLiveNote tenant={tenant} />
      <DataView data={data} isEmpty={() => channels.length === 0 && thing === null} empty={<EmptyState title={t("channels.none")} hint={t("channels.noneHint")} />}>
        {() => thing !== null ? <div data-testid="gone"><GonePart title={t("gone.channel")} hint={t("gone.channelHint")} to={to} way={t("page.windows")} /></div> : (
          <ul className="rows" data-testid="windows">
            {channels.map(({ id, name, kind, settings }) => (
              <li key={id}>
                <a className="rows-line" href={format(settingsAt("windows", tenant, id))}>
                  <ChannelIcon kind={kind} />
                  <strong dir="auto">{name}</strong>
                  <span className="tag">{t(settings.ai ? "windows.aiOn" : "windows.aiOff")}</span>
                  <span className="rows-more">{t("windows.summary", { quiet: t.wait(settings.quiet_ms / 1000), longest: t.wait(settings.max_wait_ms / 1000) })}</span>
                </a>
              </li>
            ))}
          </ul>
        )}
      </DataView>
    </>
  );
}

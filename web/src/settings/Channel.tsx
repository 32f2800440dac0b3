// One channel: how it is, its name and state, its credentials, connecting it, and the ways to what belongs to it.
import { useRef, useState } from "react";
import { useApp, usePick, useText } from "../hooks/app";
import { kindKey } from "../i18n/text";
import { settingsAt } from "../routes/pages";
import { everywhere, format, inbox } from "../routes/route";
import { reasonOf, RequestError } from "../services/problem";
import { can } from "../state/select";
import type { ChannelKind, ChannelView } from "../api.gen";
import { Button } from "../ui/Button";
import { Confirm } from "../ui/Dialog";
import { TextField } from "../ui/Field";
import { connectedWords, connectRefused, inWords } from "./connect_words";
import { CopyField } from "./CopyField";
import { useCalls } from "./data";
import { EditForm, FormEnd, useForm } from "./form";
import { Cause, hasCause, Health, ToDo } from "./Health";
import { HealthHistory } from "./HealthHistory";
import { fieldsOf, useKinds } from "./kinds";
import { MoveChannel } from "./MoveChannel";
import { NotLiveNote, PageHead } from "./Parts";
import { Pairing } from "./Pairing";
import { SettingFields } from "./SettingFields";
import { SignInAt } from "./SignInAt";

/** Takes a channel from an answer, before its event comes. */
export function useKeepChannel(): (channel: ChannelView) => void {
  const { store } = useApp();
  return (channel) => store.apply({ type: "channels", channels: Object.values({ ...store.get().channels, [channel.id]: channel }) });
}

export function ChannelPage({ channel }: { channel: ChannelView }) {
  const t = useText();
  const { id, tenant } = channel;
  const company = usePick((state) => state.companies[channel.company]?.name);
  const query = usePick((state) => state.filter);
  const mayChange = usePick((state) => can(state, tenant, "channel.update"));
  const mayRead = usePick((state) => can(state, tenant, "integration_log.list"));
  const kind = useKinds().value?.find(({ name }) => name === channel.kind);
  return (
    <>
      <PageHead title={channel.name} hint={[t(kindKey(channel.kind)), company].filter(Boolean).join(" · ")} />
      <NotLiveNote tenant={tenant} />
      <div className="card">
        <dl className="facts">
          <div>
            <dt>{t("channels.health")}</dt>
            <dd><Health channel={channel} />{channel.health && <> <span className="rows-more">{t("channels.since", { time: t.full(channel.health.at) })}</span></>}</dd>
          </div>
          {channel.health && hasCause(channel.health) && (
            <div><dt>{t("channels.why")}</dt><dd><Cause health={channel.health} /></dd></div>
          )}
          {channel.health?.action && channel.state !== "disconnected" && (
            <div><dt>{t("channels.todo")}</dt><dd><ToDo health={channel.health} /></dd></div>
          )}
          {channel.state === "disconnected" && (
            <div><dt>{t("channels.todo")}</dt><dd><strong className="health-action" data-testid="health-action">{t(kind?.sign_in ? "channels.action.sign_in" : "channels.action.connect")}</strong></dd></div>
          )}
          {channel.health === null && channel.state === "active" && (
            <div><dt>{t("channels.todo")}</dt><dd><strong className="health-action" data-testid="health-action">{t("channels.neverTodo")}</strong></dd></div>
          )}
        </dl>
        {mayChange && <Switches channel={channel} />}
        {mayChange && kind?.sign_in && <div className="switches"><SignInAt tenant={tenant} company={channel.company} kind={channel.kind} channel={id} /></div>}
      </div>
      {mayChange && <Pairing channel={channel} />}
      <p className="ways">
        <a href={format({ ...inbox, query: { ...query, tenant, company: null, channel: id } })}>{t("channels.toInbox")}</a>
        {mayChange && <a href={format(settingsAt("windows", tenant, id))}>{t("channels.toWindows")}</a>}
        {mayRead && <a href={format({ page: "settings", section: "log", thing: null, scope: { ...everywhere, tenant, channel: id } })}>{t("channels.toLog")}</a>}
      </p>
      <HealthHistory channel={channel} />
      {mayChange && <Naming channel={channel} hasHook={kind !== undefined && kind.family === null} />}
      {mayChange && kind && <Credentials channel={channel} kind={kind} />}
    </>
  );
}

/** What acts at once: pausing and connecting. */
function Switches({ channel }: { channel: ChannelView }) {
  const t = useText();
  const calls = useCalls();
  const keep = useKeepChannel();
  const mayMove = usePick((state) => can(state, channel.tenant, "channel.move"));
  const [busy, setBusy] = useState<"state" | "connect" | "disconnect" | null>(null);
  const [told, setTold] = useState<{ words: string; bad: boolean } | null>(null);
  const [sure, setSure] = useState(false);
  const paused = channel.state === "disabled";

  async function run(what: "state" | "connect" | "disconnect", call: () => Promise<ChannelView>) {
    setBusy(what);
    setTold(null);
    try {
      const channel = await call();
      keep(channel);
      if (what === "connect") setTold({ words: connectedWords(t, channel.health), bad: false });
    } catch (error) {
      setTold({ words: what === "connect" ? connectRefused(t, error).words : t("act.failed", { reason: reasonOf(error) }), bad: true });
    } finally {
      setBusy(null);
    }
  }

  return (
    <div className="switches">
      <Button disabled={busy !== null || channel.state === "disconnected"} data-testid="pause" aria-describedby="pause-hint"
        onClick={() => void run("state", () => calls.changeChannel(channel.id, { state: paused ? "active" : "disabled" }))}>
        {t(paused ? "channels.resume" : "channels.pause")}
      </Button>
      <span id="pause-hint" className="form-hint">{t("channels.pauseHint")}</span>
      <Button disabled={busy !== null && busy !== "connect"} busy={busy === "connect"} data-testid="connect" aria-describedby="connect-hint"
        onClick={() => void run("connect", () => calls.connectChannel(channel.id))}>
        {t(busy === "connect" ? "channels.connecting" : "channels.connect")}
      </Button>
      <span id="connect-hint" className="form-hint">{t("channels.connectHint")}</span>
      {channel.state !== "disconnected" && channel.health && (
        <>
          <Button tone="danger" disabled={busy !== null} data-testid="disconnect" aria-describedby="disconnect-hint"
            onClick={() => setSure(true)}>
            {t("channels.disconnect")}
          </Button>
          <span id="disconnect-hint" className="form-hint">{t("channels.disconnectHint")}</span>
          <Confirm open={sure} onClose={() => setSure(false)} title={t("channels.disconnectAsk", { channel: channel.name })} hint={t("channels.disconnectSure")} action={t("channels.disconnect")} danger
            onConfirm={() => { setSure(false); void run("disconnect", () => calls.disconnectChannel(channel.id)); }} />
        </>
      )}
      {mayMove && <MoveChannel channel={channel} keep={keep} />}
      <p className={told?.bad ? "form-problem" : "form-status"} role="status" data-testid="switches-told">{told?.words}</p>
    </div>
  );
}

/** `hasHook`: deliveries come to an address of the channel's own, not to that of an app. */
function Naming({ channel, hasHook }: { channel: ChannelView; hasHook: boolean }) {
  const t = useText();
  const calls = useCalls();
  const keep = useKeepChannel();
  const form = useForm(`channel.${channel.id}`, { name: channel.name }, {
    fields: ["name"],
    check: ({ name }): Record<string, string> => (name.trim() ? {} : { name: t("form.required") }),
    save: async (_, { name }) => keep(await calls.changeChannel(channel.id, { name: name.trim() })),
  });
  const hook = hasHook && channel.hook_path ? new URL(`.${channel.hook_path}`, document.baseURI).href : null;
  return (
    <EditForm form={form}>
      <TextField label={t("channels.name")} name="name" required value={form.values.name} data-testid="field-name"
        onChange={(event) => form.set("name", event.target.value)} />
      <FormEnd form={form} />
      {hook && (
        <CopyField label={t("channels.hook")} hint={t("channels.hookHint")} value={hook} isSecret />
      )}
    </EditForm>
  );
}

function Credentials({ channel, kind }: { channel: ChannelView; kind: ChannelKind }) {
  const t = useText();
  const calls = useCalls();
  const keep = useKeepChannel();
  const fields = fieldsOf(kind);
  const empty = Object.fromEntries(fields.map(({ name }) => [`credentials.${name}`, ""]));
  const form = useForm<Record<string, string>>(`credentials.${channel.id}`, empty, {
    fields: Object.keys(empty),
    async save(changed) {
      const credentials = Object.fromEntries(Object.entries(changed).map(([field, value]) => [field.slice("credentials.".length), value ?? ""]));
      const other_account = isSure.current;
      isSure.current = false;
      try {
        keep(await calls.changeChannel(channel.id, { credentials, other_account }));
      } catch (error) {
        // Only the server knows whose they are: a bot's token names its bot.
        if (error instanceof RequestError && error.code === "other_account") setAsks(true);
        throw inWords(t, error);
      }
    },
  });
  const [asks, setAsks] = useState(false);
  const isSure = useRef(false);
  const agree = () => {
    setAsks(false);
    isSure.current = true;
    form.form.current?.requestSubmit();
  };
  if (fields.length === 0) return null;
  return (
    <EditForm form={form} autoComplete="off" data-testid="credentials">
      <Confirm open={asks} onClose={() => setAsks(false)} onConfirm={agree} danger
        title={t("channels.accountAsk", { channel: channel.name })} hint={t("channels.accountSure")} action={t("channels.accountChange")} />
      <h2>{t("channels.credentials")}</h2>
      <p className="form-hint">{t("channels.credentialsHint")} {t("channels.credentialsReady")}</p>
      <SettingFields form={form} fields={fields} of="credential" prefix="credentials" more={t("connect.more")} isKept />
      <FormEnd form={form} />
    </EditForm>
  );
}

// Where a provider sends the browser back to: exchanges what it brought for the accounts that were shared, and connects the
// one that is chosen. Only the person who began can go on; the server sees to that.
import { useCallback, useEffect, useId, useState, type FormEvent } from "react";
import "../styles/pages.css";
import { useApp, usePick, useText } from "../hooks/app";
import { useRoute } from "../hooks/route";
import { settingsAt } from "../routes/pages";
import { format, type CameBack } from "../routes/route";
import type { Choices } from "../api.gen";
import { leftFor } from "../services/sign_in_at";
import { Button, ButtonLink } from "../ui/Button";
import { TextField } from "../ui/Field";
import { LoadingState } from "../ui/States";
import type { Calls } from "./calls";
import { useKeepChannel } from "./Channel";
import { cameBackRefused, connectRefused, connectTitle, exchangeRefused, preselected, type Refused } from "./connect_words";
import { useCalls, useNames } from "./data";
import { placeName } from "./kinds";
import { PageHead } from "./Parts";
import { Refusal } from "./SignInAt";

export function Connect() {
  const route = useRoute();
  return route.page === "connect" ? <Returned key={route.back.state} kind={route.kind} back={route.back} /> : null;
}

/** A code is good for one exchange: whoever asks while it is under way gets the same answer. */
const underWay = new Map<string, Promise<Choices>>();

function finish(calls: Calls, { state, code }: CameBack): Promise<Choices> {
  const known = underWay.get(state);
  if (known) return known;
  const asked = calls.finishSignIn(state, code ?? "").finally(() => underWay.delete(state));
  underWay.set(state, asked);
  return asked;
}

function Returned({ kind, back }: { kind: string; back: CameBack }) {
  const t = useText();
  const calls = useCalls();
  const place = placeName(t, kind);
  const said = cameBackRefused(t, kind, back);
  const isRefused = said !== null;
  const [choices, setChoices] = useState<Choices | null>(null);
  const [failed, setFailed] = useState<unknown>(null);
  const [busy, setBusy] = useState(!isRefused);

  const ask = useCallback(async () => {
    setBusy(true);
    try {
      setChoices(await finish(calls, back));
      setFailed(null);
    } catch (error) {
      setFailed(error);
    } finally {
      setBusy(false);
    }
  }, [calls, back]);
  useEffect(() => {
    if (!isRefused) void ask();
  }, [ask, isRefused]);

  const whose = leftFor(back.state);
  const refused = said ?? (failed === null ? null : exchangeRefused(t, failed));
  return (
    <main className="page page-alone" data-testid="page-connect">
      {choices ? <Choose kind={kind} back={back} choices={choices} /> : (
        <>
          <PageHead title={refused ? t("connect.notDone") : connectTitle(t, kind)} />
          {refused ? <Refusal refused={refused} kind={kind} tenant={whose?.tenant ?? null} channel={whose?.channel ?? null} busy={busy} onRetry={() => void ask()} /> : (
            <div aria-busy="true"><p className="form-status" role="status">{t("connect.asking", { place })}</p><LoadingState lines={3} /></div>
          )}
        </>
      )}
    </main>
  );
}

function Choose({ kind, back, choices: { tenant, company, channel, own, accounts } }: { kind: string; back: CameBack; choices: Choices }) {
  const t = useText();
  const { router } = useApp();
  const calls = useCalls();
  const keep = useKeepChannel();
  useNames();
  const group = useId();
  const companyName = usePick((state) => state.companies[company]?.name);
  const channelName = usePick((state) => (channel === null ? undefined : state.channels[channel]?.name));
  const [account, setAccount] = useState(() => preselected(own, accounts));
  const isOwnMissing = own !== null && !accounts.some((one) => one.external_id === own);
  const [name, setName] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const [wrong, setWrong] = useState(false);
  const [refused, setRefused] = useState<Refused | null>(null);
  const chosen = accounts.find((one) => one.external_id === account);

  async function connect() {
    if (busy) return;
    setWrong(account === "");
    if (isOwnMissing) return;
    if (account === "") return document.querySelector<HTMLElement>(`input[name="${group}"]`)?.focus();
    setBusy(true);
    setRefused(null);
    try {
      const made = await calls.chooseAccount({ state: back.state, account, name: name?.trim() || null });
      keep(made);
      router.go(settingsAt("channels", tenant, made.id), "arrive");
    } catch (error) {
      setRefused(connectRefused(t, error));
      setBusy(false);
    }
  }
  const submit = (event: FormEvent) => {
    event.preventDefault();
    void connect();
  };
  return (
    <>
      <PageHead title={channelName === undefined ? connectTitle(t, kind) : t("connect.anewTitle", { channel: channelName })}
        hint={companyName && t("connect.for", { company: companyName })} />
      <form className="card form" onSubmit={submit} noValidate>
        <fieldset aria-describedby={`${group}-hint`}>
          <legend>{t("connect.account")}</legend>
          <p className="form-hint" id={`${group}-hint`}>{t("connect.accountHint", { place: placeName(t, kind) })}</p>
          <div className="accounts" data-testid="accounts">
            {accounts.map((one) => (
              <label key={one.external_id} className="account">
                <input type="radio" name={group} value={one.external_id} checked={one.external_id === account} data-testid="account"
                  disabled={own !== null && one.external_id !== own}
                  onChange={() => { setAccount(one.external_id); setWrong(false); }} />
                <strong dir="auto">{one.name}</strong>
                {one.external_id !== one.name && <span className="rows-more" dir="ltr">{one.external_id}</span>}
              </label>
            ))}
          </div>
          {own !== null && (isOwnMissing || accounts.length > 1) && (
            <p className={isOwnMissing ? "form-problem" : "form-hint"} role={isOwnMissing ? "alert" : undefined} data-testid="own-account">
              {t(isOwnMissing ? "connect.ownMissing" : "connect.ownOnly", { account: own })}
            </p>
          )}
          {wrong && !isOwnMissing && <p className="form-problem" role="alert">{t("connect.pickOne")}</p>}
        </fieldset>
        {channel === null && (
          <TextField label={t("channels.name")} name="name" value={name ?? chosen?.name ?? ""} dir="auto" data-testid="field-name"
            onChange={(event) => setName(event.target.value)} />
        )}
        {refused && <Refusal refused={refused} kind={kind} tenant={tenant} channel={channel} busy={busy} onRetry={() => void connect()} />}
        <div className="form-acts">
          {isOwnMissing
            ? <ButtonLink tone="primary" href={format(settingsAt("channels", tenant, `new-${kind}`))}>{t("channels.new")}</ButtonLink>
            : <Button type="submit" tone="primary" busy={busy} data-testid="connect-account">{busy ? t("channels.connecting") : t("connect.done")}</Button>}
          <ButtonLink href={format(settingsAt("channels", tenant, channel ?? `new-${kind}`))} data-testid="connect-more">{t(channel === null ? "connect.again" : "connect.againThere")}</ButtonLink>
        </div>
      </form>
    </>
  );
}

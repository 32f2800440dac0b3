// The way to a provider's own sign-in: asks the server for the address and goes there. What is refused is said beside it.
import { useState } from "react";
import { useApp, usePick, useText } from "../hooks/app";
import { mayOpen, settingsAt } from "../routes/pages";
import { format } from "../routes/route";
import { leaveFor } from "../services/sign_in_at";
import { Button, ButtonLink } from "../ui/Button";
import { connectRefused, type Refused, type Remedy } from "./connect_words";
import { useCalls } from "./data";
import { placeName } from "./kinds";

interface Props {
  tenant: string;
  company: string;
  kind: string;
  /** Connects this channel anew. */
  channel?: string;
}

/** Only a page of the web: an address from elsewhere could be a script. */
export const isWebAddress = (url: string): boolean => /^https?:\/\//i.test(url);

export function SignInAt({ tenant, company, kind, channel }: Props) {
  const t = useText();
  const calls = useCalls();
  const [busy, setBusy] = useState(false);
  const [refused, setRefused] = useState<Refused | null>(null);
  const place = placeName(t, kind);

  async function go() {
    setBusy(true);
    setRefused(null);
    try {
      const { url } = await calls.beginSignIn({ tenant, company, kind, channel: channel ?? null });
      if (!isWebAddress(url)) throw new Error(url);
      leaveFor(url, { tenant, channel: channel ?? null });
      location.assign(url);
    } catch (error) {
      setRefused(connectRefused(t, error));
      setBusy(false);
    }
  }

  return (
    <>
      <Button tone={channel === undefined ? "primary" : "plain"} busy={busy} data-testid="sign-in-at" aria-describedby="sign-in-hint" onClick={() => void go()}>
        {busy ? t("connect.going", { place }) : t(channel === undefined ? "connect.signIn" : "connect.anew", { place })}
      </Button>
      <span id="sign-in-hint" className="form-hint">{channel === undefined ? t("connect.signInHint", { place }) : t("connect.anewHint")}</span>
      {refused && <Refusal refused={refused} kind={kind} tenant={tenant} only={["apps", "channels"]} />}
    </>
  );
}

interface RefusalProps {
  refused: Refused;
  kind: string;
  tenant: string | null;
  /** The channel that is connected anew. */
  channel?: string | null;
  /** Where other ways stand beside it already. */
  only?: readonly Remedy[];
  onRetry?: () => void;
  busy?: boolean;
}

/** What was refused, and what can be done about it. */
export function Refusal({ refused: { words, remedies }, kind, tenant, channel = null, only, onRetry, busy = false }: RefusalProps) {
  const t = useText();
  const app = useApp();
  const seesApps = usePick((state) => mayOpen(state, "apps", null));
  const has = (one: Remedy) => remedies.includes(one) && (only?.includes(one) ?? true);
  return (
    <div className="refusal" role="alert" data-testid="connect-refused">
      <p className="form-problem">{words}</p>
      <div className="form-acts">
        {has("retry") && onRetry && <Button tone="primary" busy={busy} onClick={onRetry} data-testid="connect-retry">{t("try.again")}</Button>}
        {has("begin") && <ButtonLink href={format(settingsAt("channels", tenant, channel ?? `new-${kind}`))} data-testid="connect-begin">{t(channel === null ? "connect.again" : "connect.againThere")}</ButtonLink>}
        {has("sign_out") && <Button onClick={() => void app.signOut()} data-testid="connect-sign-out">{t("menu.signOut")}</Button>}
        {has("apps") && seesApps && <ButtonLink href={format(settingsAt("apps"))}>{t("connect.toApps")}</ButtonLink>}
        {has("channels") && <ButtonLink href={format(settingsAt("channels", tenant))}>{t("connect.toChannels")}</ButtonLink>}
      </div>
    </div>
  );
}

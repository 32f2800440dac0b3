// Linking an account with a phone: the code that is scanned, or typed there, live while somebody looks at it.
import { useEffect, useRef, useState, type FormEvent } from "react";
import { useApp, useText } from "../hooks/app";
import { fromSocket, reasonOf, RequestError } from "../services/problem";
import { watchPairing, type PairingFrame } from "../services/pairing";
import type { ChannelView } from "../api.gen";
import { Button } from "../ui/Button";
import { TextField } from "../ui/Field";
import { useCalls } from "./data";

const isOver = (frame: PairingFrame | null) => frame !== null && ["connected", "failed", "timed_out"].includes(frame.state);

/** Codes of one attempt, as the provider replaces them. */
const codes = 6;

/** Whether a person has to link a phone now. */
export const needsPairing = ({ state, health }: ChannelView): boolean =>
  state === "active" && (health?.action === "scan_code" || health?.action === "confirm_passkey");

export function Pairing({ channel }: { channel: ChannelView }) {
  const t = useText();
  const { socket, clock } = useApp();
  const calls = useCalls();
  const [frame, setFrame] = useState<PairingFrame | null>(null);
  const [isOpen, setOpen] = useState(false);
  const [busy, setBusy] = useState(false);
  const [reason, setReason] = useState<string | null>(null);
  const [phone, setPhone] = useState("");
  const leave = useRef<(() => void) | null>(null);
  const close = () => {
    leave.current?.();
    leave.current = null;
  };
  useEffect(() => close, []);

  async function begin(number: string | null) {
    setBusy(true);
    setReason(null);
    try {
      if (leave.current === null) {
        setFrame(null);
        const watched = watchPairing(socket, channel.id, (shown) => {
          setFrame(shown);
          if (isOver(shown)) close();
        });
        leave.current = watched.leave;
        await watched.ready.catch((error: unknown) => { throw fromSocket(error); });
      }
      setOpen(true);
      await calls.pair(channel.id, number);
    } catch (error) {
      close();
      setReason(error instanceof RequestError && error.code === "pairing_busy" ? t("pairing.busy") : t("act.failed", { reason: reasonOf(error) }));
    } finally {
      setBusy(false);
    }
  }
  const askCode = (event: FormEvent) => {
    event.preventDefault();
    if (phone.replace(/\D/g, "").length >= 6) void begin(phone);
    else setReason(t("pairing.phoneNeeded"));
  };

  const state = frame?.state ?? "starting";
  const runs = isOpen && !isOver(frame);
  if (!needsPairing(channel) && !isOpen) return null;
  return (
    <section className="card pairing" data-testid="pairing" aria-labelledby="pairing-title">
      <h2 id="pairing-title">{t("pairing.title")}</h2>
      {!runs && frame?.state !== "connected" && (
        <>
          <ol className="steps">{[t("pairing.first"), t("pairing.second"), t("pairing.third")].map((step) => <li key={step}>{step}</li>)}</ol>
          <Button tone="primary" busy={busy} data-testid="pair" onClick={() => void begin(null)}>{t(frame === null ? "pairing.begin" : "pairing.again")}</Button>
        </>
      )}
      <p className={frame?.state === "failed" ? "form-problem" : "form-status"} role="status" data-testid="pairing-state">
        {isOpen && (frame?.state === "failed" ? t("pairing.failed", { reason: frame.detail ?? "" }) : t(`pairing.state.${state}`))}
      </p>
      {runs && frame?.qr && (
        <figure className="pairing-code">
          <img src={frame.qr} alt={t("pairing.qr")} width="264" height="264" data-testid="pairing-qr" />
          <figcaption className="form-hint">
            {t("pairing.attempt", { count: frame.attempt, most: codes })}
            {frame.expires_at != null && ` · ${t("pairing.until", { wait: t.wait(Math.max(1, (frame.expires_at - clock.now()) / 1_000)) })}`}
          </figcaption>
        </figure>
      )}
      {runs && frame?.code && <p className="pairing-typed" dir="ltr" data-testid="pairing-code">{frame.code}</p>}
      {runs && state === "scan" && (
        <form className="pairing-phone" onSubmit={askCode} noValidate>
          <TextField label={t("pairing.phone")} hint={t("pairing.phoneHint")} name="phone" type="tel" autoComplete="off" dir="ltr" value={phone} data-testid="field-phone"
            onChange={(event) => setPhone(event.target.value)} />
          <Button type="submit" busy={busy} data-testid="pair-by-code">{t("pairing.byCode")}</Button>
        </form>
      )}
      {reason && <p className="form-problem" role="alert">{reason}</p>}
    </section>
  );
}

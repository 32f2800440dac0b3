// Linking an account with a phone: the code that is scanned, or typed there, live while somebody looks at it.
import { useEffect, useRef, useState, type FormEvent } from "react";
import { useApp, useNow, useText } from "../hooks/app";
import { fromSocket, reasonOf, RequestError } from "../services/problem";
import { watchPairing, type PairingFrame } from "../services/pairing";
import type { ChannelView } from "../api.gen";
import { Button } from "../ui/Button";
import { TextField } from "../ui/Field";
import { pairingSilentMs, pairingWords } from "./connect_words";
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
  const heardAt = useRef(0);
  const now = useNow(1_000);
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
          heardAt.current = clock.now();
          setFrame(shown);
          if (isOver(shown)) close();
        }, () => void begin(null));
        leave.current = watched.leave;
        await watched.ready.catch((error: unknown) => { throw fromSocket(error); });
      }
      heardAt.current = clock.now();
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
  const isSilent = isOpen && !isOver(frame) && !busy && now - heardAt.current > pairingSilentMs;
  const runs = isOpen && !isOver(frame) && !isSilent;
  const told = pairingWords(t, frame);
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
      <p className={told.bad || isSilent ? "form-problem" : "form-status"} role="status" data-testid="pairing-state">
        {isSilent ? t("pairing.lost") : isOpen && told.words}
      </p>
      {runs && frame?.qr && (
        <figure className="pairing-code">
          <img src={frame.qr} alt={t("pairing.qr")} width="264" height="264" data-testid="pairing-qr" />
          <figcaption className="form-hint">
            {t("pairing.attempt", { count: frame.attempt, most: codes })}
            {frame.expires_at != null && ` · ${t("pairing.until", { wait: t.wait(Math.max(1, (frame.expires_at - now) / 1_000)) })}`}
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
      {runs && frame?.code_problem && <p className="form-problem" role="alert" data-testid="pairing-code-problem">{t("pairing.noTypedCode", { reason: frame.code_problem })}</p>}
      {reason && <p className="form-problem" role="alert">{reason}</p>}
    </section>
  );
}

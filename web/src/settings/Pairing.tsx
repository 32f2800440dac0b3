// Links a channel's account with a phone: the code of the moment, how long it holds, another way for those who cannot scan, and
// how it ends. Closing the dialog leaves the room, and the server ends the pairing.
import { useEffect, useRef, useState, type FormEvent } from "react";
import { useApp, useNow, useText } from "../hooks/app";
import type { Text } from "../i18n/text";
import { PairingRoom } from "../services/pairing_room";
import { asked, isOver, mostCodes, secondsLeft, type Pairing } from "../state/pairing";
import type { ChannelView } from "../api.gen";
import { Button } from "../ui/Button";
import { Dialog } from "../ui/Dialog";
import { TextField } from "../ui/Field";
import { refusalOf } from "../ui/refusals";
import { useCalls } from "./data";
import "./pairing.css";

/** Kinds whose accounts are a phone's. */
export const isPaired = (kind: string) => kind === "waha";

export function PairingDialog({ channel, open, onClose }: { channel: ChannelView; open: boolean; onClose: () => void }) {
  const t = useText();
  return (
    <Dialog open={open} onClose={onClose} title={t("pairing.title", { name: channel.name })}>
      {open && <PairingPart channel={channel.id} onClose={onClose} />}
    </Dialog>
  );
}

function usePairing(channel: string): { pairing: Pairing; room: React.RefObject<PairingRoom | null> } {
  const { socket } = useApp();
  const calls = useCalls();
  const [pairing, setPairing] = useState(asked);
  const room = useRef<PairingRoom | null>(null);
  useEffect(() => {
    const here = new PairingRoom(socket, channel, (phone) => calls.pairChannel(channel, phone), setPairing);
    room.current = here;
    return () => here.leave();
  }, [socket, calls, channel]);
  return { pairing, room };
}

function PairingPart({ channel, onClose }: { channel: string; onClose: () => void }) {
  const t = useText();
  const { pairing, room } = usePairing(channel);
  const over = isOver(pairing);
  return (
    <div className="pairing" data-testid="pairing" data-phase={pairing.phase}>
      <p className={pairing.phase === "connected" ? "pairing-good" : over ? "form-problem" : ""} role="status" data-testid="pairing-said">
        {said(t, pairing)}
      </p>
      {pairing.phase === "scan" && <Scan pairing={pairing} />}
      {pairing.phase === "scan" && <ByNumber code={pairing.code} ask={(phone) => room.current?.code(phone) ?? Promise.resolve()} />}
      {over && (
        <div className="ui-actions">
          {pairing.phase !== "connected" && <Button tone="primary" onClick={() => room.current?.again()} data-testid="pairing-again">{t("pairing.again")}</Button>}
          <Button onClick={onClose} data-testid="pairing-close">{t(pairing.phase === "connected" ? "pairing.done" : "ui.close")}</Button>
        </div>
      )}
    </div>
  );
}

/** Told to those who cannot see it as well, so it says no seconds. */
function said(t: Text, { phase, qr, detail }: Pairing): string {
  if (phase === "scan") return t(qr ? "pairing.scan" : "pairing.starting");
  if (phase === "failed" || phase === "refused") return t("pairing.failed", { reason: detail ?? "" });
  return t(`pairing.${phase}`);
}

function Scan({ pairing }: { pairing: Pairing }) {
  const t = useText();
  const now = useNow(500);
  const seconds = secondsLeft(pairing, now);
  if (!pairing.qr) return null;
  return (
    <>
      <ol className="pairing-steps"><li>{t("pairing.step1")}</li><li>{t("pairing.step2")}</li><li>{t("pairing.step3")}</li></ol>
      <figure className="pairing-code">
        <img src={pairing.qr} alt={t("pairing.picture")} width={264} height={264} data-testid="pairing-qr" />
        <figcaption className="figures" role="timer" aria-live="off" data-testid="pairing-left">
          {t("pairing.attempt", { number: pairing.attempt, most: Math.max(mostCodes, pairing.attempt) })}
          {seconds !== null && ` · ${seconds > 0 ? t("pairing.left", { time: t.wait(seconds) }) : t("pairing.next")}`}
        </figcaption>
      </figure>
    </>
  );
}

function ByNumber({ code, ask }: { code: string | null; ask: (phone: string) => Promise<unknown> }) {
  const t = useText();
  const [phone, setPhone] = useState("");
  const [problem, setProblem] = useState<string | undefined>();
  const [busy, setBusy] = useState(false);
  async function submit(event: FormEvent) {
    event.preventDefault();
    const digits = phone.replace(/\D/g, "");
    if (digits.length < 6 || digits.length > 15) return setProblem(t("pairing.numberWrong"));
    setBusy(true);
    setProblem(undefined);
    try {
      await ask(phone);
    } catch (error) {
      setProblem(refusalOf(error, () => true).words);
    } finally {
      setBusy(false);
    }
  }
  return (
    <details className="pairing-number">
      <summary data-testid="pairing-by-number">{t("pairing.byNumber")}</summary>
      <form onSubmit={(event) => void submit(event)} noValidate>
        <TextField label={t("pairing.number")} hint={t("pairing.numberHint")} error={problem} required type="tel" inputMode="tel" autoComplete="off" dir="ltr"
          value={phone} onChange={(event) => { setPhone(event.target.value); setProblem(undefined); }} data-testid="pairing-phone"
          end={<Button type="submit" busy={busy} data-testid="pairing-ask">{t("pairing.ask")}</Button>} />
        <p role="status" className="pairing-typed">
          {code && <>{t("pairing.type")} <strong dir="ltr" data-testid="pairing-typed">{code}</strong></>}
        </p>
      </form>
    </details>
  );
}

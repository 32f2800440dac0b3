// Moves a channel to another company of its business, with all its conversations: which one, and what that means for whom.
import { useState } from "react";
import { usePick, useText } from "../hooks/app";
import { useByName } from "../hooks/sorted";
import { reasonOf } from "../services/problem";
import type { ChannelView } from "../api.gen";
import { Button } from "../ui/Button";
import { Dialog } from "../ui/Dialog";
import { SelectField } from "../ui/Field";
import { useCalls } from "./data";

interface Props {
  channel: ChannelView;
  /** Takes the channel from the answer. */
  keep: (channel: ChannelView) => void;
}

/** Nothing where the business has one company, or where the person sees one of them only. */
export function MoveChannel({ channel, keep }: Props) {
  const t = useText();
  const sorted = useByName();
  const all = usePick((state) => state.companies);
  const others = sorted(Object.values(all).filter((one) => one.tenant === channel.tenant && one.id !== channel.company));
  const [open, setOpen] = useState(false);
  if (others.length === 0) return null;
  return (
    <>
      <Button data-testid="move" aria-describedby="move-hint" onClick={() => setOpen(true)}>{t("move.open")}</Button>
      <span id="move-hint" className="form-hint">{t("move.openHint")}</span>
      <MoveDialog key={channel.company} channel={channel} keep={keep} others={others} open={open} onClose={() => setOpen(false)} />
    </>
  );
}

function MoveDialog({ channel, keep, others, open, onClose }: Props & { others: { id: string; name: string }[]; open: boolean; onClose: () => void }) {
  const t = useText();
  const calls = useCalls();
  const from = usePick((state) => state.companies[channel.company]?.name ?? "");
  const [company, setCompany] = useState(others[0]!.id);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  const to = others.find((one) => one.id === company)?.name ?? "";
  async function move() {
    setBusy(true);
    setProblem(null);
    try {
      const moved = await calls.moveChannel(channel.id, company);
      onClose();
      keep(moved);
    } catch (error) {
      setProblem(t("act.failed", { reason: reasonOf(error) }));
    } finally {
      setBusy(false);
    }
  }
  const actions = (
    <>
      <Button onClick={onClose}>{t("ui.cancel")}</Button>
      <Button tone="primary" busy={busy} onClick={() => void move()} data-testid="move-now">{t("move.now")}</Button>
    </>
  );
  return (
    <Dialog open={open} onClose={onClose} title={t("move.title", { name: channel.name })} hint={t("move.hint")} actions={actions}>
      <SelectField label={t("move.to")} required value={company} onChange={(event) => setCompany(event.target.value)} data-testid="move-company"
        choices={others.map(({ id, name }) => ({ value: id, label: name }))} />
      <p className="ui-hint">{t("move.who", { from, to })}</p>
      <p className="form-problem" role="alert">{problem}</p>
    </Dialog>
  );
}

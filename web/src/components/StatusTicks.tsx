// How far an outgoing message got: a clock, one tick, two ticks, two coloured ticks; never by colour alone.
import { useText } from "../hooks/app";
import type { MessageStatus } from "../api.gen";

type Shown = MessageStatus | "waiting";

const clock = <><circle cx="8" cy="8" r="5.500" /><path d="M8 5v3.200l2 1.300" /></>;
const one = <path d="m3.500 8.500 3 3 6-7" />;
const two = <path d="m1 8.500 3 3 6-7M8 11l.5.5 6-7" />;
const pictures: Partial<Record<Shown, React.ReactNode>> = {
  waiting: clock, queued: clock, sending: clock, sent: one, delivered: two, read: two,
  played: <><path d="m1 8.500 3 3 6-7" /><path d="m10 7 4 2.500-4 2.500z" fill="currentColor" /></>,
  failed: <><circle cx="8" cy="8" r="6" /><path d="M8 4.500v4M8 11v.3" /></>,
  unknown: <><path d="M5.500 6a2.500 2.500 0 1 1 3.600 2.200c-.7.4-1.100.8-1.100 1.600M8 12.200v.3" /></>,
};

export function StatusTicks({ status }: { status: Shown }) {
  const t = useText();
  if (status === "received") return null;
  const words = t(`status.${status}`);
  return (
    <span className={`ticks ticks-${status}`} title={words} data-testid="status">
      <svg viewBox="0 0 16 16" width="16" height="16" fill="none" stroke="currentColor" strokeWidth="1.700"
        strokeLinecap="round" strokeLinejoin="round" aria-hidden="true">{pictures[status]}</svg>
      <span className="unseen">{words}</span>
    </span>
  );
}

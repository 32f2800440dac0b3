// Whether the customer wants no messages: said at the head of a thread, noted and lifted there by people.
import { useApp, usePick, useText } from "../hooks/app";
import { useLater } from "../hooks/later";
import { displayName, mayWrite } from "../state/select";
import type { Conversation } from "../api.gen";

export function OptOutMark({ conversation }: { conversation: Conversation }) {
  const t = useText();
  const since = conversation.contact.opted_out_at ?? null;
  return since === null ? null : <strong className="trouble" data-testid="opted-out">{t("optOut.since", { time: t.full(since) })}</strong>;
}

export function OptOutButton({ conversation }: { conversation: Conversation }) {
  const t = useText();
  const { desk } = useApp();
  const allowed = usePick((state) => mayWrite(state, conversation));
  const ask = useLater(() => import("./OptOutAsk").then((file) => file.OptOutAsk));
  const optedOut = (conversation.contact.opted_out_at ?? null) !== null;
  if (!allowed) return null;

  const words = t(optedOut ? "optOut.lift" : "optOut.note");
  return (
    <>
      <button type="button" className="quiet square opt-out" aria-haspopup="dialog" aria-label={words} title={words} data-testid="opt-out" onClick={() => void ask.open()}>
        <BellIcon off={!optedOut} />
      </button>
      {ask.Shown && (
        <ask.Shown name={displayName(conversation)} optedOut={optedOut} onClose={ask.close}
          onConfirm={() => { ask.close(); void desk.optOut(conversation.id, !optedOut); }} />
      )}
    </>
  );
}

function BellIcon({ off }: { off: boolean }) {
  return (
    <svg className="icon" width="18" height="18" viewBox="0 0 24 24" fill="none" stroke="currentColor" strokeWidth="1.8" strokeLinecap="round" strokeLinejoin="round" aria-hidden="true" focusable="false">
      <path d="M6 17V11a6 6 0 0 1 12 0v6l1.500 2h-15zM10 21h4" />{off && <path d="M4 4l16 16" />}
    </svg>
  );
}

// Where one writes: a message to the customer or a note to colleagues. The draft belongs to the conversation.
import { useEffect, useRef, useState, type KeyboardEvent } from "react";
import { composing } from "../hooks/composing";
import { useApp, usePick, useText } from "../hooks/app";
import { composerId } from "../hooks/places";
import { reasonWords } from "../i18n/refusal";
import type { Draft } from "../state/model";
import { channelOf, mayWrite } from "../state/select";
import { customer } from "../state/typist";
import type { Conversation } from "../api.gen";
import { authorName } from "./author";
import { AttachButtons, AttachDrop, AttachList, useUploads } from "./Attach";
import { CloseIcon, SendIcon } from "./Icons";
import { Typing } from "./Presence";
import { TemplatesButton } from "./TemplatesButton";
import { useRoad, WindowNote } from "./WindowNote";

const noDraft: Draft = { text: "", note: false, reply_to: null };
const growsByItself = typeof CSS !== "undefined" && CSS.supports("field-sizing", "content");

export function Composer({ conversation }: { conversation: Conversation }) {
  const t = useText();
  const { desk } = useApp();
  const { id } = conversation;
  const draft = usePick((state) => state.drafts[id] ?? noDraft);
  const allowed = usePick((state) => mayWrite(state, conversation));
  const live = usePick((state) => state.link.phase === "live" || state.link.lostAt === null);
  const paused = usePick((state) => channelOf(state, conversation)?.state === "disabled");
  const road = useRoad(conversation, draft);
  const hasTemplates = usePick((state) => channelOf(state, conversation)?.abilities.templates === true);
  const typing = usePick((state) => (state.typing[id] ?? []).some((one) => one.id !== customer));
  const field = useRef<HTMLTextAreaElement>(null);
  const reason = !allowed ? t("composer.viewer") : conversation.state === "closed" ? t("composer.closed") : null;
  const change = (part: Partial<Draft>) => desk.draft(id, { ...draft, ...part });
  const files = useUploads(id);
  const [attachNews, setAttachNews] = useState<string | null>(null);
  const attached = !draft.note && files.length > 0;
  const coming = attached && files.some((file) => file.state !== "ready");
  const stuck = attached && files.some((file) => file.state === "failed") && files.every((file) => file.state === "ready" || file.state === "failed");
  const empty = coming || (draft.text.trim() === "" && !attached);

  useEffect(() => {
    const box = field.current;
    if (!box || growsByItself) return;
    box.style.height = "auto";
    box.style.height = `${box.scrollHeight}px`;
  }, [draft.text]);

  function send() {
    if (empty || road.stops) return;
    desk.send(id, draft, road.asPerson);
    field.current?.focus();
  }

  function onKeyDown(event: KeyboardEvent) {
    if (event.key !== "Enter" || event.shiftKey || composing(event)) return;
    event.preventDefault();
    send();
  }

  if (reason) {
    return <div className="composer"><p className="composer-off" data-testid="composer-off">{reason}</p></div>;
  }
  return (
    <form className="composer" data-note={draft.note} onSubmit={(event) => { event.preventDefault(); send(); }}>
      <div className="composer-head">
        <div className="pick" role="group" aria-label={t("composer.mode")}>
          <button type="button" aria-pressed={!draft.note} onClick={() => change({ note: false })} data-testid="mode-message">{t("composer.message")}</button>
          <button type="button" aria-pressed={draft.note} onClick={() => change({ note: true, reply_to: null })} data-testid="mode-note">{t("composer.note")}</button>
        </div>
        <p className="composer-hint" role="status">
          {!live ? <span className="composer-warning">{t("composer.offline")}</span>
            : paused && !draft.note ? <span className="composer-warning" data-testid="composer-paused">{t("composer.paused")}</span>
            : typing ? <Typing conversation={id} />
            : conversation.owner === "ai" && !draft.note ? t("composer.takesOver") : null}
        </p>
        {hasTemplates && !draft.note && road.road.window !== "closed" && <TemplatesButton conversation={conversation} quiet />}
      </div>
      <WindowNote conversation={conversation} draft={draft} writing={road} />
      {draft.reply_to && <Replying conversation={id} message={draft.reply_to} onCancel={() => change({ reply_to: null })} />}
      {draft.refusal && (
        <p className="composer-refused" role="alert" data-testid="composer-refused">{t("composer.refused", { reason: reasonWords(t, draft.refusal) })}</p>
      )}
      {!draft.note && <AttachList conversation={id} />}
      {stuck && <p className="composer-refused" role="status">{t("attach.inTheWay")}</p>}
      {attachNews && <p className="composer-refused" role="alert">{attachNews}</p>}
      <AttachDrop conversation={id} note={draft.note} say={setAttachNews} />
      <div className="composer-line">
        <AttachButtons conversation={id} note={draft.note} say={setAttachNews} />
        <textarea
          ref={field} id={composerId} rows={1} value={draft.text} dir="auto"
          placeholder={t(draft.note ? "composer.notePlaceholder" : "composer.placeholder")}
          aria-label={t(draft.note ? "composer.noteLabel" : "composer.label")} title={t("composer.hint")}
          aria-keyshortcuts="r" data-testid="composer-input"
          onChange={(event) => change({ text: event.target.value })} onKeyDown={onKeyDown}
        />
        <button type="submit" className="primary send" disabled={empty || road.stops} data-testid="composer-send"
          aria-label={t(draft.note ? "composer.addNote" : "composer.send")} title={t(draft.note ? "composer.addNote" : "composer.send")}>
          <SendIcon />
        </button>
      </div>
    </form>
  );
}

function Replying({ conversation, message, onCancel }: { conversation: string; message: string; onCancel: () => void }) {
  const t = useText();
  const me = usePick((state) => state.session.user?.id ?? null);
  const quoted = usePick((state) => {
    for (const kept of state.threads[conversation]?.messages.values() ?? []) if (kept.value.id === message) return kept.value;
    return null;
  });
  const name = quoted ? authorName(t, quoted.author, me) : "";
  return (
    <div className="replying">
      <p><strong>{t("composer.replying", { name })}</strong> <span dir="auto">{quoted?.text ?? ""}</span></p>
      <button type="button" className="quiet square small" aria-label={t("composer.cancelReply")} onClick={onCancel}><CloseIcon /></button>
    </div>
  );
}

// What can be done with a message: answer it, copy it. Shown on hover and on keyboard focus.
import { useApp, usePickOf, useText } from "../hooks/app";
import { canReact, takesMessages } from "../state/select";
import type { Message } from "../api.gen";
import { composerId } from "../hooks/places";
import { CopyIcon, ReplyIcon } from "./Icons";
import { ReactPick } from "./ReactPick";

export function MessageActions({ message }: { message: Message }) {
  const t = useText();
  const { desk, store } = useApp();
  const { text, direction, conversation } = message;
  const possible = usePickOf(conversation, (state) => takesMessages(state, conversation));
  const able = usePickOf(conversation, (state) => canReact(state, conversation));
  const reply = () => {
    const draft = store.get().drafts[conversation];
    desk.draft(conversation, { text: draft?.text ?? "", note: false, reply_to: message.id });
    document.getElementById(composerId)?.focus();
  };
  return (
    <div className="message-acts" role="group" aria-label={t("message.actions")}>
      {possible && direction !== "note" && (
        <button type="button" className="quiet square small" aria-label={t("message.reply")} title={t("message.reply")} onClick={reply}>
          <ReplyIcon />
        </button>
      )}
      {possible && able && direction !== "note" && <ReactPick message={message} />}
      {text && (
        <button type="button" className="quiet square small" aria-label={t("message.copy")} title={t("message.copy")}
          onClick={() => void navigator.clipboard?.writeText(text)}>
          <CopyIcon />
        </button>
      )}
    </div>
  );
}

// The message that is answered, in short; a click goes to it when it is on the page.
import { useText } from "../hooks/app";
import type { Message } from "../api.gen";
import { authorName } from "./author";

interface Props {
  message: Message | null;
  me: string | null;
  onGo: (message: Message) => void;
}

export function Quote({ message, me, onGo }: Props) {
  const t = useText();
  if (!message) return <p className="quote">{t("message.quoteGone")}</p>;
  return (
    <button type="button" className="quote" onClick={() => onGo(message)}>
      <strong dir="auto">{authorName(t, message.author, me)}</strong>
      <span dir="auto">{message.deleted_at !== null ? t("message.deleted") : (message.text ?? t(`kind.${message.kind}`))}</span>
    </button>
  );
}

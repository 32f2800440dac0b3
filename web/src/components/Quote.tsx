// The message that is answered, in short; a click goes to it when it is on the page.
import { useText } from "../hooks/app";
import type { Message } from "../api.gen";
import { authorName } from "./author";

export function Quote({ message, me }: { message: Message | null; me: string | null }) {
  const t = useText();
  if (!message) return <p className="quote">{t("message.quoteGone")}</p>;
  const go = () => {
    const target = document.querySelector(`[data-message-id="${message.id}"]`);
    target?.scrollIntoView({ block: "center" });
    target?.animate([{ opacity: 0.4 }, { opacity: 1 }], { duration: 700 });
  };
  return (
    <button type="button" className="quote" onClick={go}>
      <strong dir="auto">{authorName(t, message.author, me)}</strong>
      <span dir="auto">{message.deleted_at !== null ? t("message.deleted") : (message.text ?? t(`kind.${message.kind}`))}</span>
    </button>
  );
}

// Reacting to a message: a button that opens a row of emoji. The one that stands is taken back by the same press.
import { useRef, useState } from "react";
import { useApp, useText } from "../hooks/app";
import type { Message } from "../api.gen";
import { SmileIcon } from "./Icons";

/** Those that every provider with reactions takes. */
const offered = ["👍", "❤", "🔥", "🎉", "😁", "🙏"];

export function ReactPick({ message }: { message: Message }) {
  const t = useText();
  const { desk } = useApp();
  const [open, setOpen] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  const ours = message.reactions.find((one) => one.by === "us")?.emoji ?? null;
  const close = () => {
    setOpen(false);
    button.current?.focus();
  };
  const react = (emoji: string) => {
    close();
    void desk.react(message.conversation, message.id, emoji === ours ? null : emoji);
  };
  return (
    <span className="react-pick" onKeyDown={(event) => {
      if (event.key !== "Escape" || !open) return;
      event.stopPropagation();
      close();
    }}>
      <button ref={button} type="button" className="quiet square small" aria-label={t("message.react")} title={t("message.react")}
        aria-expanded={open} onClick={() => setOpen(!open)} data-testid="react">
        <SmileIcon />
      </button>
      {open && (
        <span className="react-row" role="group" aria-label={t("message.react")}>
          {offered.map((emoji, at) => (
            <button key={emoji} type="button" className="quiet square small" autoFocus={at === 0} aria-pressed={emoji === ours}
              aria-label={emoji === ours ? t("message.unreact") : t("message.reactWith", { emoji })} onClick={() => react(emoji)}>
              {emoji}
            </button>
          ))}
        </span>
      )}
    </span>
  );
}

// What is around a message's words: where it was passed on from, what it quotes of messages that are not here, the
// addresses behind its words, a poll.
import { useText } from "../hooks/app";
import type { Text } from "../i18n/text";
import { contextOf, placeOf } from "../state/context";
import type { Conversation, Message } from "../api.gen";

/** Above the words. `quotes`: the quoted message itself is shown. */
export function ContextBefore({ message, quotes }: { message: Message; quotes: boolean }) {
  const t = useText();
  const { forwardedFrom, quoted, poll } = contextOf(message);
  return (
    <>
      {forwardedFrom !== null && (
        <p className="forwarded" dir="auto" data-testid="forwarded">
          {forwardedFrom === "" ? t("message.forwarded") : t("message.forwardedFrom", { name: forwardedFrom })}
        </p>
      )}
      {quoted && !quotes && (
        <blockquote className="quote" data-testid="quoted">
          {(quoted.author ?? quoted.elsewhere) && (
            <strong dir="auto">{[quoted.author, quoted.elsewhere ? t("message.elsewhere") : null].filter(Boolean).join(" · ")}</strong>
          )}
          <span dir="auto">{quoted.text ?? t(`kind.${quoted.kind}` as Parameters<Text>[0])}</span>
        </blockquote>
      )}
      {poll && (
        <div className="poll" data-testid="poll">
          <p dir="auto"><strong>{t("kind.poll")}:</strong> {poll.question}</p>
          <ul>{poll.options.map((option, index) => <li key={index} dir="auto">{option}</li>)}</ul>
        </div>
      )}
    </>
  );
}

/** Below the words: each address in full, so that nobody follows one unseen. */
export function LinkList({ message }: { message: Message }) {
  const t = useText();
  const { links } = contextOf(message);
  if (links.length === 0) return null;
  return (
    <ul className="links" aria-label={t("message.links")} data-testid="links">
      {links.map(({ text, url }, index) => (
        <li key={index}>
          <span dir="auto">{text}</span>{": "}
          <a dir="ltr" href={url} target="_blank" rel="noopener noreferrer nofollow">{url}</a>
        </li>
      ))}
    </ul>
  );
}

/** Which of a customer's places a conversation is; nothing where there is only one. */
export function PlaceMark({ conversation }: { conversation: Conversation }) {
  const t = useText();
  const place = placeOf(conversation.thread);
  if (!place) return null;
  const words = [place.business ? t("place.business") : null, place.topic === null ? null : t("place.topic", { id: place.topic })];
  return <span className="place" dir="auto" data-testid="place">{words.filter(Boolean).join(" · ")}</span>;
}

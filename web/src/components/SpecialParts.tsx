// What stands under the words of a message: a mention in a story, buttons, a template, why no machine answers it, a reaction that was refused.
import { useText } from "../hooks/app";
import { refusal } from "../i18n/refusal";
import type { Message } from "../api.gen";
import { specialOf } from "../state/special";

export function SpecialParts({ message }: { message: Message }) {
  const t = useText();
  const { buttons, template, noAnswer, reactionRefused, story, late } = specialOf(message);
  return (
    <>
      {story && <p className="special" data-testid="message-story">{t(`message.story.${story}`)}</p>}
      {template && <p className="special" data-testid="message-template">{t("message.template", template)}</p>}
      {buttons.length > 0 && (
        <p className="special" data-testid="message-buttons">
          <span className="unseen">{t("message.buttons", { list: buttons.join(", ") })}</span>
          {buttons.map((title) => <span key={title} className="special-button" aria-hidden="true" dir="auto">{title}</span>)}
        </p>
      )}
      {late !== null && <p className="special" data-testid="message-late">{t("message.late", { time: t.full(late) })}</p>}
      {noAnswer && <p className="special" data-testid="message-no-answer">{t(`message.noAnswer.${noAnswer}`)}</p>}
      {reactionRefused && (
        <p className="special" role="note" data-testid="reaction-refused">
          {t("message.reactionRefused", { emoji: reactionRefused.emoji, reason: refusal(t, reactionRefused) })}
        </p>
      )}
    </>
  );
}

// The answer of the AI as it grows; the stored message takes its place.
import { useText } from "../hooks/app";
import type { Writing } from "../state/model";
import { writingText } from "../state/writing";
import { SparkIcon } from "./Icons";

export function WritingBubble({ writing }: { writing: Writing }) {
  const t = useText();
  return (
    <article className="message out by-responder writing" data-testid="ai-writing" data-joined="false" aria-busy="true">
      <p className="message-author"><SparkIcon size={13} /> {t("ai.writing")}</p>
      <div className="message-line">
        <div className="bubble">
          <p className="text" dir="auto">{writingText(writing)}<span className="caret" aria-hidden="true" /></p>
        </div>
      </div>
    </article>
  );
}

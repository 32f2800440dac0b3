// Where a conversation came from: a word in the list, and in its head a button that shows each time that something led the
// contact here.
import { useText } from "../hooks/app";
import { useLater } from "../hooks/later";
import type { Conversation, Touch } from "../api.gen";

/** The short name: where from, and else which link. */
const nameOf = ({ source }: Pick<Touch, "source">) => source.utm.source ?? source.name;

export function SourceMark({ conversation }: { conversation: Conversation }) {
  const t = useText();
  const { source } = conversation;
  if (!source) return null;
  return (
    <span className="place" dir="auto" data-testid="source" title={t("source.show", { name: source.name })}>
      <span className="unseen">{t("source.title")}: </span>{nameOf({ source })}
    </span>
  );
}

export function SourceButton({ conversation }: { conversation: Conversation }) {
  const t = useText();
  const dialog = useLater(() => import("./SourceDialog").then((file) => file.SourceDialog));
  const { source } = conversation;
  if (!source) return null;
  return (
    <>
      <button type="button" className="source-button" data-testid="source-button" onClick={() => void dialog.open()}>
        <bdi>{t("source.show", { name: nameOf({ source }) })}</bdi>
      </button>
      {dialog.Shown && <dialog.Shown conversation={conversation.id} onClose={dialog.close} />}
    </>
  );
}

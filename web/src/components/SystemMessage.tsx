// A message that the system wrote: of the privacy notice the customer reads the same words, so it says how far it got.
import { useText } from "../hooks/app";
import { refusal } from "../i18n/refusal";
import type { Message } from "../api.gen";
import { RichText } from "./RichText";
import { StatusTicks } from "./StatusTicks";

/** By the id that the server gives it. */
export const isNotice = ({ author, client_id }: Pick<Message, "author" | "client_id">): boolean =>
  author.kind === "system" && (client_id ?? "").startsWith("notice:");

export function SystemMessage({ message }: { message: Message }) {
  const t = useText();
  const { direction, status, error, text } = message;
  const marks = { "data-testid": "message", "data-seq": message.seq, "data-direction": direction, "data-status": status } as const;
  if (direction !== "out") return <p className="system-line" {...marks}>{text}</p>;
  const failed = status === "failed" || status === "unknown";
  return (
    <article className="system-message" {...marks}>
      <p className="system-head">
        <strong>{t(isNotice(message) ? "message.notice" : "author.system")}</strong>{" "}
        <time dateTime={new Date(message.created_at).toISOString()} title={t.full(message.created_at)}>{t.time(message.created_at)}</time>{" "}
        <StatusTicks status={status} />
      </p>
      <RichText text={text ?? ""} />
      {error && (failed || status === "queued") && (
        <p className="problem" role="note" title={error.reason}>{t(failed ? "message.failed" : "message.waits", { reason: refusal(t, error) })}</p>
      )}
    </article>
  );
}

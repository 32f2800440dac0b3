// Where a conversation came from: a word in the list, and in its head a button that shows each time that something led the
// contact here.
import { useEffect, useState } from "react";
import { useApp, useText } from "../hooks/app";
import type { Conversation, Touch, Touches } from "../api.gen";
import { reasonOf } from "../services/problem";
import { Dialog } from "../ui/Dialog";

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
  const [open, setOpen] = useState(false);
  const { source } = conversation;
  if (!source) return null;
  return (
    <>
      <button type="button" className="source-button" data-testid="source-button" onClick={() => setOpen(true)}>
        <bdi>{t("source.show", { name: nameOf({ source }) })}</bdi>
      </button>
      <Dialog open={open} onClose={() => setOpen(false)} title={t("source.title")}>
        {open && <TouchList conversation={conversation.id} />}
      </Dialog>
    </>
  );
}

function TouchList({ conversation }: { conversation: string }) {
  const t = useText();
  const { request } = useApp();
  const [found, setFound] = useState<Touch[] | string | null>(null);
  useEffect(() => {
    let here = true;
    request<Touches>("GET", `/api/v1/conversations/${conversation}/touches`).then(
      ({ touches }) => here && setFound(touches), (error: unknown) => here && setFound(reasonOf(error)),
    );
    return () => void (here = false);
  }, [request, conversation]);
  if (found === null) return <p aria-busy="true">…</p>;
  if (typeof found === "string") return <p role="alert">{found}</p>;
  if (found.length === 0) return <p>{t("source.none")}</p>;
  return (
    <ul className="touches" data-testid="touches">
      {found.map(({ id, source, at }, place) => (
        <li key={id}>
          <strong dir="auto">{source.name}</strong> {place === found.length - 1 && <span className="tag">{t("source.first")}</span>}
          <br />
          <span dir="auto">{[t(`source.kind.${source.kind}`), source.utm.source, source.campaign, source.utm.content].filter(Boolean).join(" · ")}</span>
          {" · "}<time>{t.full(at)}</time>
        </li>
      ))}
    </ul>
  );
}

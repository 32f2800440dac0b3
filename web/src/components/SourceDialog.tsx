// Each time that something led the contact here.
import { useEffect, useState } from "react";
import { useApp, useText } from "../hooks/app";
import type { Touch, Touches } from "../api.gen";
import { reasonOf } from "../services/problem";
import { Dialog } from "../ui/Dialog";

export function SourceDialog({ conversation, onClose }: { conversation: string; onClose: () => void }) {
  const t = useText();
  return <Dialog open onClose={onClose} title={t("source.title")}><TouchList conversation={conversation} /></Dialog>;
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

// An attachment by its kind: picture with preview, player, or a file to take. Says when it is still being fetched
// from the provider and when that failed; a file that was sent by its address is a link to there.
import { useRef, useState } from "react";
import { useMedia } from "../hooks/media";
import { useText } from "../hooks/app";
import type { Attachment } from "../api.gen";
import { CloseIcon, DownloadIcon, FileIcon } from "./Icons";

export function AttachmentView({ attachment }: { attachment: Attachment }) {
  const t = useText();
  const name = attachment.name ?? t(`kind.${attachment.kind}`);
  const box = (words: string, tone = "") => (
    <p className={`file ${tone}`} data-state={attachment.state}><FileIcon /><span><strong>{name}</strong><small>{words}</small></span></p>
  );
  if (attachment.state === "pending") return box(t("media.pending"), "file-pending");
  if (attachment.state === "failed") {
    return box(attachment.error ? t("media.failed", { reason: attachment.error }) : t("media.failedPlain"), "file-failed");
  }
  if (attachment.state === "linked") {
    return (
      <a className="file" data-state="linked" href={attachment.url ?? undefined} target="_blank" rel="noopener noreferrer">
        <FileIcon /><span><strong>{name}</strong><small>{t("media.linked")}</small></span>
      </a>
    );
  }
  switch (attachment.kind) {
    case "image": case "sticker":
      return <Picture attachment={attachment} name={name} />;
    case "audio": case "voice": case "video":
      return <Player attachment={attachment} name={name} />;
    default:
      return <Download attachment={attachment} name={name} />;
  }
}

interface Part {
  attachment: Attachment;
  name: string;
}

function Picture({ attachment, name }: Part) {
  const t = useText();
  const [media, retry] = useMedia(attachment.thumbnail ? `${attachment.id} small` : attachment.id);
  const [open, setOpen] = useState(false);
  const [whole] = useMedia(open && attachment.thumbnail ? attachment.id : null);
  const dialog = useRef<HTMLDialogElement>(null);
  if (media.phase === "failed") return <Broken name={name} retry={retry} />;
  return (
    <>
      <button type="button" className={`picture picture-${attachment.kind}`} disabled={media.phase !== "ready"}
        aria-label={t("media.open", { name })} onClick={() => { setOpen(true); dialog.current?.showModal(); }}>
        {media.url ? <img src={media.url} alt={name} /> : <span className="skeleton" />}
      </button>
      <dialog ref={dialog} className="preview" aria-label={name} onClick={() => dialog.current?.close()}>
        <button type="button" className="square" aria-label={t("media.close")}><CloseIcon /></button>
        {media.url && <img src={whole.url ?? media.url} alt={name} />}
      </dialog>
    </>
  );
}

function Player({ attachment, name }: Part) {
  const [media, retry] = useMedia(attachment.id);
  if (media.phase === "failed") return <Broken name={name} retry={retry} />;
  const source = media.url ?? undefined;
  return attachment.kind === "video"
    ? <video className="video" controls preload="metadata" src={source} aria-label={name} />
    : <audio className="audio" controls preload="metadata" src={source} aria-label={name} />;
}

function Download({ attachment, name }: Part) {
  const t = useText();
  const [media, retry] = useMedia(attachment.id);
  if (media.phase === "failed") return <Broken name={name} retry={retry} />;
  const details = attachment.size === null ? t("media.download") : t.size(attachment.size);
  return (
    <a className="file" href={media.url ?? undefined} download={name} aria-busy={media.phase === "loading"}>
      <FileIcon />
      <span><strong>{name}</strong><small>{media.phase === "loading" ? t("media.loading") : details}</small></span>
      <DownloadIcon />
    </a>
  );
}

function Broken({ name, retry }: { name: string; retry: () => void }) {
  const t = useText();
  return (
    <p className="file file-failed">
      <FileIcon />
      <span><strong>{name}</strong><small>{t("media.loadFailed")}</small></span>
      <button type="button" className="small" onClick={retry}>{t("try.again")}</button>
    </p>
  );
}

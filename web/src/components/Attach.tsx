// Files of the message that is being written: choosing, dropping and pasting them, how far each has come, and taking one back.
import { useEffect, useRef, useState, useSyncExternalStore } from "react";
import { useApp, useText } from "../hooks/app";
import { mostFiles } from "../services/uploads";
import type { Uploading } from "../state/unsent";
import { notTaken } from "./attach_words";
import { AttachVoice } from "./AttachVoice";
import { AttachIcon, CloseIcon } from "./Icons";

export function useUploads(conversation: string): readonly Uploading[] {
  const { uploads } = useApp();
  return useSyncExternalStore(uploads.subscribe, () => uploads.of(conversation));
}

/** The buttons beside the text. Notes have no files. */
export function AttachButtons({ conversation, note, say }: { conversation: string; note: boolean; say: (words: string | null) => void }) {
  const t = useText();
  const { uploads } = useApp();
  const field = useRef<HTMLInputElement>(null);
  if (note) return null;
  const add = (files: FileList | null) => {
    const over = uploads.add(conversation, [...(files ?? [])]);
    say(over > 0 ? t("attach.tooMany", { most: mostFiles }) : null);
  };
  return (
    <>
      <input ref={field} type="file" multiple hidden data-testid="attach-input" tabIndex={-1}
        onChange={(event) => { add(event.target.files); event.target.value = ""; }} />
      <button type="button" className="quiet square" aria-label={t("attach.add")} title={t("attach.add")} data-testid="attach"
        onClick={() => field.current?.click()}><AttachIcon /></button>
      <AttachVoice conversation={conversation} say={say} />
    </>
  );
}

/** Takes files that are dropped on the thread or pasted into the text; draws where they would land. */
export function AttachDrop({ conversation, note, say }: { conversation: string; note: boolean; say: (words: string | null) => void }) {
  const t = useText();
  const { uploads } = useApp();
  const [over, setOver] = useState(false);
  useEffect(() => {
    const add = (files: readonly File[]) => {
      if (note) return say(t("attach.notForNotes"));
      say(uploads.add(conversation, files) > 0 ? t("attach.tooMany", { most: mostFiles }) : null);
    };
    const hasFiles = (event: DragEvent) => event.dataTransfer?.types.includes("Files") ?? false;
    const drag = (event: DragEvent) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      if (event.dataTransfer && event.type === "dragover") event.dataTransfer.dropEffect = "copy";
      setOver(event.type === "dragover");
    };
    const drop = (event: DragEvent) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      setOver(false);
      add([...(event.dataTransfer?.files ?? [])]);
    };
    const paste = (event: ClipboardEvent) => {
      const files = [...(event.clipboardData?.files ?? [])];
      if (files.length === 0) return;
      event.preventDefault();
      add(files);
    };
    const names = ["dragover", "dragleave"] as const;
    for (const name of names) window.addEventListener(name, drag);
    window.addEventListener("drop", drop);
    window.addEventListener("paste", paste);
    return () => {
      for (const name of names) window.removeEventListener(name, drag);
      window.removeEventListener("drop", drop);
      window.removeEventListener("paste", paste);
    };
  }, [conversation, note, say, t, uploads]);
  return over ? <p className="attach-drop" role="status">{t("attach.drop")}</p> : null;
}

export function AttachList({ conversation }: { conversation: string }) {
  const t = useText();
  const files = useUploads(conversation);
  if (files.length === 0) return null;
  return (
    <ul className="attach-list" aria-label={t("attach.list")} data-testid="attach-list">
      {files.map((file) => <Row key={file.id} conversation={conversation} file={file} />)}
    </ul>
  );
}

function Row({ conversation, file }: { conversation: string; file: Uploading }) {
  const t = useText();
  const { uploads } = useApp();
  const [done, size] = [t.size(file.done), t.size(file.size)];
  const refused = file.state === "failed" ? notTaken(t, file.reason ?? "") : null;
  const words = refused ? refused.words
    : file.state === "ready" ? t("attach.ready", { size })
    : t(file.state === "waiting" ? "attach.waiting" : "attach.uploading", { done, size });
  return (
    <li data-testid="attach-file" data-state={file.state}>
      <span className="attach-name" dir="auto">{file.name}</span>
      {file.state === "uploading" || file.state === "waiting" ? <progress max={file.size} value={file.done} aria-label={file.name} /> : null}
      <small role={file.state === "failed" ? "alert" : undefined}>{words}</small>
      {refused && uploads.canRetry(conversation, file.id, refused.asDocument) && (
        <button type="button" className="small" onClick={() => uploads.retry(conversation, file.id, refused.asDocument ? "document" : undefined)}>
          {t(refused.asDocument ? "attach.asDocument" : "try.again")}
        </button>
      )}
      <button type="button" className="quiet square small" aria-label={t("attach.cancel", { name: file.name })}
        onClick={() => uploads.cancel(conversation, file.id)}><CloseIcon /></button>
    </li>
  );
}

// A voice note from the microphone, in the form that the channel takes. Chats want Opus in Ogg; the server puts it there from
// WebM, which is all that some browsers record. Nothing is converted here.
import { useEffect, useRef, useState } from "react";
import { useApp, usePickOf, useText } from "../hooks/app";
import { CloseIcon, MicrophoneIcon, StopIcon } from "./Icons";

const opus = [
  { type: "audio/ogg;codecs=opus", ending: "ogg" },
  { type: "audio/webm;codecs=opus", ending: "webm" },
];
const sounds = [
  { type: "audio/mp4;codecs=mp4a.40.2", ending: "m4a" },
  { type: "audio/mp4", ending: "m4a" },
  { type: "audio/mp4;codecs=opus", ending: "m4a" },
];
/** Where a voice note is one, and not a sound of any kind. */
const ofNotes: readonly string[] = ["telegram", "waha", "whatsapp-cloud"];
const tickMs = 500;

interface Recording {
  recorder: MediaRecorder;
  startedAt: number;
  keep: boolean;
}

export function AttachVoice({ conversation, say }: { conversation: string; say: (words: string | null) => void }) {
  const t = useText();
  const { uploads } = useApp();
  const kind = usePickOf(conversation, (state) => state.conversations.get(conversation)?.value.channel_kind ?? "");
  const forms = ofNotes.includes(kind) ? [...opus, ...sounds] : [...sounds, ...opus];
  const recording = useRef<Recording | null>(null);
  const [seconds, setSeconds] = useState<number | null>(null);

  useEffect(() => () => { if (recording.current) stop(recording.current, false); }, [conversation]);

  async function start() {
    const form = typeof MediaRecorder === "undefined" ? undefined : forms.find((one) => MediaRecorder.isTypeSupported(one.type));
    if (!form) return say(t("attach.recordUnfit"));
    // Browsers have no microphone for pages without TLS.
    if (!("mediaDevices" in navigator)) return say(t("attach.recordUnsafe"));
    const stream = await navigator.mediaDevices.getUserMedia({ audio: true }).catch(() => null);
    if (!stream) return say(t("attach.recordDenied"));
    say(null);
    const recorder = new MediaRecorder(stream, { mimeType: form.type });
    const made: Recording = { recorder, startedAt: performance.now(), keep: true };
    const parts: Blob[] = [];
    const timer = setInterval(() => setSeconds(Math.floor((performance.now() - made.startedAt) / 1_000)), tickMs);
    recorder.ondataavailable = ({ data }) => parts.push(data);
    recorder.onstop = () => {
      clearInterval(timer);
      for (const track of stream.getTracks()) track.stop();
      recording.current = null;
      setSeconds(null);
      const type = form.type.split(";")[0]!;
      if (made.keep && parts.some((part) => part.size > 0)) {
        uploads.add(conversation, [new File(parts, `voice.${form.ending}`, { type })], "voice");
      }
    };
    recording.current = made;
    setSeconds(0);
    recorder.start();
  }

  if (seconds === null) {
    return (
      <button type="button" className="quiet square" aria-label={t("attach.record")} title={t("attach.record")} data-testid="record"
        onClick={() => void start()}><MicrophoneIcon /></button>
    );
  }
  const time = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
  const end = (keep: boolean) => { if (recording.current) stop(recording.current, keep); };
  return (
    <span className="attach-recording">
      <span role="timer" aria-label={t("attach.recording", { time })}>{time}</span>
      <button type="button" className="quiet square" aria-label={t("attach.recordStop")} title={t("attach.recordStop")} data-testid="record-stop"
        onClick={() => end(true)}><StopIcon /></button>
      <button type="button" className="quiet square" aria-label={t("attach.recordCancel")} title={t("attach.recordCancel")}
        onClick={() => end(false)}><CloseIcon /></button>
    </span>
  );
}

function stop(recording: Recording, keep: boolean): void {
  recording.keep = keep;
  if (recording.recorder.state !== "inactive") recording.recorder.stop();
}

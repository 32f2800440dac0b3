// Files on their way to the server, by conversation, before they are sent: in pieces that go on where they stopped, in the
// order in which they were chosen. The bytes are the browser's; a page that is left forgets those that are not whole.
import type { SentFile } from "../state/unsent";
import type { Api } from "./api";
import { reasonOf, RequestError } from "./problem";
import { retryDelay } from "./retry";

export interface Uploading {
  id: string;
  name: string;
  size: number;
  kind: string;
  done: number;
  state: "uploading" | "waiting" | "ready" | "failed";
  reason: string | null;
  /** The server's id of the whole file. */
  file: string | null;
}

interface Entry {
  shown: Uploading;
  bytes: Blob;
  upload: string | null;
  stop: AbortController;
}

const piece = 512 * 1024;
const none: readonly Uploading[] = [];
export const mostFiles = 10;

export class Uploads {
  private readonly entries = new Map<string, Entry[]>();
  private shown = new Map<string, readonly Uploading[]>();
  private readonly listeners = new Set<() => void>();

  constructor(
    private readonly api: Pick<Api, "request" | "piece">,
    private readonly newId: () => string,
    private readonly wait = (ms: number) => new Promise<void>((done) => setTimeout(done, ms)),
  ) {}

  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  of(conversation: string): readonly Uploading[] {
    return this.shown.get(conversation) ?? none;
  }

  /** How many of these files have no room. */
  add(conversation: string, files: readonly File[], kind?: string): number {
    const list = this.entries.get(conversation) ?? [];
    const taken = files.slice(0, Math.max(0, mostFiles - list.length));
    const made = taken.map((file): Entry => ({
      shown: {
        id: this.newId(), name: file.name, size: file.size, kind: kind ?? kindOf(file.type), done: 0,
        state: "uploading", reason: null, file: null,
      },
      bytes: file, upload: null, stop: new AbortController(),
    }));
    this.entries.set(conversation, [...list, ...made]);
    this.draw(conversation);
    for (const entry of made) void this.bring(conversation, entry);
    return files.length - taken.length;
  }

  retry(conversation: string, id: string): void {
    const entry = this.find(conversation, id);
    if (!entry || entry.shown.state !== "failed") return;
    this.change(conversation, entry, { state: "uploading", reason: null, done: 0 });
    entry.upload = null;
    void this.bring(conversation, entry);
  }

  cancel(conversation: string, id: string): void {
    const entry = this.find(conversation, id);
    if (!entry) return;
    entry.stop.abort();
    this.entries.set(conversation, (this.entries.get(conversation) ?? []).filter((one) => one !== entry));
    this.draw(conversation);
    if (entry.upload && entry.shown.state !== "ready") {
      this.api.request("DELETE", `/api/v1/uploads/${entry.upload}`).catch(() => undefined);
    }
  }

  /** Those that are whole, once they are all: from now on they are the message's. */
  take(conversation: string): SentFile[] | null {
    const list = this.entries.get(conversation) ?? [];
    const files = list.map(({ shown }) => (shown.file === null ? null : { kind: shown.kind, file: shown.file, name: shown.name }));
    if (files.some((file) => file === null)) return null;
    this.entries.delete(conversation);
    this.draw(conversation);
    return files as SentFile[];
  }

  /** Another person may sign in on this page. */
  forget(): void {
    for (const list of this.entries.values()) for (const entry of list) entry.stop.abort();
    this.entries.clear();
    this.shown = new Map();
    for (const listener of this.listeners) listener();
  }

  private async bring(conversation: string, entry: Entry): Promise<void> {
    const { name, size, kind } = entry.shown;
    const { signal } = entry.stop;
    for (let attempt = 0; !signal.aborted;) {
      try {
        if (!entry.upload) {
          const about = { conversation, kind, name: name.slice(0, 200), mime: entry.bytes.type.slice(0, 200) || null, size };
          const { upload } = await this.api.request<Answer>("POST", "/api/v1/uploads", about, signal);
          entry.upload = upload.id;
        } else if (attempt > 0) {
          const { upload } = await this.api.request<Answer>("GET", `/api/v1/uploads/${entry.upload}`, undefined, signal);
          this.change(conversation, entry, { done: upload.offset, state: "uploading" });
        }
        const from = entry.shown.done;
        const answer = await this.api.piece<Answer>(entry.upload, from, entry.bytes.slice(from, from + piece), signal);
        attempt = 0;
        const whole = answer.file ? { state: "ready", file: answer.file.id } as const : {};
        this.change(conversation, entry, { done: answer.upload.offset, ...whole });
        if (answer.file) return;
      } catch (error) {
        if (signal.aborted) return;
        // Where it goes on is asked for.
        const passing = !(error instanceof RequestError) || error.passing || error.code === "wrong_offset";
        if (!passing) return this.change(conversation, entry, { state: "failed", reason: reasonOf(error) });
        this.change(conversation, entry, { state: "waiting" });
        attempt += 1;
        await this.wait(retryDelay(attempt, Math.random));
      }
    }
  }

  private find(conversation: string, id: string): Entry | undefined {
    return this.entries.get(conversation)?.find((entry) => entry.shown.id === id);
  }

  private change(conversation: string, entry: Entry, part: Partial<Uploading>): void {
    entry.shown = { ...entry.shown, ...part };
    this.draw(conversation);
  }

  private draw(conversation: string): void {
    const list = this.entries.get(conversation) ?? [];
    this.shown.set(conversation, list.map((entry) => entry.shown));
    for (const listener of this.listeners) listener();
  }
}

interface Answer {
  upload: { id: string; offset: number };
  file: { id: string } | null;
}

function kindOf(type: string): string {
  const [first] = type.split("/");
  // What a browser draws as a document goes as one.
  return type !== "image/svg+xml" && (first === "image" || first === "audio" || first === "video") ? first : "document";
}

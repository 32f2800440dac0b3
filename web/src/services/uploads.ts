// Files on their way to the server, by conversation, before they are sent: in pieces that go on where they stopped, in the
// order in which they were chosen. The bytes are the browser's: a page that is loaded again has those that the server has
// whole, and says of the others that they have to be attached again.
import type { KeptUpload, SentFile, Uploading } from "../state/unsent";
import type { Api } from "./api";
import { isUploads } from "./heard";
import { OwnShelf } from "./own_shelf";
import { reasonOf, RequestError } from "./problem";
import { retryDelay } from "./retry";
import { memoryShelf, parsed, type Shelf } from "./shelf";
import type { Holder } from "./tokens";

interface Entry {
  shown: Uploading;
  /** Nothing: the page was loaded again before all of them were sent. */
  bytes: Blob | null;
  upload: string | null;
  /** The same would be refused again. */
  unfit?: boolean;
  stop: AbortController;
}

const piece = 512 * 1024;
const none: readonly Uploading[] = [];
export const mostFiles = 10;
/** Why a file is not whole that was being sent when the page was left. */
export const pageLeft = "page_left";

export class Uploads {
  private readonly entries = new Map<string, Entry[]>();
  private shown = new Map<string, readonly Uploading[]>();
  private readonly listeners = new Set<() => void>();
  private readonly kept: OwnShelf;

  /** `shelf` is this tab's alone: other tabs have files of their own. */
  constructor(
    private readonly api: Pick<Api, "request" | "piece">,
    private readonly newId: () => string,
    private readonly wait = (ms: number) => new Promise<void>((done) => setTimeout(done, ms)),
    shelf: Shelf = memoryShelf(),
  ) {
    this.kept = new OwnShelf("file", shelf);
  }

  /** Brings back what this person had attached in this tab. */
  start(holder: Holder): void {
    this.kept.start(holder);
    for (const conversation of this.kept.ids()) {
      const known = parsed(this.kept.take(conversation));
      if (this.entries.has(conversation) || !isUploads(known)) continue;
      this.entries.set(conversation, known.map(({ shown, upload }) => ({
        shown: shown.state === "ready" || shown.state === "failed" ? shown : { ...shown, state: "failed", reason: pageLeft },
        bytes: null, upload, stop: new AbortController(),
      })));
      this.draw(conversation);
    }
  }

  /** Whether leaving the page would cost what is on its way. */
  get isUnderWay(): boolean {
    return [...this.entries.values()].flat().some(({ shown }) => shown.state === "uploading" || shown.state === "waiting");
  }

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

  /** Once more, as another kind if that is told. */
  retry(conversation: string, id: string, kind?: string): void {
    const entry = this.find(conversation, id);
    if (!entry?.bytes || entry.shown.state !== "failed") return;
    this.change(conversation, entry, { state: "uploading", reason: null, done: 0, ...(kind !== undefined && { kind }) });
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

  /** Whether its bytes are here to be sent once more, which as the same kind may be of no use. */
  canRetry(conversation: string, id: string, asDocument: boolean): boolean {
    const entry = this.find(conversation, id);
    return Boolean(entry?.bytes && (asDocument || !entry.unfit));
  }

  /** Another person may sign in on this page. */
  forget(): void {
    this.kept.forget();
    for (const list of this.entries.values()) for (const entry of list) entry.stop.abort();
    this.entries.clear();
    this.shown = new Map();
    for (const listener of this.listeners) listener();
  }

  private async bring(conversation: string, entry: Entry): Promise<void> {
    const { name, size, kind } = entry.shown;
    const { bytes, stop: { signal } } = entry;
    if (!bytes) return;
    for (let attempt = 0; !signal.aborted;) {
      try {
        if (!entry.upload) {
          const about = { conversation, kind, name: name.slice(0, 200), mime: bytes.type.slice(0, 200) || null, size };
          const { upload } = await this.api.request<Answer>("POST", "/api/v1/uploads", about, signal);
          entry.upload = upload.id;
        } else if (attempt > 0) {
          const { upload } = await this.api.request<Answer>("GET", `/api/v1/uploads/${entry.upload}`, undefined, signal);
          this.change(conversation, entry, { done: upload.offset, state: "uploading" });
        }
        const from = entry.shown.done;
        const answer = await this.api.piece<Answer>(entry.upload, from, bytes.slice(from, from + piece), signal);
        attempt = 0;
        const whole = answer.file ? { state: "ready", file: answer.file.id } as const : {};
        this.change(conversation, entry, { done: answer.upload.offset, ...whole });
        if (answer.file) return;
      } catch (error) {
        if (signal.aborted) return;
        // Where it goes on is asked for.
        const passing = !(error instanceof RequestError) || error.passing || error.code === "wrong_offset";
        entry.unfit = error instanceof RequestError && error.status === 400;
        if (!passing) return this.change(conversation, entry, { state: "failed", reason: reasonOf(error) });
        this.change(conversation, entry, { state: "waiting" });
        attempt += 1;
        await this.wait(retryDelay(attempt, Math.random));
      }
    }
  }

  /** Each piece changes what is shown, and only a few changes what a reload finds. */
  private keep(conversation: string, list: readonly Entry[]): void {
    if (list.length === 0) return this.kept.remove(conversation);
    const text = JSON.stringify(list.map(({ shown, upload }): KeptUpload => ({ shown: { ...shown, done: shown.state === "ready" ? shown.done : 0 }, upload })));
    if (this.kept.take(conversation) !== text) this.kept.put(conversation, text);
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
    this.keep(conversation, list);
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

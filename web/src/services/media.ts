// Attachments as object URLs: the bytes need a token, which an <img> cannot send. Shared by all who show the same
// one; a few that nobody shows are kept for scrolling back.
import type { Api } from "./api";

const keptUnused = 40;

interface Entry {
  users: number;
  url: Promise<string>;
}

export class Media {
  private readonly entries = new Map<string, Entry>();

  constructor(private readonly api: Pick<Api, "media" | "thumbnail">) {}

  acquire(id: string): Promise<string> {
    let entry = this.entries.get(id);
    if (!entry) {
      entry = { users: 0, url: this.fetch(id).then((blob) => URL.createObjectURL(blob)) };
      // A failure is not kept: the next one who asks tries again.
      entry.url.catch(() => this.entries.delete(id));
    }
    entry.users += 1;
    // Moved to the end: the first ones are the longest unused.
    this.entries.delete(id);
    this.entries.set(id, entry);
    return entry.url;
  }

  private fetch(id: string): Promise<Blob> {
    const [attachment, small] = id.split(" ");
    return small ? this.api.thumbnail(attachment!) : this.api.media(id);
  }

  release(id: string): void {
    const entry = this.entries.get(id);
    if (entry) entry.users -= 1;
    const unused = [...this.entries].filter(([, e]) => e.users <= 0);
    for (const [old, e] of unused.slice(0, Math.max(0, unused.length - keptUnused))) this.drop(old, e);
  }

  clear(): void {
    for (const [id, entry] of this.entries) this.drop(id, entry);
  }

  private drop(id: string, entry: Entry): void {
    this.entries.delete(id);
    entry.url.then(URL.revokeObjectURL, () => undefined);
  }
}

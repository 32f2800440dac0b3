// The other tabs of this browser: when a session ends in one of them, it ends in all.
import type { Holder } from "./tokens";

interface Ended extends Holder {
  /** By the server, not by the person. */
  expired: boolean;
}

export class Tabs {
  private readonly channel: BroadcastChannel | null = open();

  /** `ended` is called when another tab says that the session of `holder` is over. */
  constructor(
    private readonly holder: () => Holder | null,
    ended: (expired: boolean) => void,
  ) {
    this.channel?.addEventListener("message", ({ data }: MessageEvent<Ended>) => {
      const mine = this.holder();
      if (mine && mine.user === data.user && mine.installation === data.installation) ended(data.expired);
    });
  }

  tell(expired: boolean): void {
    const mine = this.holder();
    if (mine) this.channel?.postMessage({ ...mine, expired } satisfies Ended);
  }
}

/** Nothing where pages have no storage: there tabs share nothing. */
function open(): BroadcastChannel | null {
  try {
    return new BroadcastChannel("hubbub.session");
  } catch {
    return null;
  }
}

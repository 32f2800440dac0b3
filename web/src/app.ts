// Puts the page together: one store, the services around it, and what happens between them.
import { makeText } from "./i18n/text";
import { Api } from "./services/api";
import { Desk } from "./services/desk";
import { oweFarewell, owesFarewell } from "./services/farewell";
import { HeadCheck } from "./services/head_check";
import { newId } from "./services/ids";
import { Keepsake } from "./services/keepsake";
import { Loader } from "./services/loader";
import { Marks } from "./services/marks";
import { Media } from "./services/media";
import { Outbox } from "./services/outbox";
import {
  applyPreferences, loadPreferences, savePreferences, withoutList, type Preferences,
} from "./services/preferences";
import { RequestError } from "./services/problem";
import { Room } from "./services/room";
import { Search } from "./services/search";
import { Socket } from "./services/socket";
import { Tabs } from "./services/tabs";
import { otherHolder, type Holder } from "./services/tokens";
import { createStore, type Store } from "./state/store";
import type { Query } from "./state/views";

export interface App {
  store: Store;
  desk: Desk;
  loader: Loader;
  media: Media;
  search: Search;
  socket: Socket;
  /** Shows another part of the inbox, or in another order. */
  filter(change: Partial<Query>): void;
  signIn(email: string, password: string): Promise<void>;
  signOut(): Promise<void>;
  preferences(): Preferences;
  prefer(change: Partial<Preferences>): void;
}

export function createApp(): App {
  const store = createStore();
  let preferences = loadPreferences();
  let text = makeText(preferences.language);
  applyPreferences(preferences);

  const api = new Api({ onExpired: (error) => over(error) });
  /** Whose page it is, while somebody is signed in. */
  let holder: Holder | null = null;
  const tabs = new Tabs(() => holder, (expired) => leave(expired));
  const loader = new Loader(store, api);
  const marks = new Marks(store, loader);
  const media = new Media(api);
  const search = new Search(store, api);
  const keepsake = new Keepsake(store);
  const socket: Socket = new Socket({
    store,
    url: `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/connection/websocket`,
    token: () => api.tokens.fresh().catch((error: unknown) => {
      if (error instanceof RequestError && error.status === 401) over(error);
      throw error;
    }),
    onExpired: () => leave(true),
    onLive: () => {
      outbox.kick();
      const { active } = store.get();
      if (active) desk.ensure(active);
    },
    onGap: async (lost) => {
      const { active } = store.get();
      if (lost && active) {
        desk.ensure(active);
        loader.conversation(active).catch(() => undefined);
      }
      await loader.refresh(lost);
    },
  });
  const outbox = new Outbox(store, (method, data) => socket.rpc(method, data), () => socket.live);
  const headCheck = new HeadCheck(store, api, socket);
  const room = new Room(store, socket);
  const desk = new Desk({
    store, socket, outbox, loader, room,
    newId,
    now: Date.now,
    say: (error) =>
      error instanceof RequestError && error.status === 0
        ? text("act.offline")
        : text("act.failed", { reason: error.message }),
  });

  async function enter(): Promise<void> {
    const { user, tenants } = await api.me();
    holder = api.tokens.holder;
    // Another tab has signed out meanwhile.
    if (!holder) return leave(false);
    store.apply({ type: "signed_in", user, tenants });
    const { list } = preferences;
    const tenant = tenants.some((one) => one.id === list.tenant) ? list.tenant : null;
    store.apply({ type: "filter", filter: { ...list, tenant } });
    keepsake.start(holder);
    marks.start();
    // The list is asked for at once and the feed beside it; the socket asks again if something fell between.
    void loader.show();
    void loader.names();
    socket.start();
    openFromAddress();
  }

  /** The server has ended the session, or the browser has another one by now. */
  function over(error: RequestError): void {
    if (store.get().session.phase !== "in") return;
    const another = error.code === otherHolder;
    if (!another) tabs.tell(true);
    leave(true);
    if (another) void resume(0);
  }

  /** Nothing of the person stays on the page; nor in the browser after a sign-out. What was written and not sent is
   * kept when the session ended by itself: it is there again for the same person, and removed for any other. */
  function leave(expired: boolean): void {
    if (store.get().session.phase === "out") return;
    holder = null;
    api.tokens.forget();
    if (expired) keepsake.end();
    else keepsake.forget();
    preferences = withoutList(preferences);
    savePreferences(preferences);
    if (!expired) history.replaceState(null, "", location.pathname);
    marks.stop();
    room.leave();
    socket.stop();
    loader.stop();
    search.stop();
    media.clear();
    store.apply({ type: "signed_out", expired: expired && store.get().session.phase === "in" });
  }

  function openFromAddress(): void {
    if (store.get().session.phase !== "in") return;
    desk.open(/^#\/c\/([\w-]+)(?:\/m\/\d+)?$/.exec(location.hash)?.[1] ?? null);
  }

  window.addEventListener("hashchange", openFromAddress);
  window.addEventListener("online", () => socket.retryNow());
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") return void headCheck.shown();
    headCheck.hidden();
    keepsake.save();
  });
  window.addEventListener("pagehide", () => keepsake.save());
  window.addEventListener("beforeunload", (event) => {
    if (store.get().pending.some((p) => p.state !== "failed")) event.preventDefault();
  });

  // The refresh cookie says whether this browser is signed in; a server that cannot be reached is asked again.
  const resume = async (attempt: number): Promise<void> => {
    try {
      if (owesFarewell()) {
        leave(false);
        await api.signOut();
        return oweFarewell(false);
      }
      await api.tokens.fresh();
      await enter();
    } catch (error) {
      const refused = error instanceof RequestError && error.status === 401;
      if (refused) return leave(true);
      if (!(error instanceof RequestError) || !error.passing) return store.apply({ type: "signed_out", expired: false });
      if (store.get().session.phase === "starting") {
        store.apply({ type: "link", link: { phase: "lost", lostAt: Date.now(), retryAt: null } });
      }
      setTimeout(() => {
        if (store.get().session.phase === "starting" || owesFarewell()) void resume(attempt + 1);
      }, Math.min(10_000, 1000 * 2 ** attempt));
    }
  };
  void resume(0);

  return {
    store, desk, loader, media, search, socket,
    filter(change) {
      store.apply({ type: "filter", filter: change });
      const { sort, tenant, company, channel } = store.get().filter;
      preferences = { ...preferences, list: { sort, tenant, company, channel } };
      savePreferences(preferences);
      if ("tenant" in change) search.again();
      void loader.show();
    },
    async signIn(email, password) {
      // The new session's cookie takes the place of the old one, and must not be what is signed out of.
      const owed = owesFarewell();
      oweFarewell(false);
      try {
        await api.signIn(email, password);
      } catch (error) {
        oweFarewell(owed);
        throw error;
      }
      await enter();
    },
    async signOut() {
      // Out is out in this browser even when the server cannot be told, and when the page is closed before it is.
      oweFarewell(true);
      tabs.tell(false);
      const told = api.signOut();
      leave(false);
      await told.then(() => oweFarewell(false), () => resume(0));
    },
    preferences: () => preferences,
    prefer(change) {
      preferences = { ...preferences, ...change };
      text = makeText(preferences.language);
      applyPreferences(preferences);
      savePreferences(preferences);
    },
  };
}

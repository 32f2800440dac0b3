// Puts the page together: one store, the services around it, and what happens between them.
import { reasonWords } from "./i18n/refusal";
import { makeText } from "./i18n/text";
import { address } from "./services/address";
import { Follow } from "./routes/follow";
import { browserBar, Router } from "./routes/router";
import { Api } from "./services/api";
import { ServerClock } from "./services/clock";
import { Desk } from "./services/desk";
import { Drafts } from "./services/drafts";
import { oweFarewell, owesFarewell } from "./services/farewell";
import { HeadCheck } from "./services/head_check";
import { newId } from "./services/ids";
import { Loader } from "./services/loader";
import { Marks } from "./services/marks";
import { Media } from "./services/media";
import { Outbox } from "./services/outbox";
import { OutboxShelf } from "./services/outbox_shelf";
import { applyPreferences, PreferenceShelf, type Preferences } from "./services/preferences";
import { RequestError } from "./services/problem";
import { retryDelay } from "./services/retry";
import { Room } from "./services/room";
import { Search } from "./services/search";
import { tabShelf } from "./services/shelf";
import { Socket } from "./services/socket";
import { TabLife } from "./services/tab_life";
import { Tabs } from "./services/tabs";
import { Uploads } from "./services/uploads";
import { otherHolder, type Holder } from "./services/tokens";
import { createStore, type Store } from "./state/store";
import type { Query } from "./state/views";

/** How often to look whether the computer slept, or its clock was set. */
const lookEveryMs = 5_000;

export interface App {
  store: Store;
  router: Router;
  /** How it stands with what the address names. */
  follow: Follow;
  request: Api["request"];
  clock: ServerClock;
  desk: Desk;
  loader: Loader;
  media: Media;
  search: Search;
  socket: Socket;
  uploads: Uploads;
  /** Shows another part of the inbox, or in another order. */
  filter(change: Partial<Query>): void;
  signIn(email: string, password: string): Promise<void>;
  signOut(): Promise<void>;
  preferences(): Preferences;
  prefer(change: Partial<Preferences>): void;
  /** Another tab has changed them. */
  onPreferences(changed: () => void): () => void;
}

export function createApp(): App {
  const store = createStore();
  const preferences = new PreferenceShelf();
  let text = makeText(preferences.get().language);
  applyPreferences(preferences.get());

  const router = new Router(browserBar());
  const clock = new ServerClock();
  const api = new Api({ clock, onExpired: (error) => over(error) });
  /** Whose page it is, while somebody is signed in. */
  let holder: Holder | null = null;
  const tabs = new Tabs({
    holder: () => holder,
    ended: (expired) => leave(expired),
    replaced: () => become(),
    renewed: (renewed) => api.tokens.adopt(renewed),
  });
  api.tokens.share = (renewed) => tabs.tellRenewed(renewed);
  const loader = new Loader(store, api);
  const marks = new Marks(store, loader);
  const media = new Media(api);
  const uploads = new Uploads(api, newId, undefined, tabShelf);
  const search = new Search(store, api);
  const drafts = new Drafts(store);
  const outboxShelf = new OutboxShelf(store, new TabLife(), () => outbox.kick());
  const socket: Socket = new Socket({
    store,
    url: address("/connection/websocket").replace(/^http/, "ws"),
    clock,
    token: (refused) => (refused === null ? api.tokens.fresh() : api.tokens.refresh(refused)).catch((error: unknown) => {
      if (error instanceof RequestError && error.status === 401) over(error);
      throw error;
    }),
    mayCall: (user) => tabs.check() && user === holder?.user,
    onExpired: () => end(),
    onLive: () => {
      outbox.kick();
      const { active } = store.get();
      if (active) desk.ensure(active);
    },
    // Channels may have come, gone or moved as well.
    onGap: () => {
      void loader.names();
      return loader.refresh();
    },
  });
  const outbox: Outbox = new Outbox({
    store, shelf: outboxShelf, newId,
    call: (method, data) => socket.rpc(method, data),
    live: () => socket.live,
    now: () => clock.now(),
    granted: (conversation) => desk.granted(conversation),
    refused: (error) => desk.complain(error),
  });
  const headCheck = new HeadCheck(store, api, socket);
  const room = new Room(store, socket);
  const desk: Desk = new Desk({
    store, socket, outbox, loader, room, uploads,
    say: (error) =>
      error instanceof RequestError && error.status === 0
        ? text("act.offline")
        : text("act.failed", { reason: reasonWords(text, error.message) }),
  });

  const follow = new Follow({
    store, router,
    open: (conversation) => desk.open(conversation),
    load: (conversation) => loader.conversation(conversation),
    show: (change) => show(change),
  });

  /** Shows another part of the inbox, and remembers it for the next time. */
  function show(change: Partial<Query>): void {
    store.apply({ type: "filter", filter: change });
    const { sort, tenant, company, channel } = store.get().filter;
    preferences.choose({ list: { sort, tenant, company, channel } });
    if ("tenant" in change) search.again();
    void loader.show();
  }

  async function enter(): Promise<void> {
    const { user, tenants, permissions: platform } = await api.me();
    holder = api.tokens.holder;
    // Another tab has signed out meanwhile.
    if (!holder) return leave(false);
    store.apply({ type: "signed_in", user, tenants, platform });
    const { list } = preferences.get();
    const tenant = tenants.some((one) => one.id === list.tenant) ? list.tenant : null;
    store.apply({ type: "filter", filter: { ...list, tenant } });
    tabs.claim();
    drafts.start(holder);
    outboxShelf.start(holder);
    uploads.start(holder);
    marks.start();
    // The list is asked for at once and the feed beside it; the socket asks again if something fell between.
    void loader.show();
    void loader.names();
    socket.start();
    follow.start();
  }

  /** The server has ended the session, or the browser has another one by now. */
  function over(error: RequestError): void {
    if (store.get().session.phase !== "in") return;
    if (error.code === otherHolder) become();
    else end();
  }

  /** In every tab. */
  function end(): void {
    tabs.tellEnded(true);
    leave(true);
  }

  /** The browser is somebody else's: so is this page, as soon as nothing of the one before is left on it. */
  function become(): void {
    leave(true);
    void resume(0);
  }

  /** The session that is over here was ended by its person, and in another tab. */
  function meant(): void {
    router.clear();
    store.apply({ type: "signed_out", expired: false });
  }

  /** Nothing of the person stays on the page, nor in the browser. */
  function leave(expired: boolean): void {
    if (store.get().session.phase === "out") return expired ? undefined : meant();
    tabs.release();
    // At the start it is only known that it was somebody's.
    if (!holder) tabs.removePersonal();
    holder = null;
    api.tokens.forget();
    drafts.forget();
    outboxShelf.forget();
    desk.forget();
    uploads.forget();
    preferences.forgetList();
    follow.stop();
    if (!expired) router.clear();
    marks.stop();
    room.leave();
    socket.stop();
    loader.stop();
    search.stop();
    media.clear();
    store.apply({ type: "signed_out", expired: expired && store.get().session.phase === "in" });
  }

  window.addEventListener("online", () => socket.retryNow());
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") return seen();
    headCheck.hidden();
    save();
  });
  window.addEventListener("pagehide", save);
  window.addEventListener("pageshow", (event) => event.persisted && seen());
  window.addEventListener("storage", ({ key, newValue }) => {
    tabs.storedChanged(key);
    if (key === null) return;
    drafts.changed(key, newValue);
    outboxShelf.changed(key, newValue);
    if (preferences.changed(key, newValue)) preferred();
  });
  setInterval(() => {
    if (clock.stepped()) void headCheck.woke();
  }, lookEveryMs);
  window.addEventListener("beforeunload", (event) => {
    if (uploads.isUnderWay || store.get().pending.some((p) => p.state !== "failed")) event.preventDefault();
  });

  /** A page that is looked at again may have slept through what other tabs did. */
  function seen(): void {
    if (holder && !tabs.check()) return;
    drafts.sync();
    void headCheck.shown();
  }

  function save(): void {
    drafts.save();
    outboxShelf.save();
  }

  const listeners = new Set<() => void>();
  function preferred(): void {
    text = makeText(preferences.get().language);
    applyPreferences(preferences.get());
    for (const changed of listeners) changed();
  }

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
        store.apply({ type: "link", link: { phase: "lost", lostAt: clock.now(), retryAt: null } });
      }
      setTimeout(() => {
        if (store.get().session.phase === "starting" || owesFarewell()) void resume(attempt + 1);
      }, Math.max(retryDelay(attempt, Math.random), (error.retryAfter ?? 0) * 1000));
    }
  };
  void resume(0);

  return {
    store, clock, router, follow, desk, loader, media, search, socket, uploads,
    request: (method, path, body, signal) => api.request(method, path, body, signal),
    filter: (change) => follow.choose(change),
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
      tabs.tellEnded(false);
      const told = api.signOut();
      leave(false);
      await told.then(() => oweFarewell(false), () => resume(0));
    },
    preferences: () => preferences.get(),
    prefer(change) {
      preferences.choose(change);
      preferred();
    },
    onPreferences(changed) {
      listeners.add(changed);
      return () => listeners.delete(changed);
    },
  };
}

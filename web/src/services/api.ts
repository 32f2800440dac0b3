// HTTP: adds the token, renews it once when it is refused, and turns problem documents into errors.
import type {
  ChannelView as Channel, CompanyView as Company, CountsAnswer, Event, InboxItem, Labels,
  InboxAnswer as InboxPage, MessagesAnswer as MessagePage, People, Permission, SearchAnswer, Session, TenantRole as Tenant, User,
} from "../api.gen";
import type { Query, Scope } from "../state/views";
import { address } from "./address";
import { ServerClock } from "./clock";
import { tabLock, type Lock } from "./lock";
import { params } from "./params";
import { fromResponse, RequestError } from "./problem";
import { Tokens } from "./tokens";

/** What changes the cookie keeps the other tabs waiting, so it gives up in time. */
const answeredMs = 15_000;

export interface ApiOptions {
  fetch?: typeof fetch;
  clock?: ServerClock;
  lock?: Lock;
  /** The session is over for good: the refresh cookie was refused too, or is somebody else's. */
  onExpired?: (error: RequestError) => void;
}

export class Api {
  readonly tokens: Tokens;
  private readonly fetch: typeof fetch;
  private readonly clock: ServerClock;
  private readonly onExpired: (error: RequestError) => void;

  constructor(options: ApiOptions = {}) {
    this.fetch = options.fetch ?? ((path, init) => fetch(address(String(path)), init));
    this.clock = options.clock ?? new ServerClock();
    this.onExpired = options.onExpired ?? (() => undefined);
    // If the answer comes to nobody, the cookie still holds.
    const renew = () =>
      this.plain<Session>("POST", "/api/v1/session/refresh", {}, null, AbortSignal.timeout(answeredMs));
    this.tokens = new Tokens(renew, this.clock.elapsed, options.lock ?? tabLock("hubbub-refresh"));
  }

  async signIn(email: string, password: string): Promise<Session> {
    const body = { email, password, cookie: true };
    let askedAt = 0;
    const session = await this.tokens.alone(() => {
      askedAt = this.clock.elapsed();
      return this.plain<Session>("POST", "/api/v1/session", body, null, AbortSignal.timeout(answeredMs));
    });
    this.tokens.take(session, askedAt);
    return session;
  }

  async signOut(): Promise<void> {
    const token = this.tokens.present;
    this.tokens.forget();
    await this.tokens.alone(() =>
      this.plain("DELETE", "/api/v1/session", undefined, token, AbortSignal.timeout(answeredMs)));
  }

  me = () => this.get<{ user: User; tenants: Tenant[]; permissions: Permission[] }>("/api/v1/me");
  channels = () => this.get<{ channels: Channel[] }>("/api/v1/channels").then(({ channels }) => channels);
  people = (tenant: string) => this.get<People>(`/api/v1/users?${params({ tenant })}`).then(({ users }) => users);
  conversation = (id: string) => this.get<InboxItem>(`/api/v1/conversations/${id}`);

  labels = (tenant: string) => this.get<Labels>(`/api/v1/labels?${params({ tenant })}`).then(({ labels }) => labels);
  companies = () => this.get<{ companies: Company[] }>("/api/v1/companies").then(({ companies }) => companies);

  inbox({ view, sort, ...scope }: Query, before: string | null): Promise<InboxPage> {
    return this.get(`/api/v1/inbox?${params({ view, sort, ...scope, before, limit: "50" })}`);
  }

  counts({ tenant, company, channel }: Scope): Promise<CountsAnswer> {
    return this.get(`/api/v1/inbox/counts?${params({ tenant, company, channel })}`);
  }

  search(q: string, tenant: string | null, after: string | null, signal: AbortSignal): Promise<SearchAnswer> {
    return this.get(`/api/v1/search?${params({ q, tenant, after, limit: "20" })}`, signal);
  }

  messages(conversation: string, beforeSeq: number | null): Promise<MessagePage> {
    const query = params({ limit: "50", before_seq: beforeSeq === null ? null : String(beforeSeq) });
    return this.get(`/api/v1/conversations/${conversation}/messages?${query}`);
  }

  /** The next event of a tenant's log after a cursor, if there is one. */
  eventsAfter(tenant: string, cursor: number): Promise<{ events: Event[] }> {
    return this.get(`/api/v1/events?tenant=${tenant}&after=${cursor}&limit=1`);
  }

  /** Of an attachment, or of what the API has at a path. */
  async media(attachment: string): Promise<Blob> {
    const response = await this.authorised("GET", attachment.startsWith("/") ? attachment : `/api/v1/media/${attachment}`);
    return response.blob();
  }

  /** The next bytes of an upload. */
  async piece<T>(upload: string, offset: number, bytes: Blob, signal: AbortSignal): Promise<T> {
    const path = `/api/v1/uploads/${upload}`;
    return json<T>(await this.authorised("PATCH", path, signal, { bytes, offset }));
  }

  async thumbnail(attachment: string): Promise<Blob> {
    const response = await this.authorised("GET", `/api/v1/media/${attachment}/thumbnail`);
    return response.blob();
  }

  /** Any operation of the API; the settings pages name theirs in `settings/calls.ts`. */
  request<T>(method: "GET" | "POST" | "PATCH" | "DELETE", path: string, body?: object, signal?: AbortSignal): Promise<T> {
    return this.authorised(method, path, signal, body).then((response) => json<T>(response));
  }

  private get<T>(path: string, signal?: AbortSignal): Promise<T> {
    return this.authorised("GET", path, signal).then((response) => json<T>(response));
  }

  private async authorised(method: string, path: string, signal?: AbortSignal, body?: object | Piece): Promise<Response> {
    try {
      const token = await this.tokens.fresh();
      const response = await this.send(method, path, body, token, signal);
      if (response.status !== 401) return await checked(response);
      return await checked(await this.send(method, path, body, await this.tokens.refresh(token), signal));
    } catch (error) {
      if (error instanceof RequestError && error.status === 401) this.onExpired(error);
      throw error;
    }
  }

  private async plain<T>(
    method: string, path: string, body?: object, token: string | null = null, signal?: AbortSignal,
  ): Promise<T> {
    return json<T>(await checked(await this.send(method, path, body, token, signal)));
  }

  private async send(
    method: string, path: string, body: object | Piece | undefined, token: string | null, signal?: AbortSignal,
  ): Promise<Response> {
    const headers = new Headers({ accept: "application/json" });
    const piece = body && isPiece(body) ? body : null;
    if (body) headers.set("content-type", piece ? "application/octet-stream" : "application/json");
    if (piece) headers.set("upload-offset", String(piece.offset));
    if (token) headers.set("authorization", `Bearer ${token}`);
    const init: RequestInit = { method, headers, credentials: "same-origin" };
    if (body) init.body = piece ? piece.bytes : JSON.stringify(body);
    if (signal) init.signal = signal;
    const sentAt = this.clock.elapsed();
    try {
      const response = await this.fetch(path, init);
      this.clock.heard(response.headers.get("date"), sentAt);
      return response;
    } catch {
      throw new RequestError(0, "no_answer", "no answer");
    }
  }
}

interface Piece {
  bytes: Blob;
  offset: number;
}

const isPiece = (body: object): body is Piece => "bytes" in body && body.bytes instanceof Blob;

async function checked(response: Response): Promise<Response> {
  if (!response.ok) throw await fromResponse(response);
  return response;
}

async function json<T>(response: Response): Promise<T> {
  if (response.status === 204) return undefined as T;
  try {
    return (await response.json()) as T;
  } catch {
    // It broke off after its head.
    throw new RequestError(0, "no_answer", "no answer");
  }
}

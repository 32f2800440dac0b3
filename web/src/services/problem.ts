// One shape for everything that can go wrong with a request, from HTTP and from the socket alike.
import type { Problem } from "../api.gen";

/** Codes of this page: what it refuses to send, and a call whose connection ended before its answer. */
export const tooLong = "frame_too_long";
export const connectionEnded = "connection_ended";

export class RequestError extends Error {
  constructor(
    /** HTTP status or the socket's code; 0 when no answer came. */
    readonly status: number,
    readonly code: string,
    message: string,
    readonly field: string | null = null,
    /** How long the server wants to be left alone, in seconds. */
    readonly retryAfter: number | null = null,
  ) {
    super(message);
    this.name = "RequestError";
  }

  /** No answer, or one that says "later": the same request may be sent again if it carries its own id. */
  get passing(): boolean {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }

  /** The same request would fail again, by its own fault or by one of the server's: what waits behind it must not wait. */
  get lasting(): boolean {
    return !this.passing || this.status === 500;
  }
}

export async function fromResponse(response: Response): Promise<RequestError> {
  const body = (await response.json().catch(() => null)) as Partial<Problem> | null;
  const text = body?.detail ?? body?.title ?? response.statusText;
  // A proxy may give a date instead, which says as little as nothing.
  const wait = Number.parseInt(response.headers.get("retry-after") ?? "", 10);
  return new RequestError(
    response.status, body?.code ?? "error", text || String(response.status), body?.field ?? null, wait > 0 ? wait : null,
  );
}

/**
 * The client library rejects with plain objects: its own codes are below 100 and mean that no answer came, the
 * protocol's are 100 to 399, those of this server from 400 on, the same as of HTTP.
 */
export function fromSocket(error: unknown): RequestError {
  const { code = 0, message = "no answer", temporary } = error as { code?: number; message?: string; temporary?: boolean };
  if (code < 100) return new RequestError(0, "no_answer", message);
  if (temporary || passingCodes.includes(code)) return new RequestError(503, String(code), message);
  return new RequestError(code < 400 ? 400 : code, String(code), message);
}

/** Internal error, token expired (it is being renewed), too many requests. */
const passingCodes = [100, 109, 111];

export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

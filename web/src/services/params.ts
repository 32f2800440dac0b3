// The query of a request.

/** The parameters that are given; the server refuses empty ones. */
export function params(given: Record<string, string | null>): URLSearchParams {
  return new URLSearchParams(Object.entries(given).filter((pair): pair is [string, string] => pair[1] !== null));
}

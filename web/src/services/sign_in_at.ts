// For which channel a person left for a provider's sign-in, by the state that the browser comes back with. Kept in this tab,
// so that whoever declined there begins again at the same channel.
import { parsed, put, remove, tabShelf, take, type Shelf } from "./shelf";

export interface SignInFor {
  tenant: string;
  /** Nothing: a new one. */
  channel: string | null;
}

const key = "hubbub.sign-in";

/** `url`: the provider's page, which has the state. */
export function leaveFor(url: string, { tenant, channel }: SignInFor, shelf: Shelf = tabShelf): void {
  const state = URL.canParse(url) ? new URL(url).searchParams.get("state") : null;
  if (state) put(shelf, key, JSON.stringify({ state, tenant, channel }));
  else remove(shelf, key);
}

/** Nothing, if the browser left for another sign-in, or from elsewhere. */
export function leftFor(state: string, shelf: Shelf = tabShelf): SignInFor | null {
  const known = parsed(take(shelf, key)) as Partial<SignInFor & { state: string }> | null;
  if (known === null || typeof known !== "object" || state === "" || known.state !== state || typeof known.tenant !== "string") return null;
  return { tenant: known.tenant, channel: typeof known.channel === "string" ? known.channel : null };
}

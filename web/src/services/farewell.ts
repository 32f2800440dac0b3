// A sign-out that the server has not confirmed yet. Until it has, the browser still holds the cookie, which no page can
// delete, and must not come back by it. Without storage it ends with the page.
import { place } from "./address";
import { browserShelf, put, remove, take, type Shelf } from "./shelf";

/** Another installation of the same host is not signed out of. */
const key = () => `hubbub.farewell.${place()}`;

export function owesFarewell(shelf: Shelf = browserShelf): boolean {
  return take(shelf, key()) !== null;
}

export function oweFarewell(owed: boolean, shelf: Shelf = browserShelf): void {
  if (owed) put(shelf, key(), "1");
  else remove(shelf, key());
}

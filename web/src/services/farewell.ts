// A sign-out that the server has not confirmed yet. Until it has, the browser still holds the cookie, which no page can
// delete, and must not come back by it.
const key = "hubbub.out";

export function owesFarewell(): boolean {
  try {
    return localStorage.getItem(key) !== null;
  } catch {
    return false;
  }
}

export function oweFarewell(owed: boolean): void {
  try {
    if (owed) localStorage.setItem(key, "1");
    else localStorage.removeItem(key);
  } catch {
    // Without storage a sign-out that the server does not hear of ends with the page.
  }
}

// Where the server is: in the folder of the page, which a proxy may have put under a path of its own.

/** The whole address of a path of the server, such as /api/v1/me. */
export function address(path: string, page = location.href): string {
  return new URL(`.${path}`, page).href;
}

/** Names this page among others of its host, in keys of what they all store. */
export function place(page = typeof location === "object" ? location.href : "http://localhost/"): string {
  return encodeURIComponent(new URL(".", page).pathname).replaceAll(".", "%2E");
}

// The address bar as a source of routes. Links of the page are plain anchors; what changes the address by itself calls
// `go`. Knows nothing of what the routes show.
import { format, inbox, parse, type Route } from "./route";

/** The part of the browser that the router needs. */
export interface AddressBar {
  hash(): string;
  push(hash: string): void;
  replace(hash: string): void;
  /** Tells of changes that the router did not make: a link, back and forward, the person who types. */
  listen(changed: () => void): void;
}

export class Router {
  private route: Route;
  private readonly listeners = new Set<() => void>();
  private moves = 0;
  private repeats = 0;

  constructor(private readonly bar: AddressBar) {
    this.route = parse(bar.hash());
    // Back and forward over fragments raise two events of the browser: the second finds nothing new.
    bar.listen(() => this.take(parse(this.bar.hash())));
  }

  /** The same object until the address changes. */
  readonly get = (): Route => this.route;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  /** Whether the person has gone anywhere since the page was loaded: then the focus follows. */
  get hasMoved(): boolean {
    return this.moves > 0;
  }

  /** How often a person asked for where they are already: they have scrolled away, and want to be taken there. */
  readonly repeated = (): number => this.repeats;

  /** To an address of the page, as a link would. */
  follow(hash: string): void {
    const route = parse(hash);
    if (isSamePlace(route, this.route)) this.repeat();
    else this.go(route);
  }

  /** `arrive`: in place of the address, and still a step of the person, whose focus follows. */
  go(route: Route, how: "push" | "replace" | "arrive" = "push"): void {
    const hash = format(route);
    if (hash === format(this.route)) return;
    if (how === "push") this.bar.push(hash);
    else this.bar.replace(hash);
    this.take(route, how !== "replace");
  }

  /** Nothing of where the person was stays in the address. */
  clear(): void {
    this.bar.replace("");
    this.take(inbox, false);
  }

  private repeat(): void {
    this.repeats += 1;
    for (const listener of [...this.listeners]) listener();
  }

  private take(route: Route, isMove = true): void {
    if (format(route) === format(this.route)) return;
    this.route = route;
    if (isMove) this.moves += 1;
    for (const listener of [...this.listeners]) listener();
  }
}

/** The same conversation or message, whatever list is beside it; or else the same address. */
function isSamePlace(one: Route, other: Route): boolean {
  return one.page === "inbox" && other.page === "inbox" && one.conversation !== null
    ? one.conversation === other.conversation && one.seq === other.seq
    : format(one) === format(other);
}

export function browserBar(): AddressBar {
  return {
    hash: () => location.hash,
    push: (hash) => history.pushState(null, "", hash),
    replace: (hash) => history.replaceState(history.state, "", hash || location.pathname),
    listen(changed) {
      window.addEventListener("hashchange", changed);
      window.addEventListener("popstate", changed);
    },
  };
}

// A command: something that a person can do on the page, with its name, its keys and where they act. Keys, menus, the
// help and the palette are drawn from the same list (table.ts).
import type { App } from "../app";
import type { Key } from "../i18n/text";
import type { Route } from "../routes/route";
import type { Preferences } from "../services/preferences";
import type { State } from "../state/model";

/** Where a key acts. `page` is everywhere but in fields; `always` is in fields too. The last three are fields whose own
 * components handle the key: they are listed so that the help names them and no other command takes the key there. */
export type Where = "always" | "page" | "inbox" | "conversation" | "composer" | "search" | "palette";

export type Group = "go" | "list" | "conversation" | "page";

export interface Surroundings {
  app: App;
  prefer(change: Partial<Preferences>): void;
  open(panel: Panel): void;
}

export type Panel = "help" | "palette";

export interface Command {
  id: string;
  text: Key;
  group: Group;
  where: Where;
  keys?: readonly string[];
  /** Whether it can be done now; only then it is offered, and only then its keys act. */
  when?(state: State, route: Route): boolean;
  /** Nothing for keys that a field handles itself. Gives false if it left the key alone. */
  run?(around: Surroundings): void | boolean;
  /** A held key repeats it. */
  repeats?: boolean;
  /** Not among what the palette offers: it acts on what has the focus. */
  keysOnly?: boolean;
}

/** Places that hold each other: a key may mean one thing in both. */
const within: Record<Where, readonly Where[]> = {
  always: ["page", "inbox", "conversation", "composer", "search", "palette"],
  page: ["inbox", "conversation"],
  inbox: ["conversation"],
  conversation: [],
  composer: [],
  search: [],
  palette: [],
};

function meet(a: Where, b: Where): boolean {
  return a === b || within[a].includes(b) || within[b].includes(a);
}

/** Keys that would mean two things at one place. */
export function conflicts(commands: readonly Command[]): string[] {
  const found: string[] = [];
  commands.forEach((one, at) => {
    for (const other of commands.slice(at + 1)) {
      const shared = (one.keys ?? []).filter((key) => other.keys?.includes(key));
      if (shared.length > 0 && meet(one.where, other.where)) found.push(`${shared.join(", ")}: ${one.id}, ${other.id}`);
    }
  });
  return found;
}

/** Whether the place of a command is on the screen, and it can be done there. */
export function isOffered(command: Command, state: State, route: Route): boolean {
  if (!command.run) return false;
  const isInbox = route.page === "inbox";
  const here = command.where === "always" || command.where === "page" || (isInbox && command.where === "inbox")
    || (isInbox && command.where === "conversation" && state.active !== null && state.conversations.has(state.active));
  return here && (command.when?.(state, route) ?? true);
}

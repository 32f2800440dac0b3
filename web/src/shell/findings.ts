// What the palette can find: the commands that can be done now, the pages that the person may open, the businesses, and
// the conversations that the page knows. Pure.
import { best } from "../commands/fuzzy";
import { isOffered, type Command } from "../commands/command";
import { commands } from "../commands/table";
import type { Text } from "../i18n/text";
import { mayOpen, pages, settingsAt } from "../routes/pages";
import { inbox, type Route } from "../routes/route";
import type { State } from "../state/model";
import { displayName } from "../state/select";

export type Finding =
  | { kind: "command"; id: string; words: string; command: Command }
  | { kind: "page" | "business" | "conversation"; id: string; words: string; detail: string; to: Route };

const shown = 40;
/** Conversations among which letters are looked for; more would be felt at each key. */
const maxConversations = 5_000;

export function findings(t: Text, state: State, route: Route, typed: string): Finding[] {
  return best(everything(t, state, route, typed.trim() !== ""), (one) =>
    one.kind === "command" ? one.words : `${one.words} ${one.detail}`, typed, shown);
}

function* everything(t: Text, state: State, route: Route, isTyped: boolean): Generator<Finding> {
  const offered = commands.filter((command) => !command.keysOnly && isOffered(command, state, route));
  const found = (command: Command): Finding => ({ kind: "command", id: command.id, words: t(command.text), command });
  // First what is under the hand.
  for (const command of offered) if (command.group === "conversation") yield found(command);
  for (const { section, text, hint } of pages) {
    if (!mayOpen(state, section, null)) continue;
    yield { kind: "page", id: `page.${section}`, words: t(text), detail: isTyped ? t(hint) : "", to: settingsAt(section) };
  }
  if (state.session.tenants.length > 1) {
    yield { kind: "page", id: "page.businesses", words: t("nav.businesses"), detail: "", to: { page: "businesses" } };
    for (const { id, name } of state.session.tenants) {
      const query = { ...state.filter, tenant: id, company: null, channel: null, label: null };
      yield { kind: "business", id: `business.${id}`, words: name, detail: "", to: { ...inbox, query } };
    }
  }
  for (const command of offered) if (command.group !== "conversation") yield found(command);
  let count = 0;
  for (const { value } of state.conversations.values()) {
    if ((count += 1) > maxConversations) return;
    const detail = [value.contact.handle, state.channels[value.channel]?.name].filter(Boolean).join(" · ");
    yield {
      kind: "conversation", id: `conversation.${value.id}`, words: displayName(value), detail,
      to: { ...inbox, query: state.filter, conversation: value.id },
    };
  }
}

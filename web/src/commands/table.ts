// The commands of the page: the one place that says what a key does where. To add one: an entry here and its text in
// both languages. A test refuses two meanings of one key at one place.
import { composerId, searchId } from "../hooks/places";
import { languageNames, type Language } from "../i18n/text";
import { inbox } from "../routes/route";
import type { State } from "../state/model";
import { mayWrite } from "../state/select";
import { views } from "../state/views";
import type { Verb } from "../services/desk";
import type { Command, Surroundings } from "./command";
import { leave, stepBy, stepFocus } from "./moves";

function open(state: State) {
  return state.active ? state.conversations.get(state.active)?.value : undefined;
}

/** The open conversation, if the person may write for its business and it is in this state. */
const writable = (state: State, is: "open" | "closed") => {
  const conversation = open(state);
  return conversation !== undefined && conversation.state === is && mayWrite(state, conversation);
};

const act = (verb: Verb) => ({ app }: Surroundings) => {
  const { active } = app.store.get();
  if (active) void app.desk.act(active, verb);
};

const focus = (id: string) => () => {
  const field = document.getElementById(id);
  field?.focus();
  return field !== null;
};

const themes = ["system", "light", "dark"] as const;

export const commands: readonly Command[] = [
  { id: "palette.open", text: "command.palette", group: "page", where: "always", keys: ["Mod+k"], run: ({ open }) => open("palette"), keysOnly: true },
  { id: "help.open", text: "help.help", group: "page", where: "page", keys: ["?"], run: ({ open }) => open("help") },

  { id: "list.next", text: "help.next", group: "list", where: "inbox", keys: ["j"], repeats: true, run: ({ app }) => stepBy(app, 1) },
  { id: "list.previous", text: "help.previous", group: "list", where: "inbox", keys: ["k"], repeats: true, run: ({ app }) => stepBy(app, -1) },
  { id: "list.down", text: "command.down", group: "list", where: "inbox", keys: ["ArrowDown"], repeats: true, keysOnly: true, run: ({ app }) => stepFocus(app, 1) },
  { id: "list.up", text: "command.up", group: "list", where: "inbox", keys: ["ArrowUp"], repeats: true, keysOnly: true, run: ({ app }) => stepFocus(app, -1) },
  { id: "list.search", text: "help.search", group: "list", where: "inbox", keys: ["/"], run: focus(searchId) },
  ...views.map((view, at): Command => ({
    id: `list.${view}`, text: `command.view.${view}`, group: "list", where: "inbox", keys: [String(at + 1)],
    when: (state) => state.filter.view !== view, run: ({ app }) => app.filter({ view }),
  })),
  { id: "list.recent", text: "command.sort.recent", group: "list", where: "inbox", when: (state) => state.filter.sort !== "recent", run: ({ app }) => app.filter({ sort: "recent" }) },
  { id: "list.wait", text: "command.sort.wait", group: "list", where: "inbox", when: (state) => state.filter.sort !== "wait", run: ({ app }) => app.filter({ sort: "wait" }) },
  { id: "list.refresh", text: "command.refresh", group: "list", where: "inbox", run: ({ app }) => void app.loader.refresh() },

  {
    id: "conversation.takeOver", text: "help.takeOver", group: "conversation", where: "conversation", keys: ["t"],
    when: (state) => writable(state, "open") && !(open(state)?.owner === "human" && open(state)?.assignee === state.session.user?.id),
    run: ({ app }) => app.desk.takeOverActive(),
  },
  { id: "conversation.handBack", text: "act.handBack", group: "conversation", where: "conversation", when: (state) => writable(state, "open") && open(state)?.owner !== "ai", run: act("hand_back") },
  { id: "conversation.close", text: "act.close", group: "conversation", where: "conversation", when: (state) => writable(state, "open"), run: act("close") },
  { id: "conversation.reopen", text: "act.reopen", group: "conversation", where: "conversation", when: (state) => writable(state, "closed"), run: act("reopen") },
  {
    id: "conversation.answerNow", text: "turn.now", group: "conversation", where: "conversation",
    when: (state) => writable(state, "open") && open(state)?.turn?.state === "collecting" && open(state)?.owner === "ai",
    run: ({ app }) => {
      const { active } = app.store.get();
      if (active) void app.desk.answerNow(active);
    },
  },
  { id: "conversation.write", text: "help.write", group: "conversation", where: "conversation", keys: ["r"], when: (state) => writable(state, "open"), run: focus(composerId) },
  { id: "conversation.leave", text: "help.leave", group: "conversation", where: "always", keys: ["Escape"], keysOnly: true, run: ({ app }) => leave(app) },
  { id: "composer.send", text: "help.send", group: "conversation", where: "composer", keys: ["Enter"] },
  { id: "composer.line", text: "help.line", group: "conversation", where: "composer", keys: ["Shift+Enter"] },

  { id: "go.inbox", text: "command.inbox", group: "go", where: "page", when: (_, route) => route.page !== "inbox", run: ({ app }) => app.router.go(inbox) },
  ...themes.map((theme): Command => ({ id: `theme.${theme}`, text: `command.theme.${theme}`, group: "page", where: "page", run: ({ prefer }) => prefer({ theme }) })),
  ...(Object.keys(languageNames) as Language[]).map((language): Command => ({
    id: `language.${language}`, text: `command.language.${language}`, group: "page", where: "page", run: ({ prefer }) => prefer({ language }),
  })),
  { id: "docs.open", text: "menu.docs", group: "page", where: "page", run: () => void window.open("docs", "_blank", "noreferrer") },
  { id: "session.signOut", text: "menu.signOut", group: "page", where: "page", run: ({ app }) => void app.signOut() },
];

export const command = (id: string): Command => commands.find((one) => one.id === id)!;


// Gives a conversation to oneself, to a colleague, or to nobody.
import { useMemo } from "react";
import { useApp, usePick, useText } from "../hooks/app";
import type { Person as Colleague, Conversation } from "../api.gen";
import { needs } from "../operations.gen";
import { byName } from "../state/fold";
import { AssignIcon } from "./Icons";

const nobody: Record<string, Colleague> = {};

export function AssignPick({ conversation }: { conversation: Conversation }) {
  const t = useText();
  const { desk } = useApp();
  const me = usePick((state) => state.session.user);
  const people = usePick((state) => state.people[conversation.tenant] ?? nobody);
  const order = useMemo(() => byName(t.language), [t]);
  const others = Object.values(people).filter((p) => p.id !== me?.id && p.permissions.includes(needs["message.send"]))
    .sort((a, b) => order(a.name, b.name));
  const { assignee } = conversation;
  const unknown = assignee !== null && assignee !== me?.id && !others.some((p) => p.id === assignee);
  return (
    <label className="assign">
      <span className="unseen">{t("act.assign")}</span>
      <AssignIcon size={18} />
      <select value={assignee ?? ""} title={t("act.assign")} data-testid="assign"
        onChange={(event) => desk.assign(conversation.id, event.target.value || null)}>
        <option value="">{t("act.assign")}: {t("act.assignNobody")}</option>
        {me && <option value={me.id}>{t("act.assignMe")} ({me.name})</option>}
        {others.map((person) => <option key={person.id} value={person.id}>{person.name}</option>)}
        {unknown && <option value={assignee}>{t("author.manager")}</option>}
      </select>
    </label>
  );
}

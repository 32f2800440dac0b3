// Above the field where one writes: until when the provider takes answers, and what can be done when it takes none.
import { useState } from "react";
import { useApp, useNow, usePick, usePickOf, useText } from "../hooks/app";
import type { Draft } from "../state/model";
import { roadOf, type Road } from "../state/road";
import { channelOf } from "../state/select";
import { noThread } from "../state/thread";
import type { Conversation } from "../api.gen";
import { TemplatesButton } from "./TemplatesButton";

export interface Writing {
  road: Road;
  /** The message says that a person answers after the window for machines. */
  asPerson: boolean;
  /** A message would be refused. */
  stops: boolean;
}

export function useRoad(conversation: Conversation, draft: Draft): Writing {
  const thread = usePickOf(conversation.id, (state) => state.threads[conversation.id] ?? noThread);
  const abilities = usePick((state) => channelOf(state, conversation)?.abilities);
  const hasWindow = (conversation.can_send_until ?? null) !== null;
  const road = roadOf(conversation, thread, abilities, useNow(hasWindow ? 1_000 : 60_000));
  const closed = road.window === "closed";
  const asPerson = closed && road.remedy === "person" && draft.human_agent === true;
  return { road, asPerson, stops: !draft.note && (road.optedOut || (closed && !asPerson)) };
}

interface Props {
  conversation: Conversation;
  draft: Draft;
  writing: Writing;
}

export function WindowNote({ conversation, draft, writing: { road, asPerson } }: Props) {
  const t = useText();
  const { desk } = useApp();
  const now = useNow(60_000);
  // What is being filled in stays when the customer writes meanwhile.
  const [choosing, setChoosing] = useState(false);
  const { window, until, remedy, personUntil, optedOut } = road;
  const when = (at: number) => (at - now < 20 * 3_600_000 && new Date(at).getDate() === new Date(now).getDate() ? t.time(at) : t.full(at));
  if (draft.note) return null;
  if (optedOut) {
    return (
      <div className="window-note" role="status" data-testid="opted-out-note">
        <p><strong>{t("optOut.stops")}</strong> <span>{t("optOut.remedy")}</span></p>
      </div>
    );
  }
  if (window === "soon" && until !== null) {
    return <p className="window-soon" role="status" data-testid="window-soon">{t("window.until", { time: when(until) })}</p>;
  }
  if (window !== "closed" && !choosing) return null;
  const why = until === null && conversation.can_send_until === 0 ? "window.never" : "window.closed";
  return (
    <div className="window-note" role="status" data-testid="composer-window" data-remedy={remedy}>
      <p>
        <strong>{t(why)}</strong>{" "}
        <span>{remedy === "person" && personUntil !== null ? t("window.personUntil", { time: t.full(personUntil) }) : t(`window.remedy.${remedy}`)}</span>
      </p>
      {remedy === "template" && <TemplatesButton conversation={conversation} onOpen={setChoosing} />}
      {remedy === "person" && (
        <label className="window-person">
          <input type="checkbox" role="switch" checked={asPerson} data-testid="window-person"
            onChange={(event) => desk.draft(conversation.id, { ...draft, human_agent: event.target.checked })} />
          {t("window.asPerson")}
        </label>
      )}
    </div>
  );
}

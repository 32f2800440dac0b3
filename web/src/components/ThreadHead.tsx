// The head of a thread: whom one talks to and through which channel, who else looks, whom it is assigned to.
import { useApp, usePick, useText } from "../hooks/app";
import { kindKey } from "../i18n/text";
import { channelOf, displayName, mayWrite } from "../state/select";
import type { Conversation } from "../api.gen";
import { AssignPick } from "./AssignPick";
import { Avatar } from "./Avatar";
import { PlaceMark } from "./Context";
import { BackIcon } from "./Icons";
import { PersonButton } from "./PersonButton";
import { OptOutButton, OptOutMark } from "./OptOut";
import { Viewers } from "./Presence";
import { SourceButton } from "./SourceMark";

export function ThreadHead({ conversation }: { conversation: Conversation }) {
  const t = useText();
  const { desk } = useApp();
  const channel = usePick((state) => channelOf(state, conversation));
  const allowed = usePick((state) => mayWrite(state, conversation));
  const name = displayName(conversation);
  const closed = conversation.state === "closed";
  const trouble = channel?.health && channel.health.state !== "connected" ? channel.health : null;
  return (
    <header className="thread-head">
      <a className="back quiet square" href="#/" aria-label={t("act.back")}><BackIcon /></a>
      <Avatar id={conversation.contact.id} name={name} channel={conversation.channel_kind} />
      <div className="thread-who">
        <h2 id="thread-name" tabIndex={-1} dir="auto">{name}</h2>
        <p>
          {conversation.contact.blocked_at !== null && <strong className="blocked" data-testid="blocked">{t("person.blocked")}</strong>}
          {conversation.contact.handle && conversation.contact.handle !== name && <span dir="auto">{conversation.contact.handle}</span>}
          <PlaceMark conversation={conversation} />
          <SourceButton conversation={conversation} />
          <span>{channel?.name ?? t(kindKey(conversation.channel_kind))}</span>
          <OptOutMark conversation={conversation} />
          {trouble && (
            <strong className="trouble">{t("channel.trouble", { detail: trouble.detail ?? trouble.state })}</strong>
          )}
        </p>
      </div>
      <PersonButton conversation={conversation} />
      <Viewers conversation={conversation.id} />
      <OptOutButton conversation={conversation} />
      {allowed && <AssignPick conversation={conversation} />}
      {allowed && (
        <button type="button" className="close-button" data-testid={closed ? "reopen" : "close"}
          onClick={() => desk.act(conversation.id, closed ? "reopen" : "close")}>
          {t(closed ? "act.reopen" : "act.close")}
        </button>
      )}
    </header>
  );
}

// The head of a thread: whom one talks to and through which channel, who else looks, whom it is assigned to.
import { useApp, usePick, useText } from "../hooks/app";
import { en } from "../i18n/en";
import { kindKey, type Key, type Text } from "../i18n/text";
import { channelOf, displayName, mayWrite } from "../state/select";
import type { ChannelHealth, Conversation } from "../api.gen";
import { AssignPick } from "./AssignPick";
import { Avatar } from "./Avatar";
import { PlaceMark } from "./Context";
import { BackIcon, DoneIcon, ReopenIcon } from "./Icons";
import { PersonButton } from "./PersonButton";
import { OptOutButton, OptOutMark } from "./OptOut";
import { Viewers } from "./Presence";
import { SourceButton } from "./SourceMark";

/** The provider's sentence, if it gave one: its codes and ours are no words. */
function troubleWords(t: Text, { state, detail }: ChannelHealth): string {
  if (detail && !/^[A-Z0-9_]+$/.test(detail)) return detail;
  const key = `channel.trouble.${state}`;
  return Object.hasOwn(en, key) ? t(key as Key) : state;
}

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
            <strong className="trouble">{t("channel.trouble", { detail: troubleWords(t, trouble) })}</strong>
          )}
        </p>
      </div>
      <PersonButton conversation={conversation} />
      <Viewers conversation={conversation.id} />
      <OptOutButton conversation={conversation} />
      {allowed && <AssignPick conversation={conversation} />}
      {allowed && (
        <button type="button" className="close-button" data-testid={closed ? "reopen" : "close"} title={t(closed ? "act.reopen" : "act.close")}
          onClick={() => desk.act(conversation.id, closed ? "reopen" : "close")}>
          <span className="close-icon" aria-hidden="true">{closed ? <ReopenIcon /> : <DoneIcon />}</span>
          <span className="close-words">{t(closed ? "act.reopen" : "act.close")}</span>
        </button>
      )}
    </header>
  );
}

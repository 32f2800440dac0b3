// What a search found, in place of the list: contacts of all pages and views, each with its newest conversation.
import { useApp, useNow, usePick, useText } from "../hooks/app";
import { kindKey } from "../i18n/text";
import { searchQuery } from "../state/search";
import { displayName } from "../state/select";
import type { Found } from "../state/model";
import { Avatar } from "./Avatar";
import { Empty } from "./Empty";
import { OwnerBadge } from "./OwnerBadge";
import { resultId, resultsId } from "./SearchField";
import { Skeleton } from "./Skeleton";

export function SearchResults({ chosen }: { chosen: number }) {
  const t = useText();
  const { search } = useApp();
  const { text, phase, error, found } = usePick((state) => state.search);
  const now = useNow(30_000);
  const query = searchQuery(text);
  const status = phase === "loading" ? t("search.busy") : phase === "ready" ? t("search.found", { count: found.length }) : "";
  return (
    <div className="list" data-testid="search-results" data-phase={phase}>
      <p className="unseen" role="status">{status}</p>
      <ul id={resultsId} role="listbox" aria-label={t("search.results")} aria-busy={phase === "loading"} className="found">
        {found.map((one, index) => <Result key={one.contact.id} one={one} at={index} chosen={index === chosen} now={now} />)}
      </ul>
      {query === null && <Empty title={t("search.more")} />}
      {phase === "loading" && found.length === 0 && <Skeleton />}
      {phase === "ready" && found.length === 0 && (
        <Empty title={t("search.nobody")} hint={t("search.none", { query: query ?? "" })} />
      )}
      {phase === "error" && (
        <Empty alert title={t("search.failed")} hint={error ?? undefined}
          action={<button type="button" onClick={() => search.again()}>{t("try.again")}</button>} />
      )}
    </div>
  );
}

function Result({ one, at, chosen, now }: { one: Found; at: number; chosen: boolean; now: number }) {
  const t = useText();
  const conversation = usePick((state) => state.conversations.get(one.conversation)?.value);
  const active = usePick((state) => state.active === one.conversation);
  const tenant = usePick((state) =>
    state.session.tenants.length > 1 ? state.session.tenants.find(({ id }) => id === one.tenant)?.name : undefined);
  const channel = usePick((state) => (conversation ? state.channels[conversation.channel]?.name : undefined));
  if (!conversation) return null;
  const where = [one.contact.name ? one.contact.handle : null, tenant, channel].filter(Boolean).join(" · ");
  const when = conversation.last_message?.at ?? conversation.updated_at;
  return (
    <li id={resultId(at)} role="option" aria-selected={chosen} className="row" data-active={active} data-testid="search-result"
      // The field keeps the focus, so that the keys go on working.
      onMouseDown={(event) => event.preventDefault()} onClick={() => { location.hash = `#/c/${one.conversation}`; }}>
      <Avatar id={one.contact.id} name={displayName(conversation)} channel={conversation.channel_kind} />
      <span className="row-main">
        <span className="row-top">
          <span className="row-name" dir="auto">{displayName(conversation)}</span>
          <time className="row-when" title={t.full(when)}>{t.short(when, now)}</time>
        </span>
        <span className="row-bottom">
          <span className="row-text" dir="auto">{where || t(kindKey(conversation.channel_kind))}</span>
          {conversation.state === "closed" ? <span className="owner owner-closed">{t("search.closed")}</span>
            : <OwnerBadge owner={conversation.owner} name={null} />}
        </span>
      </span>
    </li>
  );
}

// What a search found, in place of the list: contacts, conversations, messages and notes. A message is shown around what
// was looked for.
import type { ReactNode } from "react";
import type { Hit } from "../api.gen";
import { useApp, useNow, usePick, useText } from "../hooks/app";
import { kindKey } from "../i18n/text";
import { groups, searchQuery, type Result, type ResultKind } from "../state/search";
import { displayName } from "../state/select";
import type { Found } from "../state/model";
import { Avatar } from "./Avatar";
import { Empty } from "./Empty";
import { OwnerBadge } from "./OwnerBadge";
import { resultId, resultsId } from "./SearchField";
import { Skeleton } from "./Skeleton";

const heading = {
  contact: "search.contacts", conversation: "search.conversations", message: "search.messages", note: "search.notes",
} as const satisfies Record<ResultKind, string>;

export function SearchResults({ chosen }: { chosen: number }) {
  const t = useText();
  const { search } = useApp();
  const found = usePick((state) => state.search);
  const now = useNow(30_000);
  const { text, phase, error, next, wide, building } = found;
  const query = searchQuery(text);
  const shown = groups(found);
  const count = shown.reduce((sum, group) => sum + group.results.length, 0);
  const status = phase === "loading" ? t("search.busy") : phase === "ready" ? t("search.found", { count }) : "";
  let at = 0;
  return (
    <div className="list" data-testid="search-results" data-phase={phase}>
      <p className="unseen" role="status">{status}</p>
      <div id={resultsId} role="listbox" aria-label={t("search.results")} aria-busy={phase === "loading"} className="found">
        {shown.map(({ kind, results }) => (
          <div key={kind} role="group" aria-labelledby={`${resultsId}-of-${kind}`}>
            <p id={`${resultsId}-of-${kind}`} className="found-head">{t(heading[kind])}</p>
            {results.map((one) => {
              const index = at++;
              return (
                <Option key={one.key} one={one} at={index} chosen={index === chosen}>
                  {one.kind === "contact" ? <Contact found={one.found} now={now} /> : <Text hit={one.hit} now={now} />}
                </Option>
              );
            })}
          </div>
        ))}
      </div>
      {query === null && <Empty title={t("search.more")} />}
      {phase === "loading" && count === 0 && <Skeleton />}
      {phase === "ready" && count === 0 && next === null && (
        <Empty title={t("search.nothing")} hint={t("search.none", { query: query?.trim() ?? "" })} />
      )}
      {phase === "error" && (
        <Empty alert title={t("search.failed")} hint={error ?? undefined}
          action={<button type="button" onClick={() => search.again()}>{t("try.again")}</button>} />
      )}
      {phase === "ready" && (wide || building) && (
        <p className="list-more">{t(wide ? "search.wide" : "search.building")}</p>
      )}
      {phase === "ready" && next !== null && (
        <p className="list-more">
          <button type="button" className="quiet" data-testid="search-older" onClick={() => void search.older()}>
            {t("search.older")}
          </button>
        </p>
      )}
    </div>
  );
}

function Option({ one, at, chosen, children }: { one: Result; at: number; chosen: boolean; children: ReactNode }) {
  const { router } = useApp();
  const active = usePick((state) =>
    state.active === (one.kind === "contact" ? one.found.conversation : one.hit.conversation));
  return (
    <div id={resultId(at)} role="option" aria-selected={chosen} className="row" data-active={active} data-kind={one.kind}
      data-testid="search-result"
      // The field keeps the focus, so that the keys go on working.
      onMouseDown={(event) => event.preventDefault()} onClick={() => router.follow(one.address)}>
      {children}
    </div>
  );
}

function Contact({ found, now }: { found: Found; now: number }) {
  const t = useText();
  const conversation = usePick((state) => state.conversations.get(found.conversation)?.value);
  const tenant = useTenant(found.tenant);
  const channel = usePick((state) => (conversation ? state.channels[conversation.channel]?.name : undefined));
  if (!conversation) return null;
  const where = [found.contact.name ? found.contact.handle : null, tenant, channel].filter(Boolean).join(" · ");
  const when = conversation.last_message?.at ?? conversation.updated_at;
  return (
    <>
      <Avatar id={found.contact.id} name={displayName(conversation)} channel={conversation.channel_kind} />
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
    </>
  );
}

function Text({ hit, now }: { hit: Hit; now: number }) {
  const t = useText();
  const tenant = useTenant(hit.tenant);
  const channel = usePick((state) => state.channels[hit.channel]);
  const name = hit.contact.name ?? hit.contact.handle ?? "?";
  const who = [name, hit.author === name ? null : hit.author, tenant].filter(Boolean).join(" · ");
  return (
    <>
      <Avatar id={hit.contact.id} name={name} channel={channel?.kind ?? ""} />
      <span className="row-main">
        <span className="row-top">
          <span className="row-name" dir="auto">{who}</span>
          <time className="row-when" title={t.full(hit.at)}>{t.short(hit.at, now)}</time>
        </span>
        <span className="found-text" dir="auto">
          {hit.excerpt.map((one, index) => (one.hit ? <mark key={index}>{one.text}</mark> : one.text))}
        </span>
      </span>
    </>
  );
}

/** The business of a result, where the person sees several. */
function useTenant(id: string): string | undefined {
  return usePick(({ session: { tenants } }) => (tenants.length > 1 ? tenants.find((one) => one.id === id)?.name : undefined));
}

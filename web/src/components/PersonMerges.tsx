// Of which contacts a person is made: what waits for a decision, finding another contact and seeing what becomes one, and what
// was merged, to undo it.
import { useEffect, useState } from "react";
import type { Card, FoundContact, Merge } from "../api.gen";
import { useText } from "../hooks/app";
import { kindKey, type Text } from "../i18n/text";
import { reasonOf } from "../services/problem";
import type { Act, PersonCalls } from "../services/person";
import { identityWords, mergedNames } from "./identity";

interface Props {
  card: Card;
  calls: PersonCalls;
  act: Act;
  mayMerge: boolean;
  onFailed: (why: string) => void;
}

export function PersonMerges({ card, calls, act, mayMerge, onFailed }: Props) {
  const t = useText();
  const { id } = card.contact;
  const decide = (merge: Merge, same: boolean) => void act(() => calls.split(id, merge.id, same));
  const asked = card.merges.filter(({ state }) => state === "asked");
  return (
    <>
      {mayMerge && asked.map((merge) => (
        <section key={merge.id} className="person-asked" aria-label={t("person.asked")} data-testid="person-asked">
          <h3>{t("person.asked")}</h3>
          <p>{t("person.askedHint", { ids: merge.ids.join(" · ") })}</p>
          <p className="person-row">
            <button type="button" onClick={() => decide(merge, true)}>{t("person.same")}</button>
            <button type="button" onClick={() => decide(merge, false)}>{t("person.apart")}</button>
          </p>
        </section>
      ))}
      {mayMerge && <Finding card={card} calls={calls} act={act} onFailed={onFailed} />}
      {card.merges.length > 0 && (
        <section aria-label={t("person.merged")} data-testid="person-merges">
          <h3>{t("person.merged")}</h3>
          <ul className="person-notes">
            {card.merges.map((merge) => (
              <li key={merge.id}>
                <p>{t(`person.state.${merge.state}`)} · {t.full(merge.created_at)}</p>
                <footer>
                  <span dir="auto">{[mergedNames(card, merge), reason(t, merge)].filter(Boolean).join(" · ")}</span>
                  {mayMerge && merge.state === "active" && (
                    <button type="button" className="quiet" onClick={() => decide(merge, false)}>{t("person.undo")}</button>
                  )}
                </footer>
              </li>
            ))}
          </ul>
        </section>
      )}
    </>
  );
}

function reason(t: Text, { kind, author, ids }: Merge): string {
  return kind === "person" ? t("person.by.person", { name: author ?? "–" }) : t(`person.by.${kind}`, { ids: ids.join(" = ") });
}

function Finding({ card, calls, act, onFailed }: Omit<Props, "mayMerge">) {
  const t = useText();
  const [typed, setTyped] = useState("");
  const [found, setFound] = useState<FoundContact[] | null>(null);
  const [chosen, setChosen] = useState<Card | null>(null);
  const members = card.members.map((one) => one.id).join(" ");
  useEffect(() => {
    setFound(null);
    if (typed.trim().length < 2) return;
    let is = true;
    const timer = setTimeout(() => {
      calls.find(card.tenant, typed).then(
        (all) => is && setFound(all.filter(({ contact }) => !members.includes(contact.id))),
        (error: unknown) => is && onFailed(reasonOf(error)),
      );
    }, 250);
    return () => { is = false; clearTimeout(timer); };
  }, [calls, card.tenant, members, typed, onFailed]);
  const choose = (contact: string) => calls.card(contact).then(setChosen, (error: unknown) => onFailed(reasonOf(error)));
  const merge = async (other: Card) => {
    if (await act(() => calls.merge(other.contact.id, card.contact.id))) {
      setChosen(null);
      setTyped("");
    }
  };
  return (
    <section aria-label={t("person.merge")} data-testid="person-merge">
      <h3>{t("person.merge")}</h3>
      <p className="person-hint">{t("person.mergeHint")}</p>
      <input type="search" value={typed} aria-label={t("person.search")} placeholder={t("person.search")}
        onChange={(event) => { setTyped(event.target.value); setChosen(null); }} data-testid="merge-search" />
      {chosen === null && found !== null && found.length === 0 && <p role="status">{t("person.nobody")}</p>}
      {chosen === null && found !== null && (
        <ul className="person-found">
          {found.map(({ contact, conversation }) => (
            <li key={contact.id}>
              <button type="button" className="quiet" onClick={() => void choose(contact.id)} data-testid="merge-choose">
                <span dir="auto">{contact.name ?? contact.handle ?? "–"}</span>
                <span dir="auto">{[contact.handle, t(kindKey(conversation.channel_kind))].filter(Boolean).join(" · ")}</span>
              </button>
            </li>
          ))}
        </ul>
      )}
      {chosen !== null && (
        <div className="person-asked" data-testid="merge-preview">
          <p>{t("person.preview")}</p>
          <ul className="person-ids">
            {[card, chosen].flatMap((side) => side.identities.map((one) => (
              <li key={`${one.channel} ${one.id}`}><span dir="auto">{side.contact.name ?? side.contact.handle ?? "–"} · {t(kindKey(one.channel_kind))}</span><span dir="auto">{identityWords(side, one)}</span></li>
            )))}
          </ul>
          <p className="person-row">
            <button type="button" onClick={() => void merge(chosen)} data-testid="merge-now">{t("person.mergeNow")}</button>
            <button type="button" className="quiet" onClick={() => setChosen(null)}>{t("person.cancel")}</button>
          </p>
        </div>
      )}
    </section>
  );
}

// Everything about one customer: where it writes, what is known of it, and of which contacts it is made. It is loaded when it
// is opened, and again whenever the conversation's contact changes.
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import type { Attribute, Card, Conversation, Label } from "../api.gen";
import { useApp, usePick, useText } from "../hooks/app";
import { kindKey } from "../i18n/text";
import { reasonOf } from "../services/problem";
import { can } from "../state/select";
import { callsOf, type Act } from "../services/person";
import { identityWords } from "./identity";
import { PersonDetails } from "./PersonDetails";
import { PersonLabels } from "./PersonLabels";
import { PersonMerges } from "./PersonMerges";
import { PersonNotes } from "./PersonNotes";

export function PersonDialog({ conversation, onClose }: { conversation: Conversation; onClose: () => void }) {
  const t = useText();
  const { request } = useApp();
  const calls = useMemo(() => callsOf(request), [request]);
  const dialog = useRef<HTMLDialogElement>(null);
  const [card, setCard] = useState<Card | null>(null);
  const [labels, setLabels] = useState<Label[]>([]);
  const [attributes, setAttributes] = useState<Attribute[]>([]);
  const [failed, setFailed] = useState<string | null>(null);
  const { tenant, contact } = conversation;
  const mayAnswer = usePick((state) => can(state, tenant, "contact.set"));
  const mayMerge = usePick((state) => can(state, tenant, "contact.merge"));
  const mayManage = usePick((state) => can(state, tenant, "label.put"));

  useEffect(() => {
    dialog.current?.showModal();
  }, []);
  const act = useCallback<Act>(async (work) => {
    try {
      setCard(await work());
      setFailed(null);
      return true;
    } catch (error) {
      setFailed(reasonOf(error));
      return false;
    }
  }, []);
  // Every change of a person comes with an event of its conversations.
  useEffect(() => {
    const timer = setTimeout(() => void act(() => calls.card(contact.id)), 150);
    return () => clearTimeout(timer);
  }, [act, calls, contact]);
  useEffect(() => {
    const fail = (error: unknown) => setFailed(reasonOf(error));
    calls.labels(tenant).then(setLabels, fail);
    calls.attributes(tenant).then(setAttributes, fail);
  }, [calls, tenant]);

  const person = card?.contact;
  return (
    <dialog ref={dialog} className="person" aria-labelledby="person-name" onClose={onClose} data-testid="person"
      onClick={(event) => event.target === dialog.current && dialog.current?.close()}>
      <div className="person-body">
        <header>
          <h2 id="person-name" dir="auto">{person?.name ?? contact.name ?? contact.handle ?? t("person.open")}</h2>
          <button type="button" className="quiet" onClick={() => dialog.current?.close()} data-testid="person-close">{t("person.close")}</button>
        </header>
        {failed !== null && <p className="person-failed" role="alert">{failed}</p>}
        {card === null && failed === null && <p role="status">{t("person.loading")}</p>}
        {card !== null && person && (
          <>
            <section aria-label={t("person.ids")}>
              <h3>{t("person.ids")}</h3>
              <ul className="person-ids" data-testid="person-ids">
                {card.identities.map((one) => (
                  <li key={`${one.channel} ${one.id}`}>
                    <span>{t(kindKey(one.channel_kind))}</span><span dir="auto">{identityWords(card, one)}</span>
                  </li>
                ))}
              </ul>
              {person.blocked_at !== null && <p className="person-failed">{t("person.blockedHint")}</p>}
              {mayAnswer && (
                <button type="button" data-testid="person-block"
                  onClick={() => void act(() => calls.block(contact.id, person.blocked_at === null))}>
                  {t(person.blocked_at === null ? "person.block" : "person.unblock")}
                </button>
              )}
            </section>
            <PersonLabels card={card} labels={labels} calls={calls} act={act} mayChange={mayAnswer} mayManage={mayManage}
              onLabels={(made) => setLabels([...labels, made])} onFailed={setFailed} />
            <PersonDetails card={card} attributes={attributes} calls={calls} act={act} mayChange={mayAnswer} />
            <PersonNotes card={card} calls={calls} act={act} mayChange={mayAnswer} />
            <PersonMerges card={card} calls={calls} act={act} mayMerge={mayMerge} onFailed={setFailed} />
          </>
        )}
      </div>
    </dialog>
  );
}

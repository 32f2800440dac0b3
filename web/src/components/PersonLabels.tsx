// The labels of a person: those of the tenant to choose from, and a new one where the caller manages them.
import { useState } from "react";
import type { Card, Label } from "../api.gen";
import { useText } from "../hooks/app";
import { reasonOf } from "../services/problem";
import type { Act, PersonCalls } from "../services/person";

interface Props {
  card: Card;
  labels: Label[];
  calls: PersonCalls;
  act: Act;
  mayChange: boolean;
  mayManage: boolean;
  onLabels: (made: Label) => void;
  onFailed: (why: string) => void;
}

export function PersonLabels({ card, labels, calls, act, mayChange, mayManage, onLabels, onFailed }: Props) {
  const t = useText();
  const [name, setName] = useState("");
  const [colour, setColour] = useState("#3366cc");
  const has = card.contact.labels;
  const toggle = (id: string) =>
    act(() => calls.label(card.contact.id, has.includes(id) ? has.filter((one) => one !== id) : [...has, id]));
  const make = async () => {
    try {
      onLabels(await calls.makeLabel(card.tenant, name, colour));
      setName("");
    } catch (error) {
      onFailed(reasonOf(error));
    }
  };
  const shown = mayChange ? labels : labels.filter(({ id }) => has.includes(id));
  return (
    <section aria-label={t("person.labels")} data-testid="person-labels">
      <h3>{t("person.labels")}</h3>
      {shown.length === 0 && <p className="person-hint">{t("person.noLabels")}</p>}
      <div className="person-labels">
        {shown.map((label) => (
          <button key={label.id} type="button" className="person-label" aria-pressed={has.includes(label.id)} disabled={!mayChange}
            style={{ borderColor: label.colour }} onClick={() => void toggle(label.id)}>
            <span aria-hidden="true" style={{ background: label.colour }} /><span dir="auto">{label.name}</span>
          </button>
        ))}
      </div>
      {mayManage && (
        <form className="person-row" onSubmit={(event) => { event.preventDefault(); void make(); }}>
          <input value={name} maxLength={40} aria-label={t("person.newLabel")} placeholder={t("person.newLabel")} required
            onChange={(event) => setName(event.target.value)} data-testid="label-name" />
          <input type="color" value={colour} aria-label={t("person.colour")} onChange={(event) => setColour(event.target.value)} />
          <button type="submit">{t("person.addLabel")}</button>
        </form>
      )}
    </section>
  );
}

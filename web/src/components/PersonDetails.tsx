// The attributes of a person, each in a field of its type. What is left empty is unset.
import { useState } from "react";
import type { Attribute, Card } from "../api.gen";
import { useText } from "../hooks/app";
import type { Act, PersonCalls } from "../services/person";

const addressParts = ["street", "postal_code", "city", "region", "country"] as const;
type Address = Partial<Record<(typeof addressParts)[number], string>>;

interface Props {
  card: Card;
  attributes: Attribute[];
  calls: PersonCalls;
  act: Act;
  mayChange: boolean;
}

export function PersonDetails({ card, attributes, calls, act, mayChange }: Props) {
  const t = useText();
  const offered = attributes.filter(({ id, rules }) => !rules.retired || card.attributes.some(({ attribute }) => attribute === id));
  if (offered.length === 0) return null;
  return (
    <section aria-label={t("person.attributes")} data-testid="person-attributes">
      <h3>{t("person.attributes")}</h3>
      {offered.map((one) => {
        const value = card.attributes.find(({ attribute }) => attribute === one.id)?.value ?? null;
        const save = (next: unknown) => act(() => calls.set(card.contact.id, { [one.id]: next }));
        // Drawn anew when it is changed elsewhere.
        return <Value key={`${one.id} ${JSON.stringify(value)}`} attribute={one} value={value} save={save} mayChange={mayChange} />;
      })}
    </section>
  );
}

function Value({ attribute, value, save, mayChange }: {
  attribute: Attribute;
  value: unknown;
  save: (next: unknown) => Promise<boolean>;
  mayChange: boolean;
}) {
  const t = useText();
  const { kind, name, rules } = attribute;
  const [text, setText] = useState(typeof value === "string" || typeof value === "number" ? String(value) : "");
  const [address, setAddress] = useState<Address>(kind === "address" && value !== null ? value as Address : {});
  if (kind === "yes_no" || kind === "choice") {
    const options = kind === "choice" ? (rules.choices ?? []) : ["true", "false"];
    const words = (option: string) => kind === "choice" ? option : t(option === "true" ? "person.yes" : "person.no");
    return (
      <label className="person-row">
        <span dir="auto">{name}</span>
        <select value={value === null ? "" : String(value)} disabled={!mayChange}
          onChange={({ target }) => void save(target.value === "" ? null : kind === "choice" ? target.value : target.value === "true")}>
          <option value="">{t("person.noValue")}</option>
          {options.map((option) => <option key={option} value={option}>{words(option)}</option>)}
        </select>
      </label>
    );
  }
  const next = () => {
    if (kind === "address") {
      const filled = Object.entries(address).filter(([, part]) => part !== "");
      return filled.length === 0 ? null : Object.fromEntries(filled);
    }
    return text === "" ? null : kind === "number" ? Number(text) : text;
  };
  return (
    <form className="person-row" onSubmit={(event) => { event.preventDefault(); void save(next()); }}>
      {kind === "address" ? (
        <fieldset disabled={!mayChange}>
          <legend dir="auto">{name}</legend>
          {addressParts.map((part) => (
            <input key={part} value={address[part] ?? ""} maxLength={200} aria-label={t(`person.address.${part}`)}
              placeholder={t(`person.address.${part}`)} onChange={({ target }) => setAddress({ ...address, [part]: target.value })} />
          ))}
        </fieldset>
      ) : (
        <label>
          <span dir="auto">{name}</span>
          <input type={kind} step="any" value={text} disabled={!mayChange} maxLength={rules.max_length ?? 1000}
            min={rules.min ?? undefined} max={rules.max ?? undefined} onChange={({ target }) => setText(target.value)} />
        </label>
      )}
      {mayChange && JSON.stringify(next()) !== JSON.stringify(value) && <button type="submit">{t("person.save")}</button>}
    </form>
  );
}

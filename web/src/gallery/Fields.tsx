// Fields of every kind and state, and a form that a made-up server refuses.
import { useState } from "react";
import { RequestError } from "../services/problem";
import { Button } from "../ui/Button";
import { Combobox } from "../ui/Combobox";
import { DateField, DateRangeField } from "../ui/DateField";
import { SelectField, TextArea, TextField } from "../ui/Field";
import { Form } from "../ui/Form";
import type { Range } from "../ui/moment";
import { Checkbox, Switch } from "../ui/Toggles";
import { Part } from "./Part";
import type { Words } from "./words";

const people = ["Olive Owner", "Mira Manager", "Анна Константинопольская", "ليلى", "Olive Owner"];
const day = new Date(2030, 4, 10).getTime();

export function Fields({ w }: { w: Words }) {
  const [outcome, setOutcome] = useState<"done" | "field" | "whole">("done");
  const [person, setPerson] = useState<string | null>(null);
  const [at, setAt] = useState<number | null>(day);
  const [moment, setMoment] = useState<number | null>(null);
  const [range, setRange] = useState<Range>({ since: day, until: day });
  const kinds = [{ value: "product", label: w.product }, { value: "service", label: w.service }];

  async function save(): Promise<void> {
    await Promise.resolve();
    if (outcome === "field") throw new RequestError(400, "invalid", w.refused, "name");
    if (outcome === "whole") throw new RequestError(409, "conflict", w.failedReason);
  }

  return (
    <>
      <Part id="form" title={w.form}>
        <Form save={save} submit={w.save} done={w.done} onCancel={() => undefined} label={w.form}>
          <TextField name="name" label={w.name} hint={w.nameHint} required defaultValue="Lanterns" data-testid="gallery-name" />
          <TextField name="email" label={w.email} type="email" autoComplete="off" />
          <SelectField name="kind" label={w.kind} choices={kinds} defaultValue="service" required />
          <TextArea name="note" label={w.note} hint={w.noteHint} maxLength={500} />
          <TextField label={w.disabledField} disabled value="6f1c" required />
          <Checkbox name="copy" label={w.agree} hint={w.agreeHint} defaultChecked />
          <Checkbox name="terms" label={w.answers} required />
        </Form>
        <TextField name="token" label={w.password} type="password" autoComplete="off" error={w.wrong} end={<Button>{w.show}</Button>} />
        <div className="ui-actions">
          <Button onClick={() => setOutcome("field")} aria-pressed={outcome === "field"} data-testid="refuse-field">{w.refuse}</Button>
          <Button onClick={() => setOutcome("whole")} aria-pressed={outcome === "whole"} data-testid="refuse-whole">{w.trouble}</Button>
        </div>
      </Part>
      <Part id="toggles" title={w.toggles}>
        <Switch label={w.answers} hint={w.answersHint} defaultChecked />
        <Switch label={w.answers} />
        <Switch label={w.locked} disabled />
        <Checkbox label={w.locked} disabled defaultChecked />
      </Part>
      <Part id="dates" title={w.dates}>
        <DateField label={w.day} value={at} onChange={setAt} />
        <DateField label={w.moment} kind="datetime-local" value={moment} onChange={setMoment} hint={w.answersHint} />
        <DateRangeField label={w.range} value={range} onChange={setRange} />
      </Part>
      <Part id="combobox" title={w.combobox}>
        <Combobox label={w.person} hint={w.personHint} value={person} onChange={setPerson} required
          choices={people.map((label, index) => ({ value: String(index), label, ...(index === 4 && { more: w.namesake }) }))} />
      </Part>
    </>
  );
}

// A form that is sent once, and shows what the server refuses at the field that it names (`field` of the problem
// document); what names none of the form's fields stands above the buttons. What was typed stays in the fields.
import { Form as Base } from "@base-ui/react/form";
import { useId, useRef, useState, type FormEvent, type ReactNode } from "react";
import { useText } from "../hooks/app";
import { Button } from "./Button";
import { refusalOf, RefusalsContext, type Refusals } from "./refusals";
import "./control.css";

interface Props {
  /** Sends it; what it throws is shown. */
  save: (values: FormData) => Promise<void>;
  /** The words of the button that sends. */
  submit: string;
  onCancel?: () => void;
  /** Said when it was saved. */
  done?: string;
  label?: string;
  children: ReactNode;
}

export function Form({ save, submit, onCancel, done, label, children }: Props) {
  const t = useText();
  const [refusals, setRefusals] = useState<Refusals>({});
  const [problem, setProblem] = useState<string | null>(null);
  const [phase, setPhase] = useState<"idle" | "busy" | "done">("idle");
  // The state of the button comes a drawing later than a second Enter.
  const isSending = useRef(false);
  const problemId = useId();

  async function send(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const form = event.currentTarget;
    if (isSending.current) return;
    isSending.current = true;
    setPhase("busy");
    setProblem(null);
    setRefusals({});
    try {
      await save(new FormData(form));
      setPhase("done");
    } catch (error) {
      const { field, words } = refusalOf(error, (name) => form.elements.namedItem(name) !== null);
      if (field === null) setProblem(words);
      else setRefusals({ [field]: words });
      setPhase("idle");
    } finally {
      isSending.current = false;
    }
  }

  function onInput(event: FormEvent<HTMLFormElement>) {
    const { name } = event.target as HTMLInputElement;
    if (phase === "done") setPhase("idle");
    if (Object.hasOwn(refusals, name)) setRefusals(({ [name]: _, ...rest }) => rest);
  }

  return (
    <RefusalsContext value={refusals}>
      <Base className="ui-form" aria-label={label} errors={refusals} aria-busy={phase === "busy"} aria-describedby={problem === null ? undefined : problemId}
        onSubmit={(event) => void send(event)} onInput={onInput}>
        {children}
        <div className="ui-form-end">
          <p id={problemId} className="ui-error" role="alert">{problem}</p>
          <div className="ui-actions">
            {onCancel && <Button onClick={onCancel}>{t("ui.cancel")}</Button>}
            <Button type="submit" tone="primary" busy={phase === "busy"}>{submit}</Button>
          </div>
          <p className="ui-hint" role="status">{phase === "busy" ? t("ui.sending") : phase === "done" ? done : ""}</p>
        </div>
      </Base>
    </RefusalsContext>
  );
}

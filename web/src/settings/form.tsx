// Forms over what the server has and others change: what was edited over it, and the server's refusals at their fields.
// Edits survive leaving the page and coming back; fields that nobody edited follow the server. Draws no fields.
import { useEffect, useRef, useState, type FormEvent, type ReactNode } from "react";
import { useText } from "../hooks/app";
import type { Key, Text } from "../i18n/text";
import { RequestError } from "../services/problem";
import type { Store } from "../state/store";
import { Button, ButtonLink } from "../ui/Button";
import { refusalOf, RefusalsContext, type Refusals } from "../ui/refusals";

type Values = Record<string, unknown>;
interface Edit { value: unknown; over: unknown }

/** By form, for as long as the page is open. */
const kept = new Map<string, Record<string, Edit>>();
const same = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b);

const watched = new WeakSet<Store>();

/** Edits are of a person, whatever page is open when the session ends: the next one must not find them. */
export function forgetAtSignOut(store: Store): void {
  if (watched.has(store)) return;
  watched.add(store);
  store.subscribe(() => store.get().session.phase !== "in" && kept.clear());
}

export interface FormOf<V extends Values> {
  values: V;
  set: <K extends keyof V & string>(field: K, value: V[K]) => void;
  /** What is wrong, by field: `EditForm` gives it to the fields. */
  errors: Refusals;
  /** What concerns no field. */
  problem: string | null;
  busy: boolean;
  saved: boolean;
  isDirty: boolean;
  /** The same field was changed by somebody else since. */
  isChanged: boolean;
  reset: () => void;
  submit: (event: FormEvent) => void;
  form: React.RefObject<HTMLFormElement | null>;
}

interface Rules<V> {
  /** Fields that the form shows; refusals of others are said above the buttons. */
  fields: readonly string[];
  /** What is wrong before the server is asked, by field. */
  check?: (values: V) => Record<string, string>;
  save: (changed: Partial<V>, values: V) => Promise<void>;
  /** Saves also when nothing was changed: the form makes something. */
  isNew?: boolean;
}

export function useForm<V extends Values>(key: string, theirs: V, rules: Rules<V>): FormOf<V> {
  const t = useText();
  const [edits, setEdits] = useState<Record<string, Edit>>(() => kept.get(key) ?? {});
  const [errors, setErrors] = useState<Record<string, string>>({});
  const [problem, setProblem] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const [saved, setSaved] = useState(false);
  const form = useRef<HTMLFormElement>(null);
  const put = (next: Record<string, Edit>) => {
    if (Object.keys(next).length > 0) kept.set(key, next);
    else kept.delete(key);
    setEdits(next);
  };
  const dirty = Object.entries(edits).filter(([field, { value }]) => !same(value, theirs[field]));
  const values = { ...theirs, ...Object.fromEntries(Object.entries(edits).map(([field, { value }]) => [field, value])) } as V;

  // The first field that is wrong takes the focus, each time that something is refused.
  const [refused, setRefused] = useState(0);
  useEffect(() => {
    if (refused > 0) form.current?.querySelector<HTMLElement>("[aria-invalid=true]")?.focus();
  }, [refused]);

  function refuse(found: Record<string, string>) {
    setErrors(found);
    setRefused((count) => count + 1);
  }

  async function send() {
    if (busy) return;
    const wrong = rules.check?.(values) ?? {};
    setProblem(null);
    setSaved(false);
    if (Object.keys(wrong).length > 0) return refuse(wrong);
    setErrors({});
    if (dirty.length === 0 && !rules.isNew) return;
    setBusy(true);
    try {
      await rules.save(Object.fromEntries(dirty.map(([field, { value }]) => [field, value])) as Partial<V>, values);
      put({});
      setSaved(true);
    } catch (error) {
      const { field, words } = refusalOf(error, (name) => rules.fields.includes(name));
      if (field !== null) refuse({ [field]: fieldWords(t, field, words) });
      else setProblem(t("form.failed", { reason: error instanceof RequestError && error.status === 0 ? t("act.offline") : words }));
    } finally {
      setBusy(false);
    }
  }

  useEffect(() => {
    if (dirty.length === 0) return;
    const warn = (event: BeforeUnloadEvent) => event.preventDefault();
    window.addEventListener("beforeunload", warn);
    return () => window.removeEventListener("beforeunload", warn);
  }, [dirty.length]);

  return {
    values, busy, problem, form,
    saved: saved && dirty.length === 0,
    isDirty: dirty.length > 0,
    isChanged: dirty.some(([field, { over }]) => !same(over, theirs[field])),
    errors,
    set(field, value) {
      setSaved(false);
      setErrors(({ [field]: _, ...others }) => others);
      put({ ...edits, [field]: { value, over: edits[field]?.over ?? theirs[field] } });
    },
    reset() {
      put({});
      setErrors({});
      setProblem(null);
    },
    submit(event) {
      event.preventDefault();
      void send();
    },
  };
}

const refusals: readonly (readonly [string, RegExp, Key])[] = [
  ["country", /two letters/, "company.countryUnknown"],
  ["name", /another attribute has this name/, "details.nameTaken"],
];

/** Bounds are the server's, in its units; they are said in those of the field. */
export function fieldWords(t: Text, field: string, reason: string): string {
  const known = refusals.find(([of, words]) => of === field && words.test(reason));
  if (known) return t(known[2]);
  const bounds = /between (-?\d+) and (-?\d+)/.exec(reason);
  if (!bounds) return reason;
  const unit = field.endsWith("_ms") ? 1_000 : 1;
  return t("form.between", { low: Number(bounds[1]) / unit, high: Number(bounds[2]) / unit });
}

/** The form of what is edited: its fields say what is wrong with them. */
export function EditForm<V extends Values>({ form, children, ...more }: { form: FormOf<V>; children: ReactNode; autoComplete?: "off"; "data-testid"?: string }) {
  return (
    <RefusalsContext value={form.errors}>
      <form className="card form" ref={form.form} onSubmit={form.submit} noValidate {...more}>{children}</form>
    </RefusalsContext>
  );
}

/** The end of a form: saving, what came of it, and whether somebody else was quicker. */
interface End<V extends Values> {
  form: FormOf<V>;
  words?: string;
  /** Of a form that makes something: where Cancel leads. What was filled in is gone then. */
  back?: string;
  children?: ReactNode;
}

export function FormEnd<V extends Values>({ form, words, back, children }: End<V>) {
  const t = useText();
  return (
    <div className="form-end">
      {form.problem && <p className="form-problem" role="alert" data-testid="form-problem">{form.problem}</p>}
      {form.isChanged && (
        <p className="form-changed" role="status">{t("form.changed")} <Button small onClick={form.reset}>{t("form.reset")}</Button></p>
      )}
      <div className="form-acts">
        <Button type="submit" tone="primary" busy={form.busy} data-testid="save">{form.busy ? t("form.saving") : (words ?? t("form.save"))}</Button>
        {back !== undefined ? <ButtonLink href={back} onClick={form.reset} data-testid="cancel">{t("form.cancel")}</ButtonLink>
          : form.isDirty && <Button onClick={form.reset} data-testid="cancel">{t("form.cancel")}</Button>}
        {children}
        <span role="status" className="form-status">{form.saved ? t("form.saved") : form.isDirty ? t("form.unsaved") : ""}</span>
      </div>
    </div>
  );
}

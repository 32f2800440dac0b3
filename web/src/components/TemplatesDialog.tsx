// Chooses a template of the channel, fills it in, shows it as the customer will read it, and sends it by the outbox. What
// the server refuses is said at its field.
import { useCallback, useEffect, useRef, useState } from "react";
import { useApp, usePick, useText } from "../hooks/app";
import "../i18n/rules";
import { reasonOf } from "../services/problem";
import { refusedSlot, slotsOf, textOf, outTemplate, type Filled } from "../state/template";
import type { Conversation, Templates, TemplateView } from "../api.gen";
import { Button } from "../ui/Button";
import { Dialog } from "../ui/Dialog";
import { TextField } from "../ui/Field";
import { FailedState, LoadingState } from "../ui/States";
import "./templates.css";
import { TemplateList, TemplatePreview } from "./TemplateParts";

interface Props {
  conversation: Conversation;
  onClose: () => void;
}

type Loaded = { phase: "loading" } | { phase: "failed"; reason: string } | { phase: "ready"; templates: TemplateView[] };

function useTemplates(channel: string): [Loaded, () => void] {
  const { request } = useApp();
  const [loaded, setLoaded] = useState<Loaded>({ phase: "loading" });
  const run = useRef(0);
  const load = useCallback(() => {
    const mine = (run.current += 1);
    const keep = (next: Loaded) => mine === run.current && setLoaded(next);
    setLoaded({ phase: "loading" });
    request<Templates>("GET", `/api/v1/channels/${channel}/templates`).then(
      ({ templates }) => keep({ phase: "ready", templates }),
      (error: unknown) => keep({ phase: "failed", reason: reasonOf(error) }),
    );
  }, [request, channel]);
  useEffect(() => {
    load();
    return () => void (run.current += 1);
  }, [load]);
  return [loaded, load];
}

export function TemplatesDialog({ conversation, onClose }: Props) {
  const t = useText();
  const [loaded, load] = useTemplates(conversation.channel);
  const [chosen, setChosen] = useState<TemplateView | null>(null);
  return (
    <Dialog open wide onClose={onClose} title={t("templates.title")} hint={t(chosen ? "templates.fillHint" : "templates.hint")}>
      <div className="templates" data-testid="templates" data-phase={loaded.phase}>
        {loaded.phase === "loading" ? <LoadingState lines={6} />
          : loaded.phase === "failed" ? <><FailedState reason={loaded.reason} onRetry={load} /><p className="ui-hint">{t("templates.failedHint")}</p></>
          : chosen ? <Fill conversation={conversation} template={chosen} onBack={() => setChosen(null)} onSent={onClose} />
          : <TemplateList templates={loaded.templates} onChoose={setChosen} onAgain={load} />}
      </div>
    </Dialog>
  );
}

interface FillProps {
  conversation: Conversation;
  template: TemplateView;
  onBack: () => void;
  onSent: () => void;
}

function Fill({ conversation, template, onBack, onSent }: FillProps) {
  const t = useText();
  const { desk } = useApp();
  const slots = slotsOf(template);
  const [values, setValues] = useState<Filled>({});
  const [errors, setErrors] = useState<Record<string, string>>({});
  const [problem, setProblem] = useState<string | null>(null);
  const [sent, setSent] = useState<string | null>(null);
  const pending = usePick((state) => (sent === null ? undefined : state.pending.find((one) => one.client_id === sent)));
  const live = usePick((state) => state.link.phase === "live");
  const [refused, setRefused] = useState(0);
  const form = useRef<HTMLFormElement>(null);

  function refuse(found: Record<string, string>) {
    setErrors(found);
    setRefused((count) => count + 1);
  }

  // Gone from what waits: the server has it. Without a connection it waits in the thread, where it is seen.
  useEffect(() => {
    if (sent === null) return;
    if (!pending || (pending.state === "waiting" && !live)) return onSent();
    if (pending.state !== "failed") return;
    const { id, words } = refusedSlot(slots, pending.reason ?? "");
    desk.discard(pending);
    setSent(null);
    if (id !== null) refuse({ [id]: words });
    else setProblem(words);
  }, [sent, pending, live]);

  useEffect(() => {
    form.current?.querySelector<HTMLElement>("[aria-invalid=true], input")?.focus();
  }, [refused]);

  function send() {
    const missing = slots.filter(({ id }) => !values[id]?.trim());
    setProblem(null);
    if (missing.length > 0) return refuse(Object.fromEntries(missing.map(({ id }) => [id, t("templates.missing")])));
    setErrors({});
    setSent(desk.sendTemplate(conversation.id, outTemplate(template, values), textOf(template, values)));
  }

  return (
    <form className="template-fill" ref={form} noValidate data-testid="template-fill"
      onSubmit={(event) => { event.preventDefault(); if (sent === null) send(); }}>
      <div className="template-fields">
        {slots.length === 0 && <p className="ui-hint">{t("templates.nothing")}</p>}
        {slots.map(({ id, part, name, isFile }) => (
          <TextField key={id} required label={isFile ? t("templates.file") : t(`templates.slot.${part}`, { name })} dir="auto"
            hint={isFile ? t("templates.fileHint") : undefined} type={isFile ? "url" : "text"} error={errors[id]} value={values[id] ?? ""}
            data-testid={`slot-${id}`} onChange={(event) => {
              setValues({ ...values, [id]: event.target.value });
              setErrors(({ [id]: _, ...others }) => others);
            }} />
        ))}
        {problem !== null && <p className="ui-error" role="alert" data-testid="template-problem">{problem}</p>}
      </div>
      <TemplatePreview template={template} values={values} />
      <footer className="ui-actions">
        <Button onClick={onBack} data-testid="template-back">{t("templates.back")}</Button>
        <Button type="submit" tone="primary" busy={sent !== null} data-testid="template-send">{t("templates.send")}</Button>
      </footer>
    </form>
  );
}

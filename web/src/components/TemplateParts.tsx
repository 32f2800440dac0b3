// The list of a channel's templates, and one as the customer will read it.
import { useState } from "react";
import { useText } from "../hooks/app";
import type { Key, Text } from "../i18n/text";
import { isApproved, keyOf, searched, shown, textOf, type Filled } from "../state/template";
import type { TemplateView } from "../api.gen";
import { Button } from "../ui/Button";
import { TextField } from "../ui/Field";
import { EmptyState } from "../ui/States";
import { RichText } from "./RichText";

/** A word of the provider; one that is not known here is shown as it is. */
const said = (t: Text, kind: "category" | "state", word: string): string => t(`templates.${kind}.${word.toUpperCase()}` as Key);

interface ListProps {
  templates: readonly TemplateView[];
  onChoose: (template: TemplateView) => void;
  onAgain: () => void;
}

export function TemplateList({ templates, onChoose, onAgain }: ListProps) {
  const t = useText();
  const [text, setText] = useState("");
  const found = searched(templates, text);
  if (templates.length === 0) {
    return <EmptyState title={t("templates.none")} hint={t("templates.noneHint")} action={<Button onClick={onAgain}>{t("templates.again")}</Button>} />;
  }
  return (
    <>
      <TextField label={t("templates.search")} required type="search" value={text} data-testid="templates-search" autoFocus
        onChange={(event) => setText(event.target.value)} />
      <p className="unseen" role="status">{t("templates.found", { count: found.length })}</p>
      {found.length === 0 && <EmptyState title={t("templates.noMatch")} action={<Button onClick={() => setText("")}>{t("templates.all")}</Button>} />}
      <ul className="template-list" aria-label={t("templates.title")}>
        {found.map((template) => {
          const approved = isApproved(template);
          return (
            <li key={keyOf(template)}>
              <button type="button" className="template-row" aria-disabled={!approved} data-testid="template" data-name={template.name}
                onClick={() => approved && onChoose(template)}>
                <span className="template-top">
                  <strong dir="auto">{template.name}</strong>
                  <span className="tag" dir="ltr">{template.language}</span>
                  <span className="tag">{said(t, "category", template.category)}</span>
                  <span className="tag" data-state={approved ? "good" : "other"}>{said(t, "state", template.state)}</span>
                </span>
                <span className="template-text" dir="auto">{textOf(template, {})}</span>
                {!approved && <span className="template-text">{t("templates.notApproved")}</span>}
              </button>
            </li>
          );
        })}
      </ul>
    </>
  );
}

export function TemplatePreview({ template, values }: { template: TemplateView; values: Filled }) {
  const t = useText();
  const { header, body, footer, buttons } = shown(template, values);
  return (
    <section className="template-preview" aria-label={t("templates.preview")} aria-live="polite" data-testid="template-preview">
      <h3>{t("templates.preview")}</h3>
      <div className="template-bubble">
        {header && <p dir="auto"><strong>{header}</strong></p>}
        <RichText text={body} />
        {footer && <p className="ui-hint" dir="auto">{footer}</p>}
        {buttons.length > 0 && <ul>{buttons.map((title, index) => <li key={index} dir="auto">{title}</li>)}</ul>}
      </div>
    </section>
  );
}

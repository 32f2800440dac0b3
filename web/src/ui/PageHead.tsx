// The head of a page: where it belongs, its heading, one sentence, what can be done here.
import type { ReactNode, Ref } from "react";
import { BackIcon } from "./icons";
import "./page.css";

interface Props {
  title: string;
  hint?: ReactNode;
  back?: { href: string; label: string };
  actions?: ReactNode;
  /** For giving the heading the focus after a change of page. */
  ref?: Ref<HTMLHeadingElement>;
}

export function PageHead({ title, hint, back, actions, ref }: Props) {
  return (
    <header className="ui-page-head">
      {back && <a className="ui-page-back" href={back.href}><BackIcon />{back.label}</a>}
      <div className="ui-page-line">
        <h1 ref={ref} tabIndex={-1} dir="auto">{title}</h1>
        {actions && <div className="ui-actions">{actions}</div>}
      </div>
      {hint && <p className="ui-hint">{hint}</p>}
    </header>
  );
}

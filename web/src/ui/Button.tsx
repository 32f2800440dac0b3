// A button, and a link that looks like one. `busy` keeps the focus on it and lets nothing through a second time.
import type { AnchorHTMLAttributes, ButtonHTMLAttributes, ReactNode, Ref } from "react";
import "./control.css";

export type Tone = "plain" | "primary" | "quiet" | "danger";

interface Look {
  tone?: Tone;
  small?: boolean;
  /** A picture alone: then `label` is its name. */
  icon?: ReactNode;
  label?: string;
}

interface Props extends ButtonHTMLAttributes<HTMLButtonElement>, Look {
  busy?: boolean;
  ref?: Ref<HTMLButtonElement>;
}

export function Button({ tone = "plain", small = false, icon, label, busy = false, className, onClick, children, type = "button", ...rest }: Props) {
  return (
    <button {...rest} type={type} className={look(tone, small, Boolean(icon && !children), className)} aria-label={label}
      aria-busy={busy || undefined} aria-disabled={busy || undefined}
      onClick={(event) => {
        if (busy) event.preventDefault();
        else onClick?.(event);
      }}>
      {icon}{children}
    </button>
  );
}

export function ButtonLink({ tone = "plain", small = false, icon, label, className, children, ...rest }: AnchorHTMLAttributes<HTMLAnchorElement> & Look) {
  return <a {...rest} className={look(tone, small, Boolean(icon && !children), className)} aria-label={label}>{icon}{children}</a>;
}

function look(tone: Tone, small: boolean, square: boolean, more = ""): string {
  return ["ui-button", `ui-button-${tone}`, small && "ui-button-small", square && "ui-button-square", more].filter(Boolean).join(" ");
}

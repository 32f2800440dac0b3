// What stands where the content is not: nothing there, not there yet, could not be read. Each says what can be done.
import type { ReactNode } from "react";
import { useText } from "../hooks/app";
import { Button } from "./Button";
import { WarnIcon } from "./icons";
import "./page.css";

export function EmptyState({ title, hint, action, icon }: { title: string; hint?: string; action?: ReactNode; icon?: ReactNode }) {
  return (
    <div className="ui-state">
      {icon}
      <p className="ui-state-title">{title}</p>
      {hint && <p className="ui-hint">{hint}</p>}
      {action}
    </div>
  );
}

/** Lines of about the height of what is to come, so that nothing jumps. */
export function LoadingState({ lines = 4 }: { lines?: number }) {
  const t = useText();
  return (
    <div className="ui-loading" role="status">
      <span className="unseen">{t("ui.loading")}</span>
      {Array.from({ length: lines }, (_, at) => <span key={at} className="skeleton ui-loading-line" aria-hidden="true" />)}
    </div>
  );
}

export function FailedState({ reason, onRetry, busy = false }: { reason: string; onRetry?: () => void; busy?: boolean }) {
  const t = useText();
  return (
    <div className="ui-state" role="alert">
      <WarnIcon />
      <p className="ui-state-title">{t("ui.failed")}</p>
      <p className="ui-hint">{reason}</p>
      {onRetry && <Button onClick={onRetry} busy={busy}>{t("ui.retry")}</Button>}
    </div>
  );
}

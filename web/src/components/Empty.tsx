// What stands where nothing is: a title, a hint, and what can be done.
import type { ReactNode } from "react";

interface Props {
  title: string;
  hint?: string | undefined;
  icon?: ReactNode;
  action?: ReactNode;
  alert?: boolean;
}

export function Empty({ title, hint, icon, action, alert = false }: Props) {
  return (
    <div className="empty" role={alert ? "alert" : undefined}>
      {icon}
      <p className="empty-title">{title}</p>
      {hint && <p className="empty-hint">{hint}</p>}
      {action}
    </div>
  );
}

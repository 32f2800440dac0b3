// The button under a list of pages: asks for the next one, and says when that failed.
import { useState } from "react";
import { useText } from "../hooks/app";
import { reasonOf } from "../services/problem";
import { Button } from "../ui/Button";

/** `load` gives where the page after the loaded one begins. */
export function More({ next, load }: { next: string | null; load: (before: string) => Promise<string | null | undefined> }) {
  const t = useText();
  const [at, setAt] = useState(next);
  const [busy, setBusy] = useState(false);
  const [reason, setReason] = useState<string | null>(null);
  if (at === null) return null;
  async function more(before: string) {
    setBusy(true);
    setReason(null);
    try {
      setAt((await load(before)) ?? null);
    } catch (error) {
      setReason(reasonOf(error));
    } finally {
      setBusy(false);
    }
  }
  return (
    <p className="more">
      {reason && <span className="form-problem" role="alert">{t("page.failed")} {reason}</span>}
      <Button busy={busy} onClick={() => void more(at)} data-testid="load-more">{t(busy ? "list.more" : "data.more")}</Button>
    </p>
  );
}

// Says that the list does not update by itself: the person sees more businesses than one page is told about.
import { useApp, usePick, useText } from "../hooks/app";
import { currentList } from "../state/lists";
import { listIsLive } from "../state/select";

export function NotLive() {
  const t = useText();
  const { loader } = useApp();
  const live = usePick(listIsLive);
  const one = usePick((state) => state.filter.tenant !== null);
  const busy = usePick((state) => currentList(state)?.phase === "loading");
  if (live) return null;
  return (
    <div className="not-live" role="note" data-testid="not-live">
      <p>{t(one ? "list.notLiveOne" : "list.notLive")}</p>
      <button type="button" className="small" disabled={busy} onClick={() => void loader.refresh()}>{t("list.refresh")}</button>
    </div>
  );
}

// Says that the link named a channel or a company that is not there, instead of showing another list without a word.
import { useApp, useText } from "../hooks/app";
import { useLink } from "../hooks/route";
import { CloseIcon } from "./Icons";

export function DroppedNote() {
  const t = useText();
  const { follow } = useApp();
  if (!useLink().dropped) return null;
  return (
    <div className="not-live" role="status" data-testid="dropped">
      <p>{t("gone.part")}</p>
      <button type="button" className="quiet square small" aria-label={t("notice.dismiss")} onClick={() => follow.forgetDropped()}><CloseIcon /></button>
    </div>
  );
}

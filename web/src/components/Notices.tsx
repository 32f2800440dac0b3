// Short words about what did not work; they go by themselves or by a click.
import { useApp, usePick, useText } from "../hooks/app";
import { CloseIcon } from "./Icons";

export function Notices() {
  const t = useText();
  const { desk } = useApp();
  const notices = usePick((state) => state.notices);
  return (
    <div className="notices" role="alert">
      {notices.map((notice) => (
        <p key={notice.id} className={`notice notice-${notice.tone}`}>
          <span>{notice.text}</span>
          <button type="button" className="quiet square" aria-label={t("notice.dismiss")} onClick={() => desk.dismiss(notice.id)}>
            <CloseIcon />
          </button>
        </p>
      ))}
    </div>
  );
}

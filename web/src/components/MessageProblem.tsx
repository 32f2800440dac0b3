// A message that failed, or whose outcome nobody knows: said in words, and sent again only on purpose.
import { useState } from "react";
import { useApp, usePick, useText } from "../hooks/app";
import { refusal } from "../i18n/refusal";
import { takesMessages } from "../state/select";
import type { Message } from "../api.gen";

export function MessageProblem({ message }: { message: Message }) {
  const t = useText();
  const { desk } = useApp();
  const [asking, setAsking] = useState(false);
  const possible = usePick((state) => takesMessages(state, message.conversation));
  const unknown = message.status === "unknown";
  // What was written elsewhere has no parts that could be sent again.
  const ours = message.author.kind === "manager" || message.author.kind === "responder";
  const { error } = message;
  const words = error
    ? t(unknown ? "message.unknownBecause" : "message.failed", { reason: refusal(t, error) })
    : t(unknown ? "message.unknown" : "message.failedPlain");
  const again = () => {
    setAsking(false);
    void desk.tryAgain(message.conversation, message.id, unknown);
  };
  return (
    <div className="problem" role="note">
      <p title={error?.reason}>{words}</p>
      {possible && ours && (
        asking ? (
          <p className="problem-acts">
            <strong>{t("message.againSure")}</strong>
            <button type="button" className="small primary" onClick={again}>{t("message.again")}</button>
            <button type="button" className="small" onClick={() => setAsking(false)}>{t("message.cancel")}</button>
          </p>
        ) : (
          <button type="button" className="small" onClick={() => (unknown ? setAsking(true) : again())} data-testid="send-again">
            {t("message.again")}
          </button>
        )
      )}
    </div>
  );
}

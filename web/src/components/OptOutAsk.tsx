// Asks before it is noted that a customer wants no messages, or wants them again.
import { useText } from "../hooks/app";
import "../i18n/rules";
import { Confirm } from "../ui/Dialog";

interface Props {
  name: string;
  optedOut: boolean;
  onClose: () => void;
  onConfirm: () => void;
}

export function OptOutAsk({ name, optedOut, onClose, onConfirm }: Props) {
  const t = useText();
  return (
    <Confirm open onClose={onClose} onConfirm={onConfirm} title={t(optedOut ? "optOut.liftAsk" : "optOut.ask", { name })}
      hint={t(optedOut ? "optOut.liftHint" : "optOut.askHint")} action={t(optedOut ? "optOut.lift" : "optOut.note")} danger={!optedOut} />
  );
}

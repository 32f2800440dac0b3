// A value that a person takes elsewhere: read, selected and copied, not changed.
import { useState } from "react";
import { useText } from "../hooks/app";
import { Button } from "../ui/Button";
import { TextField } from "../ui/Field";

export function CopyField({ label, value, hint, isSecret = false }: { label: string; value: string; hint: string; isSecret?: boolean }) {
  const t = useText();
  const [copied, setCopied] = useState(false);
  return (
    <TextField label={label} hint={hint} required readOnly type={isSecret ? "password" : "text"} value={value} dir="ltr" autoComplete="off"
      onFocus={(event) => event.currentTarget.select()}
      end={<Button onClick={() => void navigator.clipboard?.writeText(value).then(() => setCopied(true))}>{t(copied ? "channels.copied" : "channels.copy")}</Button>} />
  );
}

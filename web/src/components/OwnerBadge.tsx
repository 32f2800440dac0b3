// Who answers a conversation now, in one word.
import { useText } from "../hooks/app";
import type { Owner } from "../api.gen";
import { PersonIcon, SparkIcon, WaitIcon } from "./Icons";

const icons = { ai: SparkIcon, human: PersonIcon, nobody: WaitIcon };

export function OwnerBadge({ owner, name }: { owner: Owner; name: string | null }) {
  const t = useText();
  const Icon = icons[owner];
  const text = owner === "ai" ? t("owner.ai") : owner === "nobody" ? t("owner.nobody") : (name ?? t("owner.person"));
  return (
    <span className={`owner owner-${owner}`}>
      <Icon size={12} />
      <span>{text}</span>
    </span>
  );
}

// What a link is used by: its address to copy, its QR code, and how often it was followed.
import { useText } from "../hooks/app";
import { useMedia } from "../hooks/media";
import type { Link } from "../api.gen";
import { ButtonLink } from "../ui/Button";
import { CopyField } from "./CopyField";

export function LinkCard({ link, base }: { link: Link; base: string }) {
  const t = useText();
  const [qr] = useMedia(`/api/v1/links/${link.id}/qr`);
  return (
    <section className="card link-card" data-testid="link-card">
      <CopyField label={t("links.address")} value={base + link.code} hint={t("links.addressHint")} />
      <p className="link-counts"><strong>{t("links.visits", { count: link.visits })}</strong> · <strong>{t("links.chats", { count: link.chats })}</strong></p>
      {qr.phase === "ready" && (
        <>
          <img className="link-qr" src={qr.url} width={192} height={192} alt={t("links.qr", { name: link.name })} data-testid="link-qr" />
          <div><ButtonLink href={qr.url} download={`${link.code}.svg`}>{t("links.save")}</ButtonLink></div>
        </>
      )}
    </section>
  );
}

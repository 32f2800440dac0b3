// Locations and contact cards. The provider's data is read with care: what is not there is left out.
import { useText } from "../hooks/app";
import { PersonIcon, PinIcon } from "./Icons";

type Data = Record<string, unknown> | null;

export function LocationCard({ data }: { data: Data }) {
  const t = useText();
  const { latitude, longitude } = data ?? {};
  const known = typeof latitude === "number" && typeof longitude === "number";
  const title = word(data?.["title"]) ?? word(data?.["name"]) ?? t("kind.location");
  const place = known ? `${latitude.toFixed(5)}, ${longitude.toFixed(5)}` : word(data?.["address"]);
  return (
    <p className="file">
      <PinIcon />
      <span><strong dir="auto">{title}</strong>{place && <small>{place}</small>}</span>
      {known && (
        <a href={`https://www.openstreetmap.org/?mlat=${latitude}&mlon=${longitude}#map=16/${latitude}/${longitude}`}
          target="_blank" rel="noopener noreferrer">{t("location.open")}</a>
      )}
    </p>
  );
}

export function ContactCards({ data }: { data: Data }) {
  const t = useText();
  const list = Array.isArray(data?.["contacts"]) ? (data["contacts"] as unknown[]) : [data];
  return list.map((entry, index) => {
    const card = (entry ?? {}) as Record<string, unknown>;
    const name = word(card["name"]) ?? word(card["full_name"]) ?? word(card["first_name"]) ?? t("kind.contacts");
    const phones = [card["phone"], card["phone_number"], ...(Array.isArray(card["phones"]) ? card["phones"] : [])]
      .map((one) => word(one) ?? word((one as Record<string, unknown> | null)?.["phone"]))
      .filter((one): one is string => one !== null);
    return (
      <p key={index} className="file">
        <PersonIcon size={22} />
        <span>
          <strong dir="auto">{name}</strong>
          {phones.map((phone) => <small key={phone}><a href={`tel:${phone.replace(/[^\d+]/g, "")}`}>{phone}</a></small>)}
        </span>
      </p>
    );
  });
}

function word(value: unknown): string | null {
  return typeof value === "string" && value.trim() ? value : null;
}

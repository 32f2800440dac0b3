// How the place where a contact writes is told to people. Pure.
import type { Card, CardIdentity, Merge } from "../api.gen";

const memberOf = (card: Card, contact: string) => [...card.members, ...card.asked].find(({ id }) => id === contact);

/** A number or an address where there is one: the id of a mail thread tells nobody anything. */
export function identityWords(card: Card, { contact, channel_kind, phone, id }: CardIdentity): string {
  return phone ?? (channel_kind === "gmail" ? memberOf(card, contact)?.handle : null) ?? id;
}

/** Who was made one by a merge, as far as the card knows them. */
export function mergedNames(card: Card, { contact, into }: Pick<Merge, "contact" | "into">): string {
  const names = [contact, into].map((one) => memberOf(card, one)).map((one) => one?.name ?? one?.handle ?? null);
  return names.filter((name) => name !== null).join(" + ");
}

// The kinds of channels and the settings of apps, as the server describes them, and their words. A kind that this page has no
// words for is shown by the server's own.
import { useCallback } from "react";
import type { ChannelKind, SettingField } from "../api.gen";
import { enConnect } from "../i18n/en_connect";
import { enPages } from "../i18n/en_pages";
import type { Key, Text } from "../i18n/text";
import { useCalls, useData, type Data } from "./data";

export function useKinds(): Data<ChannelKind[]> {
  const calls = useCalls();
  return useData(useCallback(() => calls.kinds(), [calls]));
}

const isKey = (key: string): key is Key => Object.hasOwn(enConnect, key) || Object.hasOwn(enPages, key);

/** The words of a key that may be of something newer than this page. */
export const known = (t: Text, key: string): string | null => (isKey(key) ? t(key) : null);

/** Whose field it is decides about its words: an app and a channel may call different things alike. */
export type FieldsOf = "credential" | "appSetting";

export function fieldLabel(t: Text, of: FieldsOf, { name }: SettingField): string {
  return known(t, of === "credential" ? `credential.${name}` : `appSetting.${name}`) ?? name;
}

export function fieldHint(t: Text, of: FieldsOf, { name, help }: SettingField): string {
  return known(t, of === "credential" ? `credentialHint.${name}` : `appSettingHint.${name}`) ?? help;
}

export const kindName = (t: Text, kind: string): string => known(t, `connect.kind.${kind}`) ?? kind;
/** What a provider says of an account: the codes of a session's state in words, everything else as it is. */
export const detailWords = (t: Text, detail: string | null | undefined): string | null => (detail ? known(t, `channels.detail.${detail}`) ?? detail : null);

/** A name that no channel has yet, so that two phones can be told apart from the beginning. */
export function freshName(base: string, taken: readonly string[]): string {
  const has = new Set(taken);
  let name = base;
  for (let number = 2; has.has(name); number += 1) name = `${base} ${number}`;
  return name;
}

/** Where people sign in. */
export const placeName = (t: Text, kind: string): string => known(t, `connect.place.${kind}`) ?? kind;
export const needOf = (t: Text, kind: string): string | null => known(t, `connect.need.${kind}`);

export function stepsOf(t: Text, kind: string): string[] {
  return [`connect.first.${kind}`, `connect.second.${kind}`, `connect.third.${kind}`].flatMap((key) => known(t, key) ?? []);
}

/** In the order of use. */
const abilities = ["reply", "buttons", "reactions", "templates", "typing", "receipts", "echoes", "history"] as const;

export function abilitiesOf(t: Text, { abilities: has }: ChannelKind): string[] {
  return abilities.filter((one) => has[one]).map((one) => t(`ability.${one}`));
}

/** Put there by signing in and renewing. */
const noted = ["access_expires_at_ms", "granted_by"];

/** What a person fills in. Signing in and renewing put the rest there: when a token ends, who gave it, and those that are renewed. */
export function fieldsOf({ credentials, sign_in }: ChannelKind): SettingField[] {
  return credentials.filter(({ name, secret, required }) => !noted.includes(name) && !(sign_in && secret && !required));
}

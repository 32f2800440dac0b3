// Why a file is not taken, in words that say what to do. The server's own words are told where these do not know them. Pure.
import { reasonWords } from "../i18n/refusal";
import type { Key, Text } from "../i18n/text";
import { pageLeft } from "../services/uploads";

const kinds: Record<string, Key> = {
  image: "kind.image", audio: "kind.audio", voice: "kind.voice", video: "kind.video", document: "kind.document",
};
const tooBig = /takes a file of this kind \((\w+)\) up to (\d+) MiB: (send it as a document)?/;
const tooBigForAny = /takes files up to (\d+) MiB|at most (\d+) MiB are taken/;
const unfit = /does not take (\S+): convert it to (.+)$/;
const noAddress = /fetches files from this server, which has no public address/;

/** As people call it: `image/jpeg` is JPEG. */
const plainType = (type: string): string => (type.split("/").pop() ?? type).replace(/^(x-|vnd\.)/, "").toUpperCase();

export interface NotTaken {
  words: string;
  /** As a document the channel takes it. */
  asDocument: boolean;
}

export function notTaken(t: Text, reason: string): NotTaken {
  const [, kind = "", most = "", asDocument] = tooBig.exec(reason) ?? [];
  if (most) {
    const name = Object.hasOwn(kinds, kind) ? t(kinds[kind]!) : kind;
    return { words: t(asDocument ? "attach.tooBigAsThat" : "attach.tooBig", { kind: name, most }), asDocument: Boolean(asDocument) };
  }
  const limit = tooBigForAny.exec(reason);
  const [, type, types = ""] = unfit.exec(reason) ?? [];
  const words = reason === pageLeft ? t("attach.pageLeft")
    : type ? t("attach.unfit", { type: plainType(type), types: types.split(" or ").flatMap((one) => one.split(", ")).map(plainType).join(", ") })
    : limit ? t("attach.tooBigForAny", { most: limit[1] ?? limit[2]! })
    : reason.includes("the file is empty") ? t("attach.empty")
    : noAddress.test(reason) ? t("attach.noAddress")
    : t("attach.failed", { reason: reasonWords(t, reason) });
  return { words, asDocument: false };
}

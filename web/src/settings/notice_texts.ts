// The languages of a privacy notice, and what is wrong with its texts before the server is asked. Pure.
import type { Text } from "../i18n/text";

/** The server's bound, in characters. */
const longest = 4_000;
/** What a pattern leaves to be filled in: nothing here fills it, and customers would read it so. */
const placeholder = /\{+[^{}\n]{1,40}\}+|\[[^[\]\n]{0,10}(?:name|company|date|имя|название|компани)[^[\]\n]{0,20}\]|<[\p{L} _]{1,40}>/iu;
const offered = ["en", "ru", "es", "pt", "de", "fr", "it", "pl", "tr", "uk", "kk", "ar", "he", "hi", "id", "vi", "th", "ja", "zh", "ko", "nl", "cs", "ro", "sv", "el", "ka", "hy", "fa", "ur", "be", "bg", "sr", "ky"];

export function languageName(t: Text, language: string): string {
  return new Intl.DisplayNames(t.language, { type: "language" }).of(language) ?? language;
}

export const languagesToAdd = (has: readonly string[]): string[] => offered.filter((one) => !has.includes(one));

export function noticeProblems(t: Text, texts: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(texts).flatMap(([language, text]) => {
    const what = placeholder.exec(text)?.[0];
    const problem = text.trim() === "" ? t("notice.empty") : [...text].length > longest ? t("notice.long")
      : what !== undefined ? t("notice.placeholder", { what }) : null;
    return problem === null ? [] : [[`texts.${language}`, problem]];
  }));
}

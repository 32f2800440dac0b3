// What is wrong with the texts of a privacy notice before anybody is told it.
import { expect, it } from "vitest";
import "../i18n/rules";
import { makeText } from "../i18n/text";
import { noticeProblems } from "./notice_texts";

const t = makeText("en");
const problem = (text: string) => noticeProblems(t, { en: text })["texts.en"];

it("finds what a pattern left to be filled in, and leaves sentences alone", () => {
  for (const left of ["We are {company}.", "We are {{1}}.", "Write to [company name].", "Мы — [название компании].", "Valid from <date>."]) {
    expect(problem(left), left).toContain("is not filled in");
  }
  for (const fine of ["We keep it for two years: https://example.com/privacy?a[0]=1", "Prices < 5 and > 2", "See [1] below.", "Mail us at a@example.com"]) {
    expect(problem(fine), fine).toBeUndefined();
  }
  expect(problem(" ")).toBe(t("notice.empty"));
  expect(problem("x".repeat(4_001))).toBe(t("notice.long"));
});

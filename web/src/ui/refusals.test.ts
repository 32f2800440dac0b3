import { expect, it } from "vitest";
import { RequestError } from "../services/problem";
import { refusalOf } from "./refusals";

it("a refusal stands at its field where the form has it, and says the field where it has not", () => {
  const has = (field: string) => field === "name";
  const refused = (field: string | null) => refusalOf(new RequestError(400, "invalid", "is too long", field), has);
  expect(refused("name")).toEqual({ field: "name", words: "is too long" });
  expect(refused("settings.quiet_ms")).toEqual({ field: null, words: "settings.quiet_ms: is too long" });
  expect(refused(null)).toEqual({ field: null, words: "is too long" });
  expect(refusalOf("broken", has)).toEqual({ field: null, words: "broken" });
});

// The server of `npm run scale` answers as the real one: with everything that the API's description requires.
/// <reference types="node" />
import { fork } from "node:child_process";
import { once } from "node:events";
import { expect, it } from "vitest";
import description from "../openapi.json";
import { resolve, type Schema, type Spec } from "./docs/spec";

const spec = description as unknown as Spec;

/** The required fields that are not there, by their path. */
function missing(schema: Schema, value: unknown, at: string): string[] {
  if (value === null || typeof value !== "object") return [];
  const whole = resolve(spec, schema);
  if (Array.isArray(value)) return value.slice(0, 3).flatMap((item, n) => missing(whole.items ?? {}, item, `${at}[${n}]`));
  const own = value as Record<string, unknown>;
  const choices = (whole.oneOf ?? []).map((one) => missing(one, value, at));
  return [
    ...(whole.required ?? []).filter((name) => !(name in own)).map((name) => `${at}.${name}`),
    ...Object.entries(whole.properties ?? {}).flatMap(([name, one]) => missing(one, own[name], `${at}.${name}`)),
    ...(choices.sort((a, b) => a.length - b.length)[0] ?? []),
  ];
}

it("answers with all that is required", async () => {
  const stub = fork(new URL("../e2e/scale/stub.mjs", import.meta.url), ["dist", "20"]);
  try {
    const [{ url, first }] = (await once(stub, "message")) as [{ url: string; first: string }];
    const wrong = [];
    for (const [path, schema] of [
      ["inbox", "InboxAnswer"], ["inbox/counts", "CountsAnswer"], ["channels", "Channels"], ["companies", "Companies"], ["users", "People"],
      ["labels", "Labels"], ["me", "Profile"], ["session/refresh", "Session"], [`conversations/${first}`, "InboxItem"],
      [`conversations/${first}/messages`, "MessagesAnswer"],
    ] as const) {
      expect(Object.keys(spec.components.schemas), path).toContain(schema);
      wrong.push(...missing({ $ref: `#/components/schemas/${schema}` }, await (await fetch(`${url}/api/v1/${path}`)).json(), path));
    }
    expect(wrong).toEqual([]);
  } finally {
    stub.kill();
  }
});

// The API browser's reading of the description: the one of this server, and the corners of the format.
import { describe, expect, it } from "vitest";
import description from "../../openapi.json";
import { example, fill, groups, inner, resolve, typeName, type Entry, type Spec } from "./spec";

const spec = description as unknown as Spec;
const all = groups(spec).flatMap(([, entries]) => entries);

describe("the API's description", () => {
  it("is read whole", () => {
    const operations = Object.values(spec.paths).flatMap((ways) => Object.values(ways)).filter(({ operationId }) => operationId);
    expect(all.length).toBe(operations.length);
    expect(new Set(all.map(({ operationId }) => operationId)).size).toBe(all.length);
    for (const { operationId, summary } of all) expect(summary, operationId).toBeTruthy();
  });

  it("gives every body an example that has what is required", () => {
    for (const { operationId, requestBody } of all) {
      const schema = requestBody?.content["application/json"]?.schema;
      if (!schema) continue;
      const made = example(spec, schema);
      const whole = resolve(spec, schema);
      for (const field of whole.required ?? []) expect(made, operationId).toHaveProperty(field);
    }
  });

  it("names types", () => {
    expect(typeName({ $ref: "#/components/schemas/Message" })).toBe("Message");
    expect(typeName({ type: "array", items: { $ref: "#/x/Message" } })).toBe("Message[]");
    expect(typeName({ type: ["string", "null"], format: "uuid" })).toBe("string (uuid) | null");
    expect(typeName({ enum: ["a", "b"] })).toBe('"a" | "b"');
    expect(typeName({})).toBe("any");
  });

  it("ends in a shape that holds itself", () => {
    const loop: Spec = { info: { title: "", version: "" }, paths: {}, components: { schemas: { A: { type: "object", required: ["a"], properties: { a: { $ref: "#/A" } } } } } };
    expect(JSON.stringify(example(loop, { $ref: "#/A" })).length).toBeLessThan(100);
    expect(inner(loop, { items: { $ref: "#/A" } })?.properties).toBeDefined();
    expect(inner(loop, { type: "string" })).toBeNull();
  });

  it("fills addresses in", () => {
    const entry = { path: "/a/{id}/b", parameters: [{ name: "id", in: "path" }, { name: "limit", in: "query" }, { name: "at", in: "query" }] } as Entry;
    expect(fill(entry, { id: "x/y", limit: "5", at: "" })).toBe("/a/x%2Fy/b?limit=5");
  });
});

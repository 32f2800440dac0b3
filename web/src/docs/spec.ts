// The API's description (OpenAPI 3.1) as the browser of it reads it: names of types, fields of a shape, an example.

export interface Schema {
  $ref?: string;
  type?: string | string[];
  format?: string;
  enum?: unknown[];
  default?: unknown;
  description?: string;
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
  oneOf?: Schema[];
  allOf?: Schema[];
  additionalProperties?: Schema | boolean;
}

type Content = Record<string, { schema?: Schema }>;

export interface Parameter {
  name: string;
  in: "path" | "query" | "header";
  required?: boolean;
  description?: string;
  schema?: Schema;
}

export interface Operation {
  operationId: string;
  summary?: string;
  description?: string;
  tags?: string[];
  parameters?: Parameter[];
  requestBody?: { content: Content };
  responses: Record<string, { description?: string; content?: Content }>;
}

export interface Spec {
  info: { title: string; version: string; description?: string };
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, Schema> };
}

export interface Entry extends Operation {
  method: string;
  path: string;
}

const methods = ["get", "post", "patch", "put", "delete"];

/** Operations by their tag, in the order of the description. */
export function groups(spec: Spec): [string, Entry[]][] {
  const found = new Map<string, Entry[]>();
  for (const [path, ways] of Object.entries(spec.paths)) {
    for (const method of methods) {
      const operation = ways[method];
      if (!operation) continue;
      const tag = operation.tags?.[0] ?? "other";
      found.set(tag, [...(found.get(tag) ?? []), { ...operation, method, path }]);
    }
  }
  return [...found];
}

const named = (ref: string) => ref.slice(ref.lastIndexOf("/") + 1);

/** One step: what a reference means, with all parts of `allOf` in one. */
export function resolve(spec: Spec, schema: Schema): Schema {
  if (schema.$ref !== undefined) return resolve(spec, spec.components.schemas[named(schema.$ref)] ?? {});
  if (!schema.allOf) return schema;
  const parts = schema.allOf.map((part) => resolve(spec, part));
  return {
    ...schema,
    type: schema.type ?? "object",
    properties: Object.assign({}, ...parts.map(({ properties }) => properties), schema.properties) as Record<string, Schema>,
    required: [...parts.flatMap(({ required = [] }) => required), ...(schema.required ?? [])],
  };
}

/** The type in a few characters: `string (uuid)`, `Message[]`, `"a" | "b"`. */
export function typeName(schema: Schema): string {
  if (schema.$ref !== undefined) return named(schema.$ref);
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(" | ");
  if (schema.oneOf) return schema.oneOf.map(typeName).join(" | ");
  if (schema.items) return `${typeName(schema.items)}[]`;
  if (typeof schema.additionalProperties === "object") return `{ …: ${typeName(schema.additionalProperties)} }`;
  const types = [schema.type ?? (schema.properties ? "object" : "any")].flat();
  return types.map((type) => (schema.format && type !== "null" ? `${type} (${schema.format})` : type)).join(" | ");
}

/** The shape that is inside: of an array its items, of something that may be null the other. Null if there is none. */
export function inner(spec: Spec, schema: Schema): Schema | null {
  if (schema.items) return inner(spec, schema.items);
  if (typeof schema.additionalProperties === "object") return inner(spec, schema.additionalProperties);
  const whole = resolve(spec, schema);
  if (whole.oneOf) {
    const others = whole.oneOf.filter(({ type }) => type !== "null");
    return others.length === 1 && others[0] ? inner(spec, others[0]) : whole;
  }
  return whole.properties && Object.keys(whole.properties).length > 0 ? whole : null;
}

/** A body to begin with: the required fields, and what is optional only if nothing is required. */
export function example(spec: Spec, schema: Schema, depth = 0): unknown {
  const whole = resolve(spec, schema);
  if (whole.default !== undefined) return whole.default;
  if (whole.enum) return whole.enum[0];
  if (whole.oneOf?.[0]) return example(spec, whole.oneOf.find(({ type }) => type !== "null") ?? whole.oneOf[0], depth);
  if (whole.properties && depth < 4) {
    const required = whole.required ?? [];
    const fields = Object.entries(whole.properties).filter(([name]) => required.length === 0 || required.includes(name));
    return Object.fromEntries(fields.map(([name, field]) => [name, example(spec, field, depth + 1)]));
  }
  const type = [whole.type ?? "object"].flat()[0];
  if (type === "string") return whole.format === "uuid" ? "00000000-0000-0000-0000-000000000000" : "";
  if (type === "integer" || type === "number") return 0;
  if (type === "boolean") return false;
  return type === "array" ? [] : type === "null" ? null : {};
}

/** The address with its parameters filled in; empty ones of the query are left out. */
export function fill({ path, parameters = [] }: Entry, values: Record<string, string>): string {
  let filled = path;
  const query = new URLSearchParams();
  for (const { name, in: place } of parameters) {
    const value = values[name] ?? "";
    if (place === "path") filled = filled.replace(`{${name}}`, encodeURIComponent(value));
    else if (place === "query" && value !== "") query.set(name, value);
  }
  return query.size > 0 ? `${filled}?${query.toString()}` : filled;
}

// Writes src/operations.gen.ts from openapi.json: what each operation of the server needs. With --check it refuses a
// stale one.
import { readFileSync, writeFileSync } from "node:fs";

const file = new URL("src/operations.gen.ts", import.meta.url);
const { "x-operations": operations } = JSON.parse(readFileSync(new URL("openapi.json", import.meta.url), "utf8"));
const lines = Object.entries(operations).map(([name, { needs }]) => `  "${name}": "${needs}",`);
const text = `// Made from openapi.json by \`npm run wire\`: the permission that each operation of the server needs.
import type { Permission } from "./api.gen";

export const needs = {
${lines.join("\n")}
} as const satisfies Record<string, Permission>;

export type Operation = keyof typeof needs;
`;

if (!process.argv.includes("--check")) {
  writeFileSync(file, text);
} else if (readFileSync(file, "utf8") !== text) {
  console.error("src/operations.gen.ts is stale: run 'make wire' and commit what changes");
  process.exit(1);
}

// What imports what: no module reaches itself over others, and the folders stand in one order. Read from the import lines.
import { describe, expect, it } from "vitest";

const texts = import.meta.glob<string>("./**/*.{ts,tsx}", { query: "?raw", import: "default", eager: true });
const isCode = (path: string) => !path.endsWith(".test.ts") && !path.endsWith(".gen.ts");

/** The modules of ours that a module names, types among them: they tie files together as well. */
function imports(path: string, text: string): string[] {
  const folder = path.split("/").slice(0, -1);
  return [...text.matchAll(/(?:from|import)\s*\(?\s*"(\.[^"]+)"/g)].flatMap(([, name = ""]) => {
    const parts = [...folder];
    for (const part of name.split("/")) {
      if (part === "..") parts.pop();
      else if (part !== ".") parts.push(part);
    }
    const found = parts.join("/");
    return [found, `${found}.ts`, `${found}.tsx`].filter((one) => one in texts);
  });
}

const graph = new Map(
  Object.entries(texts).filter(([path]) => isCode(path)).map(([path, text]) => [path, imports(path, text)]),
);

/** The ways from a node back to itself, one for each circle that is met first. */
export function circles(of: ReadonlyMap<string, readonly string[]>): string[] {
  const found: string[] = [];
  const done = new Set<string>();
  const walk = (node: string, way: readonly string[]): void => {
    const at = way.indexOf(node);
    if (at >= 0) {
      found.push([...way.slice(at), node].join(" → "));
      return;
    }
    if (done.has(node)) return;
    for (const next of of.get(node) ?? []) walk(next, [...way, node]);
    done.add(node);
  };
  for (const node of of.keys()) walk(node, []);
  return found;
}

describe("imports", () => {
  it("finds a circle", () => {
    const looped = new Map([["a", ["b"]], ["b", ["c"]], ["c", ["b"]]]);
    expect(circles(looped)).toEqual(["b → c → b"]);
  });

  it("has no circle between modules", () => {
    expect(graph.size).toBeGreaterThan(80);
    expect(circles(graph)).toEqual([]);
  });

  it("has no circle between folders", () => {
    const folder = (path: string) => path.split("/").slice(1, -1).join("/");
    const between = new Map<string, string[]>();
    for (const [path, names] of graph) {
      const from = folder(path);
      if (from === "") continue;
      const others = names.map(folder).filter((name) => name !== from && name !== "");
      between.set(from, [...(between.get(from) ?? []), ...others]);
    }
    expect(circles(between)).toEqual([]);
  });
});

// Styles follow the direction of the text: properties that name left and right are refused, and so are shorthands of
// four values whose second and fourth differ.
import { describe, expect, it } from "vitest";

const sheets = {
  ...import.meta.glob<string>("../**/*.css", { query: "?raw", import: "default", eager: true }),
  ...import.meta.glob<string>("../../docs/*.css", { query: "?raw", import: "default", eager: true }),
};

/** Selectors that may: with what makes them the exception. */
const letIn: Record<string, string> = {
  ".connection-bar": "is centred over the thread",
  ".side-head": "is evened out with the shell",
  ".notice": "is evened out with the shell",
  ".side": "its line is at the end of the row",
  ".menu": "hangs at the corner of the screen",
  ".notices": "stands in the corner of the screen",
};

const physical = /^(?:left|right|(?:margin|padding|border|scroll-margin|scroll-padding)-(?:left|right)(?:-(?:width|style|color))?|border-(?:top|bottom)-(?:left|right)-radius)$/;
const four = /^(?:inset|margin|padding|scroll-margin|scroll-padding|border-(?:width|color|style))$/;

/** Declarations that would stand on the wrong side where text runs from right to left, as "selector { declaration }". */
export function physicalIn(css: string): string[] {
  const found: string[] = [];
  const plain = css.replace(/\/\*[\s\S]*?\*\//g, "");
  for (const [, selector = "", body = ""] of plain.matchAll(/([^{}]+)\{([^{}]*)\}/g)) {
    for (const declaration of body.split(";").map((part) => part.trim()).filter(Boolean)) {
      const [name = "", ...rest] = declaration.split(":").map((part) => part.trim());
      const value = rest.join(":");
      const values = value.match(/(?:[^\s(]|\((?:[^()]|\([^()]*\))*\))+/g) ?? [];
      const isWrong = physical.test(name) || (four.test(name) && values.length === 4 && values[1] !== values[3])
        || (/^(?:text-align|float|clear)$/.test(name) && /^(?:left|right)$/.test(value));
      if (isWrong) found.push(`${selector.trim()} { ${declaration} }`);
    }
  }
  return found;
}

const isLetIn = (found: string) => {
  const selector = found.slice(0, found.indexOf(" {"));
  return Object.keys(letIn).some((names) => names === selector) || selector.startsWith("[dir=\"rtl\"]");
};

describe("styles", () => {
  it("know left and right when they see them", () => {
    const css = ".a { margin-left: 1px; /* left: 0 */ text-align: left } @media (x) { .b { padding: 1px 2px 3px calc(1px + (2px)); inset: 0 1px 0 1px; } .c { text-align: start; left: 0; } }";
    expect(physicalIn(css)).toEqual([".a { margin-left: 1px }", ".a { text-align: left }", ".b { padding: 1px 2px 3px calc(1px + (2px)) }", ".c { left: 0 }"]);
  });

  it("use logical properties", () => {
    // A test run that leaves styles out would find nothing wrong in them.
    expect(Object.values(sheets).filter((css) => css.includes("{")).length).toBeGreaterThan(12);
    const found = Object.entries(sheets).flatMap(([path, css]) => physicalIn(css).filter((one) => !isLetIn(one)).map((one) => `${path}: ${one}`));
    expect(found).toEqual([]);
  });
});

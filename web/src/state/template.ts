// A provider's templates: what has to be filled in, what the customer will read, and what is sent. Pure.
import type { OutTemplate, TemplateView } from "../api.gen";

/** One value that is to be filled in. */
export interface Slot {
  /** Its name in the form: `body.1`, `header.name`, `button.0`. */
  id: string;
  part: "header" | "body" | "button";
  /** `1`, `name`; the kind of file of a header that is one; the title of a button. */
  name: string;
  /** An address of a file is wanted. */
  isFile: boolean;
}

export interface Shown {
  header: string;
  body: string;
  footer: string;
  buttons: string[];
}

type Part = TemplateView["components"][number];
export type Filled = Readonly<Record<string, string>>;

const files = ["IMAGE", "VIDEO", "DOCUMENT"];

const word = (value: unknown): string => (typeof value === "string" ? value : "");
const is = (part: Part, kind: string): boolean => word(part["type"]).toUpperCase() === kind;
const partOf = ({ components }: TemplateView, kind: string): Part | undefined => components.find((part) => is(part, kind));
const fileOf = (part: Part | undefined): string | null => files.find((format) => format === word(part?.["format"]).toUpperCase()) ?? null;

export const isApproved = ({ state }: TemplateView): boolean => state.toUpperCase() === "APPROVED";
export const keyOf = ({ name, language }: TemplateView): string => `${name} ${language}`;

/** The names in `{{…}}`, each once, in the order of the text; numbered ones by their numbers. */
export function placeholders(text: string): string[] {
  const found = [...new Set([...text.matchAll(/\{\{(.*?)\}\}/gs)].map(([, name]) => name!))];
  return found.every((name) => /^\d+$/.test(name)) ? found.sort((a, b) => Number(a) - Number(b)) : found;
}

function buttonsOf(template: TemplateView): Part[] {
  const buttons = partOf(template, "BUTTONS")?.["buttons"];
  return Array.isArray(buttons) ? buttons.filter((one): one is Part => typeof one === "object" && one !== null) : [];
}

export function slotsOf(template: TemplateView): Slot[] {
  const header = partOf(template, "HEADER");
  const file = fileOf(header);
  const texts = (["header", "body"] as const).flatMap((part) =>
    placeholders(word(partOf(template, part.toUpperCase())?.["text"])).map((name) => ({ id: `${part}.${name}`, part, name, isFile: false })));
  return [
    ...(file ? [{ id: "header.file", part: "header" as const, name: file, isFile: true }] : []),
    ...texts,
    ...buttonsOf(template).flatMap((button, index) => (placeholders(word(button["url"])).length === 0 ? []
      : [{ id: `button.${index}`, part: "button" as const, name: word(button["text"]), isFile: false }])),
  ];
}

/** What is not filled in stays as it is named. */
export function shown(template: TemplateView, values: Filled): Shown {
  const text = (part: "header" | "body" | "footer") => word(partOf(template, part.toUpperCase())?.["text"])
    .replace(/\{\{(.*?)\}\}/gs, (whole, name: string) => values[`${part}.${name}`]?.trim() || whole);
  return { header: text("header"), body: text("body"), footer: text("footer"), buttons: buttonsOf(template).map((one) => word(one["text"])).filter(Boolean) };
}

/** As the customer will read it, in one text. */
export function textOf(template: TemplateView, values: Filled): string {
  const { header, body, footer } = shown(template, values);
  return [header, body, footer].filter(Boolean).join("\n");
}

export function outTemplate(template: TemplateView, values: Filled): OutTemplate {
  const slots = slotsOf(template);
  const value = ({ id }: Slot) => values[id]?.trim() ?? "";
  const parameter = (slot: Slot) => {
    const kind = slot.name.toLowerCase();
    if (slot.isFile) return { type: kind, [kind]: { link: value(slot) } };
    return { type: "text", ...(slot.part !== "button" && !/^\d+$/.test(slot.name) && { parameter_name: slot.name }), text: value(slot) };
  };
  const parts = (["header", "body"] as const).flatMap((part) => {
    const own = slots.filter((slot) => slot.part === part);
    return own.length === 0 ? [] : [{ type: part, parameters: own.map(parameter) }];
  });
  const buttons = slots.filter(({ part }) => part === "button")
    .map((slot) => ({ type: "button", sub_type: "url", index: slot.id.slice("button.".length), parameters: [parameter(slot)] }));
  return { name: template.name, language: template.language, components: [...parts, ...buttons] };
}

/** Those that hold every word; the ones that can be sent come first. */
export function searched(templates: readonly TemplateView[], text: string): TemplateView[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const has = (one: TemplateView) => {
    const all = `${one.name} ${one.language} ${one.category} ${textOf(one, {})}`.toLowerCase();
    return words.every((part) => all.includes(part));
  };
  return templates.filter(has).sort((a, b) =>
    Number(isApproved(b)) - Number(isApproved(a)) || (keyOf(a) < keyOf(b) ? -1 : 1));
}

/** The field that a refusal of the server is about, and its words. */
export function refusedSlot(slots: readonly Slot[], reason: string): { id: string | null; words: string } {
  const words = reason.replace(/^template(?:\.\w+)?: /, "");
  const part = /^the (header|body) takes/.exec(words)?.[1];
  const named = /give `(.+?)`/.exec(words)?.[1];
  const own = slots.filter((slot) => slot.part === part);
  return { id: (own.find(({ name }) => name === named) ?? own[0])?.id ?? null, words };
}

import { describe, expect, it } from "vitest";
import type { TemplateView } from "../api.gen";
import { outTemplate, placeholders, refusedSlot, searched, shown, slotsOf, textOf } from "./template";

const view = (components: TemplateView["components"], change: Partial<TemplateView> = {}): TemplateView =>
  ({ name: "order_ready", language: "en", category: "UTILITY", state: "APPROVED", fetched_at: 0, components, ...change });

const order = view([
  { type: "HEADER", format: "TEXT", text: "Order {{1}}" },
  { type: "BODY", text: "{{2}}, your order {{1}} is ready. Ask for {{2}}." },
  { type: "FOOTER", text: "Lantern Shop" },
  { type: "BUTTONS", buttons: [{ type: "URL", text: "Track", url: "https://example.com/{{1}}" }, { type: "QUICK_REPLY", text: "Thanks" }] },
]);

describe("a template", () => {
  it("asks for each placeholder once, numbered ones in their order", () => {
    expect(placeholders("{{2}} {{10}} {{1}} {{2}}")).toEqual(["1", "2", "10"]);
    expect(placeholders("{{name}}, {{day}}")).toEqual(["name", "day"]);
    expect(placeholders("none {{")).toEqual([]);
    expect(slotsOf(order).map(({ id }) => id)).toEqual(["header.1", "body.1", "body.2", "button.0"]);
  });

  const values = { "header.1": "42", "body.1": " 42 ", "body.2": "Ana", "button.0": "a42" };

  it("is shown as the customer reads it, and what is missing by its name", () => {
    expect(textOf(order, values)).toBe("Order 42\nAna, your order 42 is ready. Ask for Ana.\nLantern Shop");
    expect(shown(order, { "body.2": "$& {{1}}" }).body).toBe("$& {{1}}, your order {{1}} is ready. Ask for $& {{1}}.");
    expect(shown(order, {}).buttons).toEqual(["Track", "Thanks"]);
  });

  it("is sent in the provider's form", () => {
    const text = (value: string) => ({ type: "text", text: value });
    expect(outTemplate(order, values)).toEqual({
      name: "order_ready", language: "en",
      components: [
        { type: "header", parameters: [text("42")] },
        { type: "body", parameters: [text("42"), text("Ana")] },
        { type: "button", sub_type: "url", index: "0", parameters: [text("a42")] },
      ],
    });
    expect(outTemplate(view([{ type: "BODY", text: "Hello {{name}}" }]), { "body.name": "Ana" }).components)
      .toEqual([{ type: "body", parameters: [{ type: "text", parameter_name: "name", text: "Ana" }] }]);
    const picture = view([{ type: "HEADER", format: "IMAGE" }, { type: "BODY", text: "Look" }]);
    expect(outTemplate(picture, { "header.file": "https://example.com/a.png" }).components)
      .toEqual([{ type: "header", parameters: [{ type: "image", image: { link: "https://example.com/a.png" } }] }]);
    expect(outTemplate(view([{ type: "BODY", text: "Hi" }]), {}).components).toEqual([]);
  });

  it("is found by its words; those that can be sent come first", () => {
    const waits = view([{ type: "BODY", text: "Order soon" }], { name: "a_first", state: "PENDING" });
    const all = [waits, order, view([{ type: "BODY", text: "Заказ готов" }], { language: "ru" })];
    expect(searched(all, "").map(({ name, language }) => `${name} ${language}`)).toEqual(["order_ready en", "order_ready ru", "a_first en"]);
    expect(searched(all, " ORDER  soon")).toEqual([waits]);
    expect(searched(all, "заказ")).toHaveLength(1);
    expect(searched(all, "nowhere")).toEqual([]);
  });

  it("has refusals at their fields", () => {
    const slots = slotsOf(order);
    expect(refusedSlot(slots, "template.components: the body takes 2 values, not 1: give `2` as well").id).toBe("body.2");
    expect(refusedSlot(slots, "the header takes 0 values, not 1").id).toBe("header.1");
    expect(refusedSlot(slots, "template.name: order_ready is paused: choose one that is approved"))
      .toEqual({ id: null, words: "order_ready is paused: choose one that is approved" });
  });

  it("may be of any form", () => {
    const odd = view([{ type: 1 }, { type: "BODY", text: null }, { type: "BUTTONS", buttons: [null, "x", {}] }]);
    expect([slotsOf(odd), textOf(odd, {}), outTemplate(odd, {}).components]).toEqual([[], "", []]);
  });
});

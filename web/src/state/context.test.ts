import { describe, expect, it } from "vitest";
import type { Message } from "../api.gen";
import { contextOf, placeOf } from "./context";

const said = (data: unknown, deleted_at: number | null = null) => contextOf({ data, deleted_at } as Message);

describe("what is around a message", () => {
  it("has quoted words of a message that was never here", () => {
    expect(said({ quoted: { text: "Canvas bag 40 l, 35 EUR", author: "Demo Shop", kind: "text" } }).quoted)
      .toEqual({ text: "Canvas bag 40 l, 35 EUR", author: "Demo Shop", kind: "text", elsewhere: false });
    expect(said({ quoted: { kind: "image", elsewhere: true } }).quoted).toMatchObject({ text: null, elsewhere: true });
    expect(said({ quoted: { author: "Ana" } }).quoted).toBeNull();
  });

  it("shows addresses of the web, and no others", () => {
    const links = ["https://shop.example.com/p/8812", "HTTP://shop.example.com", "javascript:alert(1)", "data:text/html,x",
      "https://a b", 5].map((url) => ({ text: "this one", url }));
    expect(said({ links }).links.map((link) => link.url)).toEqual(["https://shop.example.com/p/8812", "HTTP://shop.example.com"]);
  });

  it("is nothing for damaged data and for what was taken back", () => {
    for (const data of [null, {}, { quoted: 5, links: "x", forwarded_from: {}, poll: [] }]) {
      expect(said(data)).toEqual({ forwardedFrom: null, quoted: null, links: [], poll: null });
    }
    expect(said({ forwarded_from: "Ana" }).forwardedFrom).toBe("Ana");
    expect(said({ forwarded: true }).forwardedFrom).toBe("");
    expect(said({ forwarded_from: "Ana" }, 5).forwardedFrom).toBeNull();
  });

  it("knows the places of a chat", () => {
    expect(placeOf(null)).toBeNull();
    expect(placeOf("topic:4242")).toEqual({ topic: "4242", business: false });
    expect(placeOf("business:bc1/topic:3")).toEqual({ topic: "3", business: true });
    expect(placeOf("anything")).toEqual({ topic: "anything", business: false });
  });
});

import { describe, expect, it } from "vitest";
import { Transports } from "./transports";

const url = "wss://hub.example.com/shop/connection/websocket";
const order = (one: Transports) => one.endpoints.map(({ transport }) => transport);
const answers = (ok: boolean) => () => Promise.resolve({ ok } as Response);

describe("the ways to the socket", () => {
  it("are beside each other, below a path as well", () => {
    const one = new Transports(url);
    expect(one.endpoints).toEqual([
      { transport: "websocket", endpoint: url },
      { transport: "http_stream", endpoint: "https://hub.example.com/shop/connection/http_stream" },
      { transport: "sse", endpoint: "https://hub.example.com/shop/connection/sse" },
    ]);
    expect(one.emulation).toBe("https://hub.example.com/shop/emulation");
  });

  it("take turns when one fails again and again although the server answers", async () => {
    const one = new Transports(url);
    expect(await one.gives(2, answers(true))).toBe(false);
    expect(await one.gives(3, answers(true))).toBe(true);
    expect(order(one)).toEqual(["http_stream", "sse", "websocket"]);
    expect(await one.gives(6, answers(true))).toBe(true);
    expect(await one.gives(9, answers(true))).toBe(true);
    expect(order(one)[0]).toBe("websocket");
  });

  it("stay as they are while the server is away", async () => {
    const one = new Transports(url);
    expect(await one.gives(3, answers(false))).toBe(false);
    expect(await one.gives(3, () => Promise.reject(new TypeError("no network")))).toBe(false);
    expect(order(one)[0]).toBe("websocket");
  });

  it("begin with WebSocket again after a long time on a fallback, and not after a short one", async () => {
    const one = new Transports(url);
    await one.gives(3, answers(true));
    one.opened("http_stream", 0);
    expect(one.startsOver(60_000)).toBe(false);
    one.opened("http_stream", 0);
    expect(one.startsOver(11 * 60_000)).toBe(true);
    expect(order(one)[0]).toBe("websocket");
    one.opened("websocket", 0);
    expect(one.startsOver(11 * 60_000)).toBe(false);
  });
});

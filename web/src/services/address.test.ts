import { expect, test } from "vitest";
import { address, place } from "./address";

test("the server is in the folder of the page", () => {
  const pages = {
    "https://hub.example.com/#/c/1": "https://hub.example.com/api/v1/me?a=1",
    "https://hub.example.com/inbox": "https://hub.example.com/api/v1/me?a=1",
    "http://127.0.0.1:8080/chat/?x#/c/1": "http://127.0.0.1:8080/chat/api/v1/me?a=1",
    "https://hub.example.com/a/b/index.html": "https://hub.example.com/a/b/api/v1/me?a=1",
  };
  for (const [page, whole] of Object.entries(pages)) expect(address("/api/v1/me?a=1", page)).toBe(whole);
});

test("pages of one host under different paths have different places, none of which begins another", () => {
  const places = ["https://hub.example.com/", "https://hub.example.com/.a/", "https://hub.example.com/a/#/c/1", "https://hub.example.com/a/b/?x"]
    .map((page) => `${place(page)}.`);
  expect(place("https://hub.example.com/a/other")).toBe(place("https://hub.example.com/a/#/c/2"));
  for (const one of places) expect(places.filter((other) => other.startsWith(one))).toEqual([one]);
});

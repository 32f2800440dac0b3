import { describe, expect, it } from "vitest";
import { memoryShelf } from "./shelf";
import { leaveFor, leftFor } from "./sign_in_at";

describe("the sign-in at a provider", () => {
  it("is known by its state when the browser comes back", () => {
    const shelf = memoryShelf();
    leaveFor("https://accounts.example.com/auth?client_id=1&state=abc", { tenant: "t", channel: "c" }, shelf);
    expect(leftFor("abc", shelf)).toEqual({ tenant: "t", channel: "c" });
    expect(leftFor("other", shelf)).toBeNull();
    expect(leftFor("", shelf)).toBeNull();
    leaveFor("https://accounts.example.com/auth?state=def", { tenant: "t", channel: null }, shelf);
    expect(leftFor("def", shelf)).toEqual({ tenant: "t", channel: null });
    leaveFor("https://accounts.example.com/auth", { tenant: "t", channel: null }, shelf);
    expect(leftFor("def", shelf)).toBeNull();
    shelf.setItem("hubbub.sign-in", "[]");
    expect(leftFor("def", shelf)).toBeNull();
  });
});

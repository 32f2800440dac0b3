import { describe, expect, it } from "vitest";
import { guardDrops } from "./drops";

const page = new EventTarget();
guardDrops(page as unknown as Window);

function dropped(type: string, types: string[], tagName = "P"): { stopped: boolean; dropEffect: string } {
  const event = new Event(type, { cancelable: true });
  const dataTransfer = { types, dropEffect: "copy" };
  Object.defineProperties(event, { dataTransfer: { value: dataTransfer }, target: { value: { tagName } } });
  page.dispatchEvent(event);
  return { stopped: event.defaultPrevented, dropEffect: dataTransfer.dropEffect };
}

describe("what is dropped on the page", () => {
  it("does not replace it", () => {
    expect(dropped("dragover", ["Files"])).toEqual({ stopped: true, dropEffect: "none" });
    expect(dropped("drop", ["Files"], "TEXTAREA")).toMatchObject({ stopped: true });
    expect(dropped("drop", ["text/uri-list", "text/plain"])).toMatchObject({ stopped: true });
  });

  it("goes into fields if it is text", () => {
    expect(dropped("drop", ["text/plain"])).toMatchObject({ stopped: false });
    expect(dropped("drop", ["text/uri-list", "text/plain"], "TEXTAREA")).toMatchObject({ stopped: false });
  });
});

// What is dropped where nobody takes it would be opened by the browser in place of the page.

type Target = Pick<Window, "addEventListener">;

/** Files and links; texts go into fields by themselves. Whoever takes files says so afterwards (`dropEffect`). */
export function guardDrops(page: Target): void {
  const guard = (event: DragEvent) => {
    const types = event.dataTransfer?.types ?? [];
    const isLink = types.includes("text/uri-list") && !isField(event.target);
    if (!types.includes("Files") && !isLink) return;
    event.preventDefault();
    if (event.dataTransfer && event.type === "dragover") event.dataTransfer.dropEffect = "none";
  };
  page.addEventListener("dragover", guard);
  page.addEventListener("drop", guard);
}

function isField(target: EventTarget | null): boolean {
  const name = (target as Partial<Element> | null)?.tagName;
  return name === "TEXTAREA" || name === "INPUT";
}

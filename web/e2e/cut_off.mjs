// What is cut off in a page, as run inside it: a page that scrolls sideways, buttons and labels whose words do not fit,
// targets under 24 px. What is shortened on purpose has an ellipsis and is let be.

export function cutOff() {
  const found = [];
  const root = document.documentElement;
  if (root.scrollWidth > root.clientWidth + 1) {
    const widest = [...document.querySelectorAll("body *")].filter((one) => one.getBoundingClientRect().right > root.clientWidth + 1).pop();
    found.push(`scrolls sideways: ${root.scrollWidth} px in ${root.clientWidth} (${widest?.className || widest?.tagName})`);
  }
  for (const one of document.querySelectorAll("button, a[href], label, legend, h1, h2, h3, [role=tab], [role=menuitem], .tag")) {
    const style = getComputedStyle(one);
    const box = one.getBoundingClientRect();
    if (!one.checkVisibility({ visibilityProperty: true, opacityProperty: true }) || box.width < 2 || one.closest(".unseen, [aria-hidden=true]")) continue;
    const words = (one.textContent ?? "").trim().slice(0, 40);
    const clips = style.overflowX !== "visible" && style.textOverflow !== "ellipsis";
    if (clips && one.scrollWidth > one.clientWidth + 1) found.push(`is cut: "${words}" (${one.className || one.tagName})`);
    // Words that leave their button, in a line of their own.
    if (one.tagName === "BUTTON" && style.overflowX === "visible" && one.scrollWidth > Math.ceil(box.width) + 2) found.push(`words leave their button: "${words}" (${one.className})`);
  }
  return [...new Set(found)];
}

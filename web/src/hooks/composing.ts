// Whether a key belongs to a composition (an input method that is choosing characters), in which case it is nobody's
// command: Enter confirms the characters, Escape and the arrows move among them. Every key handler asks here first.
//
// Browsers disagree about the order. Chromium and Firefox tell the key inside the composition (`isComposing`), Safari
// ends the composition first and tells the key with the code 229. The rule by time covers an order with neither: a key
// that was pressed no later than the composition ended. A window of some milliseconds instead would swallow the Enter
// of Android keyboards, which end the composition of a plain word with the same touch.

/** The old code of a key that the input method has taken. */
const takenByInputMethod = 229;

let endedAt = -Infinity;
if (typeof window !== "undefined") {
  window.addEventListener("compositionend", (event) => { endedAt = event.timeStamp; }, true);
}

type Key = Pick<KeyboardEvent, "isComposing" | "keyCode" | "timeStamp">;

/** Takes the browser's event, or React's around it. */
export function composing(event: Key | { nativeEvent: Key }): boolean {
  const { isComposing, keyCode, timeStamp } = "nativeEvent" in event ? event.nativeEvent : event;
  return isComposing || keyCode === takenByInputMethod || timeStamp <= endedAt;
}

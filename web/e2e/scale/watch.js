// Runs in the page before its scripts: takes the time at which frames come and at which their messages are painted, how
// long keys take to be drawn, and when the first row stands.
(() => {
  const seen = { marks: new Map(), painted: [], keys: [], slowKeys: [], row: null, cursor: 0 };
  window.seen = seen;
  const Plain = window.WebSocket;
  window.WebSocket = class extends Plain {
    constructor(...given) {
      super(...given);
      this.addEventListener("message", (message) => {
        for (const [mark] of String(message.data).matchAll(/#mark-\d+/g)) if (!seen.marks.has(mark)) seen.marks.set(mark, performance.now());
        const at = String(message.data).lastIndexOf('"offset":');
        if (at > 0) seen.cursor = Math.max(seen.cursor, Number.parseInt(String(message.data).slice(at + 9), 10));
      });
    }
  };
  let inFrame = false;
  const plainFrame = window.requestAnimationFrame.bind(window);
  window.requestAnimationFrame = (run) => plainFrame((now) => {
    inFrame = true;
    try { run(now); } finally { queueMicrotask(() => queueMicrotask(() => queueMicrotask(() => { inFrame = false; }))); }
  });
  /** After the frame that is being made, or the next one. */
  const afterPaint = (then) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => then(performance.now());
    if (inFrame) port2.postMessage(null);
    else plainFrame(() => port2.postMessage(null));
  };
  const look = (text) => {
    for (const [mark] of text.matchAll(/#mark-\d+/g)) {
      const came = seen.marks.get(mark);
      if (came === undefined) continue;
      seen.marks.delete(mark);
      afterPaint((now) => seen.painted.push(now - came));
    }
  };
  new MutationObserver((records) => {
    for (const { type, target, addedNodes } of records) {
      if (type === "characterData") look(target.data);
      else for (const node of addedNodes) look(node.textContent ?? "");
    }
    if (seen.row === null && document.querySelector("[data-testid=conversation-row]")) {
      seen.row = -1;
      afterPaint((now) => { seen.row = now; });
    }
  }).observe(document, { subtree: true, childList: true, characterData: true });
  document.addEventListener("keydown", (event) => afterPaint((now) => seen.keys.push(now - event.timeStamp)), { capture: true });
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) if (entry.name === "keydown" || entry.name === "keypress") seen.slowKeys.push(entry.duration);
  }).observe({ type: "event", durationThreshold: 16 });
})();

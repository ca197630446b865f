// Runs in the page before its own scripts: when news were heard, answers came, and words stood on the screen.
// A word that is looked for begins with "zq". Times are milliseconds since 1970.
(() => {
  const seen = { heard: [], fetched: [], painted: {} };
  window.seenByProbe = seen;
  const before = Date.now();
  let offset = 0;
  // Date.now() is cut to whole milliseconds: at the moment it steps it is exact.
  while (Date.now() === before) offset = 0;
  offset = Date.now() - performance.now();
  const now = () => offset + performance.now();

  const Plain = window.WebSocket;
  window.WebSocket = class extends Plain {
    constructor(...given) {
      super(...given);
      this.addEventListener("message", () => seen.heard.push(now()));
    }
  };

  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      seen.fetched.push({ name: entry.name, began: offset + entry.requestStart, ended: offset + entry.responseEnd });
    }
  }).observe({ type: "resource", buffered: true });

  const place = (node) => {
    const element = node.nodeType === Node.ELEMENT_NODE ? node : node.parentElement;
    return element?.closest("#rows, #flow, #bare")?.id;
  };

  // A task queued from inside the frame runs once that frame has been painted.
  const afterPaint = (run) => requestAnimationFrame(() => {
    const channel = new MessageChannel();
    channel.port1.onmessage = run;
    channel.port2.postMessage(0);
  });

  new MutationObserver((records) => {
    const found = new Set();
    for (const { type, target, addedNodes } of records) {
      for (const node of type === "childList" ? addedNodes : [target]) {
        const words = node.isConnected ? node.textContent.match(/zq\d+/g) : null;
        for (const word of words ?? []) found.add(`${place(node)} ${word}`);
      }
    }
    const fresh = [...found].filter((key) => !(key in seen.painted));
    if (!fresh.length) return;
    for (const key of fresh) seen.painted[key] = 0;
    afterPaint(() => {
      for (const key of fresh) seen.painted[key] = now();
    });
  }).observe(document, { childList: true, characterData: true, subtree: true });
})();

// The WebSocket that says what changed (ids only). When it breaks the page says so, comes back, and looks again.
import { leaveForSignIn } from "./net.js";

const SIGNED_OUT = 4401;
const PING_EVERY = 20_000;
const SILENT_AFTER = 12_000;
const listeners = new Set();
let socket = null;
let tries = 0;
let silence = 0;
let ping = 0;
let pill = 0;
let again = 0;

// `hear(items)` is called with every batch; whenever the line opens with a single {what: "reload"}.
export function listen(hear) {
  listeners.add(hear);
}

export function tell(sign) {
  if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(sign));
}

export function connect() {
  window.clearTimeout(again);
  const address = new URL("/live", location.href);
  address.protocol = address.protocol.replace("http", "ws");
  socket = new WebSocket(address);
  socket.addEventListener("open", opened);
  socket.addEventListener("message", heard);
  socket.addEventListener("close", closed);
}

function opened() {
  tries = 0;
  window.clearTimeout(pill);
  pill = 0;
  document.getElementById("connection").hidden = true;
  ping = window.setInterval(sendPing, PING_EVERY);
  document.documentElement.dataset.live = "yes";
  // What happened between the server's answer and this moment was told to nobody: look again, the first time too.
  spread([{ what: "reload" }]);
  document.dispatchEvent(new CustomEvent("live"));
}

function sendPing() {
  tell({ ping: true });
  silence = window.setTimeout(() => socket.close(), SILENT_AFTER);
}

function heard({ data }) {
  window.clearTimeout(silence);
  const { items } = JSON.parse(data);
  if (items?.length) spread(items);
}

function spread(items) {
  for (const hear of listeners) hear(items);
}

function closed({ code }) {
  window.clearInterval(ping);
  window.clearTimeout(silence);
  if (code === SIGNED_OUT) return leaveForSignIn();
  document.documentElement.dataset.live = "no";
  // A blink is not worth a word; half a second without a line is.
  pill ||= window.setTimeout(() => (document.getElementById("connection").hidden = false), 500);
  const wait = Math.min(15_000, 300 * 2 ** tries) * (0.7 + Math.random() * 0.6);
  tries += 1;
  again = window.setTimeout(connect, wait);
  return undefined;
}

window.addEventListener("online", () => {
  if (socket?.readyState === WebSocket.CLOSED) connect();
});

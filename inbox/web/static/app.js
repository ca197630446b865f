// What runs on every page; the inbox adds its own.
import "./clockwork.js";
import "./menus.js";
import "./pages.js";
import { startKeys } from "./keys.js";
import { connect } from "./live.js";
import "./net.js";
import "./templates.js";
import "./voice.js";
import "./lightbox.js";

const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
if (zone) document.cookie = `tz=${zone}; path=/; max-age=31536000; samesite=lax`;

if (document.body.dataset.me) {
  const inbox = document.getElementById("inbox") ? await import("./inbox.js") : null;
  inbox?.startInbox();
  startKeys(inbox);
  connect();
}

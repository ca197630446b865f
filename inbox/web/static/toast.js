// Short messages at the bottom of the page, read out politely; the last three stay.
import { word } from "./words.js";

const SECONDS = 6;

export function toast(text, { bad = false, action = null } = {}) {
  const place = document.getElementById("toasts");
  const line = document.createElement("div");
  line.className = bad ? "toast bad" : "toast";
  line.append(Object.assign(document.createElement("span"), { textContent: text }));
  if (action) line.append(button(action, line));
  place.append(line);
  while (place.children.length > 3) place.firstElementChild.remove();
  window.setTimeout(() => line.remove(), SECONDS * 1000 * (bad ? 2 : 1));
}

function button({ text, run }, line) {
  const made = Object.assign(document.createElement("button"), { type: "button", textContent: text });
  made.addEventListener("click", () => {
    line.remove();
    run();
  });
  return made;
}

export const sayFailed = (message) => toast(message || word("failed"), { bad: true });

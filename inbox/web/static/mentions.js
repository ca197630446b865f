// Naming a colleague in a note: the list that opens at "@", and who was named in the end.
import { plain } from "./menus.js";
import { word } from "./words.js";

let at = 0;

const box = () => document.getElementById("mentions");
const colleagues = () => JSON.parse(document.getElementById("colleagues")?.textContent || "[]");

export const mentioned = (text) => colleagues().filter(({ name }) => text.includes(`@${name}`)).map(({ id }) => id);

// The word after an "@" that the cursor stands in.
function begun(field) {
  const match = /(?:^|\s)@([^\n@]{0,30})$/.exec(field.value.slice(0, field.selectionStart));
  const isWhole = match && colleagues().some(({ name }) => match[1].startsWith(`${name} `));
  return match && !isWhole ? match[1] : null;
}

export function showMentions(field, isNote) {
  const start = isNote ? begun(field) : null;
  const found = start === null ? [] : colleagues().filter(({ name }) => plain(name).includes(plain(start)));
  box().hidden = start === null || (!found.length && start.length > 12);
  if (box().hidden) return;
  at = 0;
  box().replaceChildren(...(found.length ? found.map((colleague) => lineOf(colleague, field)) : [nobody()]));
  mark();
}

function nobody() {
  return Object.assign(document.createElement("li"), { className: "faint", textContent: word("no_mentions") });
}

function lineOf({ name }, field) {
  const line = Object.assign(document.createElement("li"), { textContent: name });
  line.setAttribute("role", "option");
  line.addEventListener("pointerdown", (event) => {
    event.preventDefault();
    take(name, field);
  });
  return line;
}

function take(name, field) {
  const start = field.selectionStart - begun(field).length;
  field.setRangeText(`${name} `, start, field.selectionStart, "end");
  box().hidden = true;
  field.dispatchEvent(new Event("input", { bubbles: true }));
}

function mark() {
  const lines = [...box().querySelectorAll("[role=option]")];
  at = (at + lines.length) % (lines.length || 1);
  lines.forEach((line, place) => line.setAttribute("aria-selected", String(place === at)));
}

// Before the composer's own keys: while the list is open, arrows and Enter belong to it.
document.addEventListener("keydown", (event) => {
  if (!box() || box().hidden || event.target.id !== "composer-text") return;
  const lines = [...box().querySelectorAll("[role=option]")];
  if (event.key === "Escape") box().hidden = true;
  else if (event.key === "ArrowDown") at += 1;
  else if (event.key === "ArrowUp") at -= 1;
  else if ((event.key === "Enter" || event.key === "Tab") && lines.length) take(lines[at].textContent, event.target);
  else return;
  event.preventDefault();
  event.stopImmediatePropagation();
  mark();
}, true);

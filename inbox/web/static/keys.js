// Keyboard: single letters while no field has focus (a setting), "G then a letter", Ctrl+K, ?, /.
import { openBar } from "./bar.js";
import { openNew } from "./newcomer.js";

const GO = { i: "/inbox", c: "/contacts", s: "/settings" };
const WITHIN = 1_200;
let goAt = 0;

const inField = ({ target }) => target.matches?.("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable], emoji-picker");
const inDialog = () => document.querySelector("dialog[open], [popover]:popover-open");

export function startKeys(inbox) {
  const letters = {
    c: () => openNew(),
    g: () => (goAt = Date.now()),
    "/": () => focusSearch(),
    "?": () => document.getElementById("keys-sheet").showModal(),
    ...(inbox ? forInbox(inbox) : {}),
  };
  document.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && !event.altKey && event.key.toLowerCase() === "k") {
      event.preventDefault();
      openBar(inbox);
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || inField(event) || inDialog() || event.isComposing) return;
    if (document.body.dataset.keys === "off" && event.key.length === 1) return;
    const run = go(event.key) ?? letters[event.key];
    if (!run) return;
    event.preventDefault();
    run(event);
  });
  document.addEventListener("click", (event) => {
    const name = event.target.closest("[data-act]")?.dataset.act;
    if (name === "keys") letters["?"]();
    if (name === "new" && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      openNew(new URL(event.target.closest("a")?.href ?? "/new", location.href).search);
    }
  });
}

function go(key) {
  const isGoing = Date.now() - goAt < WITHIN;
  goAt = 0;
  return isGoing && GO[key] ? () => location.assign(GO[key]) : null;
}

function focusSearch() {
  const field = document.querySelector("#search, [data-search]");
  field?.focus();
  field?.select();
}

function forInbox(inbox) {
  const write = (mode) => () => document.getElementById(`mode-${mode}`)?.click();
  const inRows = (event) => !event.target.closest?.("#flow, .person, #found, .wave");
  return {
    j: () => inbox.step(1),
    k: () => inbox.step(-1),
    ArrowDown: (event) => inRows(event) && inbox.step(1),
    ArrowUp: (event) => inRows(event) && inbox.step(-1),
    r: write("reply"),
    n: write("note"),
    e: () => inbox.press("e"),
    E: () => inbox.resolveAndStep(),
    h: () => inbox.press("h"),
    a: () => inbox.press("a"),
    i: () => inbox.press("i"),
    l: () => inbox.press("l"),
    u: () => inbox.press("u"),
    "]": () => inbox.togglePerson(),
    "[": () => document.getElementById("inbox").classList.toggle("views-open"),
  };
}

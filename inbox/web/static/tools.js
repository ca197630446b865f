// What can be done with one message: quote, react, copy, write it anew; and the emoji picker of the composer.
import { insert, quote, reuse, textOf } from "./composer.js";
import { openAt } from "./menus.js";
import { act } from "./net.js";
import { changed, currentId, onOpen, openConversation, show } from "./thread.js";
import { toast } from "./toast.js";
import { word } from "./words.js";

const QUICK = ["👍", "❤️", "😂", "😮", "😢", "🙏"];
let picker = null;
let whenPicked = null;

const messageOf = (event) => event.target.closest(".msg");

const acts = {
  quote: (event) => quote(messageOf(event)),
  copy: async (event) => {
    await navigator.clipboard.writeText(textOf(messageOf(event)));
    toast(word("copied"));
  },
  reuse: (event) => reuse(textOf(messageOf(event))),
  react: (event) => openReactions(messageOf(event), event.target.closest("button")),
  emoji: (event) => openPicker(event.target.closest("button"), insert),
};

function menu(id) {
  const made = Object.assign(document.createElement("div"), { id, className: "menu", popover: "auto" });
  made.dataset.side = "top-start";
  document.body.append(made);
  return made;
}

function openReactions(message, button) {
  const place = document.getElementById("reactions-menu") ?? menu("reactions-menu");
  const row = Object.assign(document.createElement("div"), { className: "quick-reactions" });
  const answer = (emoji) => react(message, emoji);
  row.append(...QUICK.map((emoji) => reaction(emoji, () => answer(emoji))), reaction("+", () => openPicker(button, answer)));
  place.replaceChildren(row);
  openAt(place, button);
  row.firstElementChild.focus();
}

function reaction(emoji, run) {
  const made = Object.assign(document.createElement("button"), { type: "button", textContent: emoji });
  made.addEventListener("click", () => {
    document.getElementById("reactions-menu").hidePopover();
    run();
  });
  return made;
}

async function react(message, emoji) {
  if (await act(`/messages/${message.dataset.message}/react`, { emoji })) changed();
}

async function openPicker(button, run) {
  whenPicked = run;
  const place = document.getElementById("emoji-menu") ?? menu("emoji-menu");
  if (!picker) {
    picker = await makePicker();
    place.append(picker);
  }
  openAt(place, button);
  picker.shadowRoot.querySelector("input")?.focus();
}

async function makePicker() {
  const { default: Picker } = await import("./vendor/emoji/picker.js");
  const { lang } = document.documentElement;
  const i18n = lang === "en" ? undefined : (await import(`./vendor/emoji/${lang}.js`)).default;
  const made = new Picker({ locale: lang, dataSource: new URL(`./vendor/emoji/${lang}.json`, import.meta.url).href, ...(i18n && { i18n }) });
  made.addEventListener("emoji-click", ({ detail }) => {
    document.getElementById("emoji-menu").hidePopover();
    whenPicked?.(detail.unicode);
  });
  return made;
}

// --- the tools go to the message under the pointer or in focus -------------------------------------------------------

let tools = null;
let held = "";

function bringTools(message) {
  if (!message?.hasAttribute("data-tools")) return;
  tools = document.getElementById("tools") ?? tools;
  held = message.id;
  if (tools && tools.parentElement !== message) message.append(tools);
}

// Arrow keys go from message to message while one of them, or the flow itself, has focus.
function walk(event) {
  const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
  if (!step || !event.target.matches?.("#flow, .msg")) return;
  const all = [...document.querySelectorAll("#older .msg, #tail .msg")];
  const at = event.target.matches(".msg") ? all.indexOf(event.target) + step : all.length - 1;
  if (!all[at]) return;
  event.preventDefault();
  all[at].focus();
}

export function startTools() {
  document.addEventListener("pointerover", (event) => bringTools(event.target.closest?.(".msg")));
  document.addEventListener("focusin", (event) => bringTools(event.target.closest?.(".msg")));
  document.addEventListener("refreshed", () => bringTools(document.getElementById(held)));
  onOpen(() => {
    tools = document.getElementById("tools");
    held = "";
  });
  document.addEventListener("keydown", walk);
  document.addEventListener("click", (event) => {
    const name = event.target.closest("[data-act]")?.dataset.act;
    if (acts[name]) acts[name](event);
    const jump = event.target.closest("[data-jump]");
    if (!jump) return;
    event.preventDefault();
    if (!show(`m-${jump.dataset.jump}`)) openConversation(currentId(), { message: jump.dataset.jump, push: false });
  });
}

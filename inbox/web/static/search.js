// Searching people and messages from the list: what is found stands over the rows until the field is emptied.
import { fragment } from "./net.js";
import { openConversation } from "./thread.js";

const AFTER = 160;
let timer = 0;
let asking = null;

const field = () => document.getElementById("search");
const found = () => document.getElementById("found");

async function look() {
  const wanted = field().value.trim();
  asking?.abort();
  if (wanted.length < 2) {
    found().hidden = true;
    return;
  }
  asking = new AbortController();
  try {
    const text = await fragment(`/ui/search?q=${encodeURIComponent(wanted)}`, { signal: asking.signal });
    const parsed = document.createElement("template");
    parsed.innerHTML = text;
    found().replaceChildren(parsed.content);
    found().hidden = false;
  } catch {
    // Typing went on, or the line is down: what stood there stays.
  }
}

function close() {
  field().value = "";
  found().hidden = true;
}

export function startSearch() {
  document.addEventListener("input", ({ target }) => {
    if (target !== field()) return;
    window.clearTimeout(timer);
    timer = window.setTimeout(look, AFTER);
  });
  document.addEventListener("submit", (event) => {
    if (!event.target.matches(".search")) return;
    event.preventDefault();
    look();
  });
  document.addEventListener("keydown", (event) => {
    if (event.target !== field()) return;
    const links = [...found().querySelectorAll("a")];
    if (event.key === "Escape") {
      close();
      field().blur();
    } else if (event.key === "ArrowDown" && links.length) {
      event.preventDefault();
      links[0].focus();
    } else if (event.key === "Enter" && links[0]?.dataset.open && !found().hidden) {
      event.preventDefault();
      openConversation(links[0].dataset.open, { message: links[0].dataset.message });
    }
  });
  document.addEventListener("keydown", (event) => {
    const link = event.target.closest?.("#found a");
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!link || !step) return;
    event.preventDefault();
    const links = [...found().querySelectorAll("a")];
    (links[links.indexOf(link) + step] ?? field()).focus();
  });
}

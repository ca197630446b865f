// The command bar: everything the page can do, and everybody one can write to, by typing a few letters.
import { plain } from "./menus.js";
import { openNew } from "./newcomer.js";
import { fragment } from "./net.js";
import { commandWords, word } from "./words.js";

const AFTER = 180;
const bar = document.getElementById("bar");
const field = document.getElementById("bar-field");
const list = document.getElementById("bar-list");
let page = null;
let at = 0;
let timer = 0;
let asked = 0;

const goTo = (address) => () => location.assign(address);

function commands() {
  const always = [
    ["new", "C", () => openNew()],
    ["search", "/", () => document.querySelector("#search, [data-search]")?.focus()],
    ["inbox", "G I", goTo("/inbox")],
    ["contacts", "G C", goTo("/contacts")],
    ["settings", "G S", goTo("/settings")],
    ["accounts", "", goTo("/settings/accounts")],
    ["people", "", goTo("/settings/people")],
    ["profile", "", goTo("/settings/profile")],
    ["keys", "?", () => document.getElementById("keys-sheet").showModal()],
  ];
  return [...(page ? ofConversation() : []), ...(page ? ofLists() : []), ...always];
}

function ofConversation() {
  if (!document.getElementById("thread")) return [];
  const mode = (name) => () => document.getElementById(`mode-${name}`)?.click();
  return [
    ["reply", "R", mode("reply")],
    ["note", "N", mode("note")],
    ["resolve", "E", () => page.press("e")],
    ["resolve_next", "⇧E", () => page.resolveAndStep()],
    ["snooze", "H", () => page.press("h")],
    ["assign", "A", () => page.press("a")],
    ["take", "I", () => page.press("i")],
    ["labels", "L", () => page.press("l")],
    ["unread", "U", () => page.press("u")],
  ];
}

function ofLists() {
  const lists = { mine: "tab=mine", unassigned: "tab=unassigned", all: "tab=all", snoozed: "tab=all&status=snoozed", waiting: "tab=all&sort=waiting", window: "tab=all&sort=window" };
  return Object.entries(lists).map(([name, query]) => [name, "", () => page.showList(`/inbox?${query}`)]);
}

export function openBar(inbox) {
  page = inbox;
  field.value = "";
  narrow();
  bar.showModal();
}

function narrow() {
  const wanted = plain(field.value);
  const found = commands().filter(([name]) => plain(commandWords[name] ?? name).includes(wanted));
  at = 0;
  list.replaceChildren(...found.map(([name, key, run]) => line(commandWords[name] ?? name, key, run)));
  mark();
  window.clearTimeout(timer);
  if (wanted.length > 1) timer = window.setTimeout(askForPeople, AFTER);
}

async function askForPeople() {
  const mine = (asked += 1);
  const text = await fragment(`/ui/search?q=${encodeURIComponent(field.value.trim())}`).catch(() => "");
  if (mine !== asked || !bar.open) return;
  const parsed = document.createElement("template");
  parsed.innerHTML = text;
  for (const link of parsed.content.querySelectorAll("[data-person]")) {
    const name = link.querySelector("b").textContent;
    const open = () => (page && link.dataset.open ? page.openConversation(link.dataset.open) : location.assign(link.href));
    list.append(line(name, link.querySelector(".snippet")?.textContent.trim() ?? "", open));
  }
  if (!list.children.length) list.append(Object.assign(document.createElement("li"), { className: "faint", textContent: word("nobody_found") }));
  mark();
}

function line(text, aside, run) {
  const made = document.createElement("li");
  made.id = `bar-${list.children.length}-${Math.random().toString(36).slice(2, 8)}`;
  made.setAttribute("role", "option");
  made.append(Object.assign(document.createElement("span"), { textContent: text }));
  if (aside) made.append(Object.assign(document.createElement("kbd"), { className: "keys", textContent: aside }));
  made.run = run;
  return made;
}

function mark() {
  const lines = [...list.querySelectorAll("[role=option]")];
  at = (at + lines.length) % (lines.length || 1);
  lines.forEach((other, place) => other.setAttribute("aria-selected", String(place === at)));
  lines[at]?.scrollIntoView({ block: "nearest" });
  field.setAttribute("aria-activedescendant", lines[at]?.id ?? "");
}

function run(chosen) {
  if (!chosen?.run) return;
  bar.close();
  chosen.run();
}

field?.addEventListener("input", narrow);
field?.addEventListener("keydown", (event) => {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step) {
    event.preventDefault();
    at += step;
    mark();
  } else if (event.key === "Enter") {
    event.preventDefault();
    run(list.querySelector('[aria-selected="true"]'));
  }
});
list?.addEventListener("click", ({ target }) => run(target.closest("[role=option]")));

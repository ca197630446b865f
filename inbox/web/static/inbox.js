// The inbox page put together: clicks, news, what happens after a write, quick keys of the open conversation.
import { startComposer } from "./composer.js";
import { links, openId, refreshList, refreshRows, refreshViews, showList, startList } from "./list.js";
import { listen } from "./live.js";
import { act } from "./net.js";
import { startSearch } from "./search.js";
import { changed, closeConversation, currentId, fetchAhead, goToEnd, openConversation, refreshPerson, startThread } from "./thread.js";
import { toast } from "./toast.js";
import { startTools } from "./tools.js";
import { word } from "./words.js";

const inbox = document.getElementById("inbox");

// --- clicks ---------------------------------------------------------------------------------------------------------

const plainClick = (event) => event.button === 0 && !(event.ctrlKey || event.metaKey || event.shiftKey || event.altKey);

document.addEventListener("pointerdown", (event) => {
  const link = event.target.closest("a[data-open]");
  if (link && plainClick(event)) fetchAhead(link.dataset.open);
});

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-open]");
  if (link && plainClick(event)) {
    event.preventDefault();
    openConversation(link.dataset.open, { message: link.dataset.message });
    return;
  }
  const pressed = event.target.closest("[data-press]");
  if (pressed) {
    pressed.closest("[popover]").hidePopover();
    press(pressed.dataset.press);
  }
  const act = event.target.closest("[data-act]")?.dataset.act;
  if (acts[act]) acts[act](event);
});

const acts = {
  views: () => inbox.classList.add("views-open"),
  "close-views": () => inbox.classList.remove("views-open"),
  person: togglePerson,
  "person-refresh": refreshPerson,
  back: (event) => {
    event.preventDefault();
    closeConversation();
  },
};

export function togglePerson() {
  const isNarrow = window.matchMedia("(max-width: 1279px)").matches;
  inbox.classList.toggle(isNarrow ? "person-open" : "no-person");
  if (!isNarrow) localStorage.setItem("person", inbox.classList.contains("no-person") ? "off" : "on");
}

document.addEventListener("pointerdown", (event) => {
  if (!event.target.closest(".views, [data-act=views]")) inbox?.classList.remove("views-open");
  if (!event.target.closest(".person, [data-act=person], dialog, [popover]")) inbox?.classList.remove("person-open");
});

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") inbox?.classList.remove("views-open", "person-open");
});

// --- after a write ----------------------------------------------------------------------------------------------------

document.addEventListener("htmx:after:request", ({ detail: { ctx } }) => {
  if (ctx.request.method === "GET" || ctx.response.status >= 400) return;
  const source = ctx.sourceElement;
  const form = source.closest("[data-closes-menu]");
  form?.closest("[popover]")?.hidePopover();
  if (source.dataset.after === "person") refreshPerson();
  sayDone(source.dataset.toast ? source : form);
  if ("leaves" in source.dataset) leave();
  changed();
});

document.addEventListener("answered", () => {
  goToEnd();
  changed();
});

function sayDone(told) {
  if (!told?.dataset.toast) return;
  const { undo } = told.dataset;
  const action = undo && { text: word("undo"), run: async () => (await act(undo)) && changed() };
  toast(told.dataset.toast, { action });
}

function leave() {
  document.getElementById("thread").dataset.unread = "kept";
  const id = currentId();
  closeConversation();
  document.getElementById("pane").replaceChildren();
  refreshRows([id]);
}

// --- through the list by keyboard ---------------------------------------------------------------------------------------

export function step(by) {
  const all = links();
  const at = all.findIndex((link) => link.dataset.open === openId());
  const next = at < 0 ? all[0] : all[at + by];
  if (!next) return;
  next.focus({ preventScroll: true });
  next.scrollIntoView({ block: "nearest" });
  openConversation(next.dataset.open);
  const after = all[all.indexOf(next) + by];
  if (after) window.setTimeout(() => openId() === next.dataset.open && fetchAhead(after.dataset.open), 150);
}

// The next row is known before the resolved one leaves the list.
export function resolveAndStep() {
  const all = links();
  const at = all.findIndex((link) => link.dataset.open === openId());
  const next = all[at + 1] ?? all[at - 1];
  press("e");
  if (next) window.setTimeout(() => openConversation(next.dataset.open), 60);
}

// The button of the open conversation that has this key.
export function press(key) {
  const button = document.querySelector(`#head [data-key="${key}"]`);
  button?.click();
  return Boolean(button);
}

// --- news -----------------------------------------------------------------------------------------------------------

listen((items) => {
  if (items.some((item) => item.what === "reload")) {
    refreshList();
    refreshViews({ now: true });
    return;
  }
  const ids = new Set(items.map((item) => item.conversation).filter(Boolean));
  if (ids.size) refreshRows(ids);
  if (items.some((item) => item.what !== "presence")) refreshViews();
});

export function startInbox() {
  if (localStorage.getItem("person") === "off") inbox.classList.add("no-person");
  startList();
  startComposer();
  startTools();
  startSearch();
  startThread();
}

export { openConversation, showList };

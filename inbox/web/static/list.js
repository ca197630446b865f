// The list: rows that move by themselves, more of them on the way down, another view without leaving the page.
import { fragment, Problem } from "./net.js";
import { setBadge } from "./notify.js";
import { sayFailed } from "./toast.js";

const VIEWS_EVERY = 2_000;
const AT_ONCE = 60;
const SIGN_LASTS = 7_000;
const inbox = document.getElementById("inbox");
const list = () => document.getElementById("list");
const rows = () => document.getElementById("rows");
const waiting = new Set();
let isAsking = false;
let wholeList = false;
let viewsTimer = 0;
let viewsStale = false;
let viewsAt = 0;

const query = (more = {}) => {
  const values = new URLSearchParams(list().dataset.query);
  for (const [key, value] of Object.entries(more)) values.set(key, value);
  return `?${values}`;
};

export const openId = () => inbox?.dataset.open ?? "";
export const listAddress = (id = "") => `/inbox${id ? `/${id}` : ""}${list().dataset.query}`;
export const links = () => [...rows().querySelectorAll("a[data-open]")];

export function markOpen(id) {
  for (const link of rows().querySelectorAll("a[aria-current]")) link.removeAttribute("aria-current");
  rows().querySelector(`#row-${CSS.escape(id)} > a`)?.setAttribute("aria-current", "true");
}

// --- news ---------------------------------------------------------------------------------------------------------

// These conversations changed. Asked for together; while an answer is on its way the next ones gather.
export function refreshRows(ids) {
  for (const id of ids) waiting.add(id);
  if (waiting.size > AT_ONCE) wholeList = true;
  ask();
}

export function refreshList() {
  wholeList = true;
  ask();
}

async function ask() {
  if (isAsking || (!wholeList && !waiting.size)) return;
  isAsking = true;
  const began = performance.now();
  try {
    await (wholeList ? askForAll() : askForSome());
  } catch (problem) {
    if (!(problem instanceof Problem)) throw problem;
  } finally {
    // A server that is slow to answer is asked less often.
    window.setTimeout(() => {
      isAsking = false;
      ask();
    }, Math.max(60, performance.now() - began));
  }
}

async function askForSome() {
  const ids = [...waiting];
  waiting.clear();
  const before = list().dataset.query;
  const text = await fragment(`/ui/rows${query({ only: ids.join(",") })}`);
  if (before === list().dataset.query) putRows(ids, text);
}

async function askForAll() {
  wholeList = false;
  waiting.clear();
  const shown = rows().querySelectorAll(".row").length;
  const before = list().dataset.query;
  const text = await fragment(`/ui/rows${query({ limit: Math.min(100, Math.max(40, shown)) })}`);
  if (before !== list().dataset.query) return;
  await window.htmx.swap({ text, target: rows(), swap: "innerMorph", sourceElement: document.body });
  settled();
}

function putRows(ids, text) {
  const parsed = document.createElement("template");
  parsed.innerHTML = text;
  const fresh = new Map([...parsed.content.querySelectorAll(".row")].map((row) => [row.dataset.id, row]));
  for (const id of ids) {
    const old = document.getElementById(`row-${id}`);
    const row = fresh.get(id);
    if (!row) old?.remove();
    else put(row, old);
  }
  settled();
}

function put(row, old) {
  const hadFocus = old?.contains(document.activeElement);
  const isNewer = Number(row.dataset.unread) > Number(old?.dataset.unread ?? 0);
  old?.remove();
  const place = placeFor(row);
  if (place === null) return;
  place.before(row);
  if (isNewer) row.classList.add("fresh");
  if (hadFocus) row.querySelector("a").focus({ preventScroll: true });
}

// Ordered as the server does: by the sort key, then by id, since platforms' times count seconds and are often equal.
const comesAfter = (other, row) =>
  Number(other.dataset.sort) - Number(row.dataset.sort) || (other.dataset.id > row.dataset.id ? 1 : -1);

// The element it goes before; null when its place lies on a page that is not loaded yet.
function placeFor(row) {
  const step = list().dataset.sort === "newest" ? -1 : 1;
  for (const other of rows().querySelectorAll(".row")) {
    if (step * comesAfter(other, row) > 0) return other;
  }
  if (rows().querySelector(".more")) return null;
  return rows().appendChild(document.createElement("li"));
}

function settled() {
  for (const item of rows().querySelectorAll("li:empty")) item.remove();
  const isEmpty = !rows().querySelector(".row");
  if (isEmpty !== Boolean(rows().querySelector(".empty"))) {
    if (isEmpty) refreshList();
    else rows().querySelector(".empty").remove();
  }
  if (openId()) markOpen(openId());
  watchEnd();
}

// --- views and their figures ----------------------------------------------------------------------------------------

// News that come while an answer is on its way may not be in it: they are asked for again.
export function refreshViews({ now = false } = {}) {
  viewsStale = true;
  if (viewsTimer) return;
  const wait = now ? 0 : Math.max(0, viewsAt + VIEWS_EVERY - Date.now());
  viewsTimer = window.setTimeout(askForViews, wait);
}

async function askForViews() {
  viewsAt = Date.now();
  viewsStale = false;
  try {
    const text = await fragment(`/ui/views${query()}`);
    await window.htmx.swap({ text, target: document.getElementById("views"), swap: "outerMorph", sourceElement: document.body });
    setBadge(Number(document.getElementById("views").dataset.badge));
  } catch (problem) {
    if (!(problem instanceof Problem)) throw problem;
  } finally {
    viewsTimer = 0;
    if (viewsStale) refreshViews();
  }
}

// --- another view, more rows ------------------------------------------------------------------------------------------

// Puts another list in place; the open conversation stays where it is.
export async function showList(address, { push = true } = {}) {
  const wanted = new URL(address, location.href);
  list().setAttribute("aria-busy", "true");
  try {
    const page = new DOMParser().parseFromString(await fragment(`/inbox${wanted.search || "?tab=mine"}`), "text/html");
    for (const id of ["views", "list"]) document.getElementById(id).replaceWith(page.getElementById(id));
  } catch (problem) {
    return sayFailed(problem.message);
  } finally {
    list().removeAttribute("aria-busy");
  }
  window.htmx.process(list());
  inbox.classList.remove("views-open");
  if (push) history.pushState({}, "", listAddress(openId()));
  settled();
  return undefined;
}

let observer = null;

function watchEnd() {
  observer?.disconnect();
  const end = rows().querySelector(".more");
  if (!end) return;
  observer = new IntersectionObserver((seen) => seen.some((entry) => entry.isIntersecting) && showMore(end), {
    root: rows(),
    rootMargin: "600px",
  });
  observer.observe(end);
}

async function showMore(end) {
  observer.disconnect();
  try {
    const text = await fragment(`/ui/rows${query({ cursor: end.dataset.next })}`);
    if (!end.isConnected) return;
    const parsed = document.createElement("template");
    parsed.innerHTML = text;
    for (const row of parsed.content.querySelectorAll(".row")) document.getElementById(row.id)?.remove();
    end.replaceWith(parsed.content);
    settled();
  } catch (problem) {
    if (!(problem instanceof Problem)) throw problem;
  }
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-list]");
  if (!link || !inbox || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  link.closest("[popover]")?.hidePopover();
  showList(link.href);
});

document.addEventListener("submit", (event) => {
  const form = event.target.closest("[data-list-form]");
  if (!form) return;
  event.preventDefault();
  form.hidePopover();
  const values = [...new FormData(form)].filter(([, value]) => value);
  showList(`/inbox?${new URLSearchParams(values)}`);
});

// That somebody stops typing is no news: it runs out.
function typists() {
  return [...rows().querySelectorAll(".row:has(.typing)")].map((row) => row.dataset.id);
}

export function startList() {
  window.setInterval(() => refreshRows(typists()), SIGN_LASTS);
  if (openId()) markOpen(openId());
  watchEnd();
}

// The open conversation: opening one, keeping it true, older pages on the way up, and staying where one reads.
import { listAddress, markOpen, openId, refreshRows, refreshViews, showList } from "./list.js";
import { listen, tell } from "./live.js";
import { act, fragment, Problem } from "./net.js";
import { setTitle } from "./notify.js";
import { flow, isAtEnd, keepOlder, newLine, older, standing, tail, tidy } from "./reading.js";
import { sayFailed } from "./toast.js";
import { word } from "./words.js";

const LOOK_EVERY = 25_000;
const SIGN_LASTS = 7_000;
// How many of the newest messages are asked for again when something changed.
const LEAST_FRESH = 20;
const MOST_FRESH = 60;
const inbox = document.getElementById("inbox");
const pane = document.getElementById("pane");
const hooks = new Set();
let opening = null;
let ahead = null;
let isRefreshing = false;
let isStale = false;
let observer = null;

const thread = () => document.getElementById("thread");
export const currentId = () => thread()?.dataset.id ?? "";

// `run()` after another conversation was put on the page.
export const onOpen = (run) => hooks.add(run);

// --- opening and leaving --------------------------------------------------------------------------------------------

// Begun when the button goes down, so that the answer is often there when it comes up.
export function fetchAhead(id) {
  if (id === currentId() || ahead?.id === id) return;
  ahead = { id, at: Date.now(), text: fragment(`/ui/conversations/${id}`).catch(() => null) };
}

async function textOf(id, message, signal) {
  const ready = ahead?.id === id && Date.now() - ahead.at < 2_000 && !message ? await ahead.text : null;
  ahead = null;
  return ready ?? fragment(`/ui/conversations/${id}${message ? `?message=${message}` : ""}`, { signal });
}

export async function openConversation(id, { message = "", push = true } = {}) {
  opening?.abort();
  const mine = new AbortController();
  opening = mine;
  document.dispatchEvent(new CustomEvent("leaving"));
  if (currentId() && currentId() !== id) tell({ left: currentId() });
  inbox.dataset.open = id;
  markOpen(id);
  if (push) history.pushState({}, "", listAddress(id));
  // Nobody may write to the one that is leaving; a wait that can be felt shows the shape of what comes.
  pane.inert = true;
  const slow = window.setTimeout(() => pane.replaceChildren(skeleton()), 200);
  try {
    const text = await textOf(id, message, mine.signal);
    if (mine.signal.aborted) return;
    const parsed = document.createElement("template");
    parsed.innerHTML = text;
    window.clearTimeout(slow);
    pane.replaceChildren(parsed.content);
    window.htmx.process(pane);
    arrive();
  } catch (problem) {
    if (problem.name !== "AbortError") sayFailed(problem.message);
  } finally {
    window.clearTimeout(slow);
    if (opening === mine) pane.inert = false;
  }
}

function skeleton() {
  const shape = Object.assign(document.createElement("section"), { className: "thread waiting" });
  shape.setAttribute("aria-busy", "true");
  for (let line = 0; line < 6; line += 1) shape.append(Object.assign(document.createElement("span"), { className: "skeleton" }));
  return shape;
}

export function closeConversation({ push = true } = {}) {
  document.dispatchEvent(new CustomEvent("leaving"));
  if (currentId()) tell({ left: currentId() });
  delete inbox.dataset.open;
  inbox.classList.remove("person-open");
  markOpen("");
  if (push) history.pushState({}, "", listAddress());
  setTitle(document.title.replace(/^\(\d+\+?\) /, "").replace(/^.*? · /, ""));
}

function arrive() {
  if (!thread()) return;
  setTitle(`${thread().querySelector("h1 .name").textContent} · Bandeja`);
  tidy();
  goToStart();
  watchOlder();
  look();
  markRead();
  for (const run of hooks) run();
}

function goToStart() {
  const wanted = flow().dataset.highlight;
  if (wanted && show(wanted)) return;
  const line = document.getElementById("new-line");
  if (line && line.offsetTop < tail().offsetHeight - flow().clientHeight) line.scrollIntoView({ block: "start" });
  else goToEnd();
}

export function goToEnd() {
  flow().scrollTop = flow().scrollHeight;
  document.querySelector(".newest")?.remove();
}

export function show(elementId) {
  const found = document.getElementById(elementId);
  if (!found) return false;
  found.scrollIntoView({ block: "center" });
  found.classList.add("shown");
  window.setTimeout(() => found.classList.remove("shown"), 2_000);
  return true;
}

// --- keeping it true ------------------------------------------------------------------------------------------------

export async function refresh() {
  if (!thread()) return;
  if (isRefreshing) {
    isStale = true;
    return;
  }
  isRefreshing = true;
  const id = currentId();
  try {
    const text = await fragment(`/ui/conversations/${id}/changes?${wanted()}`);
    if (id === currentId()) await put(text);
  } catch (problem) {
    if (!(problem instanceof Problem)) throw problem;
    if (problem.status === 404 && id === currentId()) closeConversation();
  } finally {
    isRefreshing = false;
    if (isStale) {
      isStale = false;
      refresh();
    }
  }
}

function wanted() {
  const shown = tail().querySelectorAll(".msg").length;
  const route = document.getElementById("composer-state")?.dataset.route ?? "";
  return new URLSearchParams({ limit: Math.min(MOST_FRESH, Math.max(LEAST_FRESH, shown)), route });
}

async function put(text) {
  const wasAtEnd = isAtEnd();
  const known = new Set([...flow().querySelectorAll(".msg")].map((message) => message.id));
  const line = newLine();
  const stand = standing();
  keepOlder(text);
  // The page changes at once, and what is read must stand still in the very next frame: settling is waited for later.
  const settled = window.htmx.swap({ text, target: document.body, swap: "none", sourceElement: document.body });
  line?.restore();
  tidy();
  if (wasAtEnd) goToEnd();
  else stand?.restore();
  await settled;
  if (!flow()) return;
  const fresh = [...tail().querySelectorAll(".msg.in")].filter((message) => !known.has(message.id)).length;
  if (fresh && !wasAtEnd) offerNewest(fresh);
  if (fresh && wasAtEnd) markRead();
  watchOlder();
  document.dispatchEvent(new CustomEvent("refreshed"));
}

function offerNewest(count) {
  const pill = document.querySelector(".newest") ?? document.createElement("button");
  pill.type = "button";
  pill.className = "newest";
  pill.dataset.count = Number(pill.dataset.count ?? 0) + count;
  pill.textContent = `↓ ${word("new_messages")} · ${pill.dataset.count}`;
  pill.onclick = () => {
    goToEnd();
    markRead();
  };
  document.getElementById("composer").append(pill);
}

// --- older pages ----------------------------------------------------------------------------------------------------

function watchOlder() {
  observer?.disconnect();
  const end = older().querySelector(".older") ?? (older().children.length ? null : tail().querySelector(".older"));
  if (!end) return;
  observer = new IntersectionObserver((seen) => seen.some((entry) => entry.isIntersecting) && showOlder(end), {
    root: flow(),
    rootMargin: "500px 0px 0px",
  });
  observer.observe(end);
}

async function showOlder(end) {
  observer.disconnect();
  const id = currentId();
  try {
    const text = await fragment(`/ui/conversations/${id}/older?before=${encodeURIComponent(end.dataset.older)}`);
    if (id !== currentId() || !end.isConnected) return;
    const parsed = document.createElement("template");
    parsed.innerHTML = text;
    const height = flow().scrollHeight - flow().scrollTop;
    if (older().contains(end)) end.remove();
    const before = [...older().childNodes];
    older().replaceChildren(parsed.content, ...before);
    window.htmx.process(older());
    tidy();
    flow().scrollTop = flow().scrollHeight - height;
    watchOlder();
  } catch (problem) {
    if (!(problem instanceof Problem)) throw problem;
  }
}

// --- being there ----------------------------------------------------------------------------------------------------

function look() {
  if (currentId() && document.visibilityState === "visible") tell({ looking: currentId() });
}

export async function markRead() {
  const id = currentId();
  const row = document.getElementById(`row-${id}`);
  if (!id || document.visibilityState !== "visible" || thread().dataset.unread === "kept") return;
  row?.classList.remove("unread");
  row?.querySelector(".count")?.remove();
  if (await act(`/inbox/${id}/read`)) refreshViews();
}

window.setInterval(look, LOOK_EVERY);
// Signs of others run out without news.
window.setInterval(() => document.querySelector("#present .faces") && refreshPart("present", "present"), SIGN_LASTS);
window.addEventListener("pagehide", () => currentId() && tell({ left: currentId() }));
document.addEventListener("live", look);
document.addEventListener("visibilitychange", () => {
  look();
  if (currentId() && isAtEnd() && document.visibilityState === "visible") markRead();
});
document.addEventListener("window-shut", refresh);
document.addEventListener("scroll", ({ target }) => {
  if (target.id === "flow" && isAtEnd() && document.querySelector(".newest")) {
    goToEnd();
    markRead();
  }
}, true);

async function refreshPart(name, target) {
  const id = currentId();
  const text = await fragment(`/ui/conversations/${id}/${name}`).catch(() => null);
  if (text !== null && id === currentId()) {
    await window.htmx.swap({ text, target: document.getElementById(target), swap: "innerMorph", sourceElement: document.body });
  }
}

export const refreshPerson = () => refreshPart("person", "person");

listen((items) => {
  const mine = items.filter((item) => item.conversation === currentId() && currentId());
  const contact = thread()?.dataset.contact;
  if (items.some((item) => item.what === "reload")) return refresh();
  if (mine.some((item) => item.what !== "presence")) refresh();
  else if (mine.length) refreshPart("present", "present");
  if (contact && items.some((item) => item.what === "contact" && item.contact === contact)) refreshPerson();
  return undefined;
});

export function startThread() {
  if (thread()) arrive();
  window.addEventListener("popstate", () => {
    const id = location.pathname.split("/")[2];
    if (!inbox) return;
    if (location.search !== listAddress().slice("/inbox".length)) showList(location.href, { push: false });
    if (id && id !== openId()) openConversation(id, { push: false });
    else if (!id && openId()) closeConversation({ push: false });
  });
}

export function changed() {
  refresh();
  if (currentId()) refreshRows([currentId()]);
  refreshViews();
}

// Writing an answer or a note: drafts kept on the server, one message for a double click, no text ever lost.
import { attachments, clearAttachments, restoreAttachments, startAttachments, takeAttachments } from "./attachments.js";
import { showMentions, mentioned } from "./mentions.js";
import { tell } from "./live.js";
import { fragment, Problem, send } from "./net.js";
import { discardRecording, startRecorder } from "./recorder.js";
import { openTemplates } from "./templates.js";
import { isAtEnd } from "./reading.js";
import { currentId, goToEnd, onOpen, refresh } from "./thread.js";
import { sayFailed, toast } from "./toast.js";
import { word } from "./words.js";

const DRAFT_AFTER = 700;
const TYPING_EVERY = 3_000;
// A person may answer by hand; and what is written to a broken account waits until it is mended.
const WRITABLE = ["open", "human", "broken"];
const texts = { reply: "", note: "" };
let seen = "";
let draftTimer = 0;
let dirty = "";
let typedAt = 0;

const form = () => document.getElementById("composer-form");
const field = () => document.getElementById("composer-text");
const state = () => document.getElementById("composer-state");
const guard = () => document.getElementById("guard");
export const mode = () => form()?.dataset.mode ?? "";
export const limits = () => JSON.parse(state()?.dataset.limits || "{}");
export const channelName = () => state()?.dataset.channel ?? "";

// --- two texts, one field -------------------------------------------------------------------------------------------

export function setMode(wanted, { focus = true } = {}) {
  const button = document.getElementById(`mode-${wanted}`);
  if (!button) return;
  if (wanted !== mode()) {
    saveDraft();
    texts[mode()] = field().value;
    form().dataset.mode = wanted;
    field().value = texts[wanted];
  }
  for (const other of form().querySelectorAll(".modes button")) other.setAttribute("aria-pressed", String(other === button));
  const said = wanted === "note" ? "Note" : "Reply";
  field().placeholder = field().dataset[`hint${said}`];
  field().setAttribute("aria-label", field().dataset[`label${said}`]);
  document.querySelector("#send [data-send]").textContent = word(wanted === "note" ? "send_note" : "send");
  sized();
  if (focus) field().focus();
}

function mount() {
  if (!form()) return;
  texts.reply = mode() === "reply" ? field().value : "";
  texts.note = field().dataset.note;
  seen = state().dataset.lastSeen;
  dirty = "";
  guard().hidden = true;
  clearAttachments();
  sized();
}

function sized() {
  if (!CSS.supports("field-sizing", "content")) {
    field().style.height = "auto";
    field().style.height = `${field().scrollHeight}px`;
  }
  count();
}

function count() {
  const place = document.getElementById("characters");
  const most = mode() === "reply" ? limits().text : 5000;
  const left = most - field().value.length;
  place.classList.toggle("over", left < 0 && mode() === "note");
  if (!most || left > 300) place.textContent = "";
  else if (left >= 0) place.textContent = word("left_characters", { count: left });
  else if (mode() === "note") place.textContent = word("over_characters", { count: -left });
  else place.textContent = word("delivered_split", { count: Math.ceil(field().value.length / most) });
}

function typed() {
  sized();
  texts[mode()] = field().value;
  dirty = mode();
  window.clearTimeout(draftTimer);
  draftTimer = window.setTimeout(saveDraft, DRAFT_AFTER);
  if (mode() === "reply" && Date.now() - typedAt > TYPING_EVERY) {
    typedAt = Date.now();
    tell({ typing: currentId() });
  }
}

// `keepalive` lets the last words arrive although the page is going away.
function saveDraft() {
  window.clearTimeout(draftTimer);
  if (!dirty || !currentId()) return;
  const draft = new URLSearchParams({ kind: dirty, text: field().value });
  dirty = "";
  send(`/inbox/${currentId()}/draft`, draft, { keepalive: true }).catch(() => {});
}

function forgetDraft() {
  window.clearTimeout(draftTimer);
  dirty = "";
  texts[mode()] = "";
  field().value = "";
  sized();
}

// --- sending --------------------------------------------------------------------------------------------------------

async function submit() {
  if (!guard().hidden) return readFirst();
  if (attachments().some((file) => file.state === "uploading")) return toast(word("wait_upload"));
  if (attachments().some((file) => file.state === "wrong")) return toast(word("wait_upload"), { bad: true });
  const text = field().value.trim();
  const isNote = mode() === "note";
  if (!text && (isNote || !attachments().length)) return field().focus();
  if (!isNote && !WRITABLE.includes(state().dataset.state)) return undefined;
  const letter = { id: currentId(), text, isNote, files: isNote ? [] : takeAttachments(), key: crypto.randomUUID() };
  letter.body = isNote ? noteBody(letter) : replyBody(letter);
  forgetDraft();
  unquote();
  await deliver(letter, bubbleOf(letter));
  return undefined;
}

function noteBody({ text, key }) {
  const body = new URLSearchParams({ text, client_key: key });
  for (const id of mentioned(text)) body.append("mentions", id);
  return body;
}

function replyBody({ text, key, files }) {
  const { account, identity } = state().dataset;
  const body = new URLSearchParams({ text, client_key: key, account, identity, last_seen: seen });
  const quoted = form().elements.reply_to.value;
  if (quoted) body.set("reply_to", quoted);
  for (const file of files) body.append("media", file.id);
  if (files.some((file) => file.isVoice)) body.set("voice", "1");
  return body;
}

async function deliver(letter, bubble) {
  try {
    await send(`/inbox/${letter.id}/${letter.isNote ? "note" : "reply"}`, letter.body);
    window.setTimeout(() => bubble.remove(), 4_000);
    await refresh();
  } catch (problem) {
    if (!(problem instanceof Problem)) throw problem;
    if (problem.code === "newer_message" && letter.id === currentId()) return holdBack(letter, bubble, problem);
    fail(letter, bubble, problem);
  }
  return undefined;
}

// A newer message came: the text goes back into the field, and the person reads first.
async function holdBack(letter, bubble, problem) {
  bubble.remove();
  giveBack(letter);
  await refresh();
  const count = Number(problem.fields.count ?? 1);
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = count > 1 ? word("read_first_many", { count }) : word("read_first");
  button.addEventListener("click", readFirst);
  guard().replaceChildren(button);
  guard().hidden = false;
}

function giveBack({ text, isNote, files }) {
  setMode(isNote ? "note" : "reply");
  field().value = field().value ? `${text}\n${field().value}` : text;
  restoreAttachments(files);
  typed();
}

function readFirst() {
  goToEnd();
  sawAll();
  guard().hidden = true;
  field().focus();
}

function sawAll() {
  seen = state()?.dataset.lastSeen ?? "";
}

// --- the bubble that stands there at once ------------------------------------------------------------------------------

function bubbleOf(letter) {
  const item = document.createElement("article");
  item.className = letter.isNote ? "entry note" : "entry msg out is-sending";
  item.dataset.key = letter.key;
  const bubble = item.appendChild(Object.assign(document.createElement("div"), { className: "bubble" }));
  for (const file of letter.files) bubble.append(preview(file));
  if (letter.text) bubble.append(Object.assign(document.createElement("div"), { className: "text", textContent: letter.text }));
  bubble.append(Object.assign(document.createElement("p"), { className: "meta", textContent: word("sending") }));
  document.getElementById("sending").append(item);
  goToEnd();
  return item;
}

function preview(file) {
  if (file.picture) return Object.assign(document.createElement("img"), { src: file.picture, alt: file.name, className: "sent-picture" });
  return Object.assign(document.createElement("p"), { className: "aside", textContent: file.name });
}

function fail(letter, bubble, problem) {
  if (!bubble.isConnected) return sayFailed(problem.message);
  bubble.className = letter.isNote ? "entry note is-failed" : "entry msg out is-failed";
  bubble.querySelector(".meta").textContent = word("not_sent");
  const trouble = Object.assign(document.createElement("div"), { className: "trouble trouble-danger" });
  const reason = trouble.appendChild(document.createElement("p"));
  reason.append(Object.assign(document.createElement("span"), { textContent: problem.message }));
  const acts = trouble.appendChild(Object.assign(document.createElement("p"), { className: "trouble-acts" }));
  acts.append(
    small(word("retry"), () => retry(letter, bubble, trouble)),
    " ",
    small(word("edit"), () => {
      bubble.remove();
      giveBack(letter);
    }),
  );
  bubble.append(trouble);
  goToEnd();
  return undefined;
}

// The same key: if the first try did arrive after all, this one changes nothing.
function retry(letter, bubble, trouble) {
  trouble.remove();
  bubble.classList.replace("is-failed", "is-sending");
  bubble.querySelector(".meta").textContent = word("sending");
  deliver(letter, bubble);
}

function small(text, run) {
  const made = Object.assign(document.createElement("button"), { type: "button", className: "button small", textContent: text });
  made.addEventListener("click", run);
  return made;
}

// --- quoting, inserting, another way ------------------------------------------------------------------------------------

export function quote(message) {
  setMode("reply");
  form().elements.reply_to.value = message.dataset.message;
  const place = document.getElementById("quoting");
  const isOurs = message.classList.contains("out");
  place.querySelector("[data-who]").textContent = isOurs ? "" : document.querySelector("#head h1 .name").textContent;
  place.querySelector("[data-what]").textContent = textOf(message) || "…";
  place.hidden = false;
}

export const textOf = (message) => message.querySelector("[data-text]")?.textContent.trim() ?? "";

function unquote() {
  if (!form()) return;
  form().elements.reply_to.value = "";
  document.getElementById("quoting").hidden = true;
}

export function insert(text) {
  const { selectionStart: start, selectionEnd: end } = field();
  field().setRangeText(text, start, end, "end");
  field().focus();
  typed();
}

export function reuse(text) {
  setMode("reply");
  field().value = text;
  typed();
}

async function chooseRoute(route) {
  const text = await fragment(`/ui/conversations/${currentId()}/composer?route=${encodeURIComponent(route)}`).catch(() => null);
  if (text === null) return sayFailed();
  await window.htmx.swap({ text, target: state(), swap: "outerMorph", sourceElement: document.body });
  count();
  return field().focus();
}

function pressed(event) {
  if (event.isComposing || event.defaultPrevented) return;
  if (event.key === "Escape") return field().blur();
  if (event.key !== "Enter") return;
  const wantsEnter = document.getElementById("composer").dataset.enter === "on";
  const sends = event.ctrlKey || event.metaKey || (wantsEnter && !event.shiftKey && !event.altKey);
  if (!sends) return;
  event.preventDefault();
  submit();
}

const acts = {
  unquote,
  templates: () => openTemplates({ account: state().dataset.account, identity: state().dataset.identity }),
};

export function startComposer() {
  onOpen(mount);
  startAttachments();
  startRecorder();
  document.addEventListener("leaving", () => {
    if (form()) saveDraft();
    discardRecording();
  });
  window.addEventListener("pagehide", saveDraft);
  document.addEventListener("refreshed", () => {
    if (isAtEnd() && document.visibilityState === "visible") sawAll();
    if (form()) count();
  });
  document.addEventListener("submit", (event) => {
    if (event.target !== form()) return;
    event.preventDefault();
    submit();
  });
  document.addEventListener("input", ({ target }) => {
    if (target === field()) {
      typed();
      showMentions(target, mode() === "note");
    }
  });
  document.addEventListener("keydown", (event) => event.target === field() && pressed(event));
  document.addEventListener("click", (event) => {
    const wanted = event.target.closest(".modes [data-mode]");
    if (wanted) setMode(wanted.dataset.mode);
    const route = event.target.closest("#composer [data-route].item, #composer .shut [data-route]");
    if (route) {
      route.closest("[popover]")?.hidePopover();
      chooseRoute(route.dataset.route);
    }
    const name = event.target.closest("#composer [data-act]")?.dataset.act;
    if (acts[name]) acts[name]();
  });
}

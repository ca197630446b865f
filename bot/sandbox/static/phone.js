// The phone page: who you are, which channel, and everything a customer's thumb can do.
import { icon, initials, make, preview, thread, tone } from "./draw.js";

const $ = (id) => document.getElementById(id);
const language = document.documentElement.lang;
const SAMPLES = [["llave", "image"], ["taladro", "image"], ["pared", "image"], ["comprobante", "image"], ["voz-pedido", "voice"], ["voz-gracias", "voice"], ["lista", "document"]];
const EMOJIS = ["👍", "❤", "😆", "😮", "😢", "🙏"];
const MOST_BYTES = 16 * 1024 * 1024;
const narrow = matchMedia("(max-width: 860px)");

// Whether the chat follows what comes: until somebody scrolls up to read.
let follow = true;
const state = { words: {}, people: [], accounts: [], company: "", person: null, account: null, chat: null, quoted: null, editing: null, recorder: null };
let events = null;
let known = new Set();
let typingTimer = 0;

// --- asking the sandbox ---------------------------------------------------------------------------------------------

async function ask(path, body) {
  const request = body === undefined ? {} : { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
  const answer = await fetch(path, request);
  const found = await answer.json();
  if (!answer.ok) throw new Error(found.error?.message ?? state.words.failed_request);
  return found;
}

const here = () => ({ channel: state.account.kind, account: state.account.id, person: state.person.id });
const query = () => new URLSearchParams(here()).toString();

async function act(what) {
  tell("");
  try {
    await ask("/control/say", { ...here(), ...what });
  } catch (error) {
    tell(error.message);
  }
}

function tell(sentence) {
  $("notice").textContent = sentence;
  $("notice").hidden = !sentence;
}

// --- people and channels --------------------------------------------------------------------------------------------

async function loadPeople() {
  Object.assign(state, await ask("/phone/people"));
  state.account = state.accounts.find((each) => each.id === state.account?.id) ?? state.accounts[0];
  drawChannels();
  drawPeople();
}

function drawChannels() {
  const names = { whatsapp: "WhatsApp", messenger: "Messenger", telegram: "Telegram" };
  const kinds = state.accounts.map((each) => each.kind);
  $("channels").replaceChildren(...state.accounts.map((account) => {
    const twin = kinds.filter((kind) => kind === account.kind).length > 1;
    return make("button", { type: "button", "aria-pressed": String(account.id === state.account?.id), on: { click: () => choose(state.person, account) } },
      icon(account.kind, account.kind), twin ? account.name : names[account.kind]);
  }));
}

function drawPeople() {
  const wanted = fold($("search").value);
  const latest = (person) => Math.max(0, ...Object.values(person.chats).map((chat) => chat.at));
  const people = state.people.filter((person) => fold(`${person.name} ${person.phone} ${person.username}`).includes(wanted));
  people.sort((one, other) => latest(other) - latest(one));
  const rows = people.map((person) => make("li", {}, personRow(person)));
  $("people").replaceChildren(...(rows.length ? rows : [make("li", { class: "none" }, state.words.nobody)]));
}

function personRow(person) {
  const unread = Object.values(person.chats).reduce((sum, chat) => sum + chat.unread, 0);
  const about = person.hidden ? `@${person.username || "…"} · ${state.words.hidden_number}` : person.phone ? `+${person.phone}` : state.words.no_phone;
  return make("button", { type: "button", "data-person": person.id, "aria-current": person.id === state.person?.id ? "true" : null, on: { click: () => choose(person, state.account, true) } },
    make("span", { class: `face ${tone(person.id)}`, "aria-hidden": "true" }, initials(person.name)),
    make("span", { class: "words" }, make("b", { dir: "auto" }, person.name), make("small", {}, about)),
    unread ? make("span", { class: "badge" }, String(unread), make("span", { class: "hidden" }, ` ${state.words.unread}`)) : null);
}

const fold = (text) => text.toLowerCase().normalize("NFD").replace(/\p{M}/gu, "");

async function choose(person, account, open = false) {
  const changed = person !== state.person || account !== state.account;
  Object.assign(state, { person, account });
  document.body.dataset.channel = account.kind;
  if (open) document.body.classList.add("chatting");
  drawChannels();
  drawPeople();
  if (!changed || !person) return;
  known = new Set();
  $("text").value = localStorage.getItem(draftKey()) ?? "";
  quote(null);
  tell("");
  history.replaceState(null, "", `?${new URLSearchParams({ person: person.id, channel: account.kind })}`);
  listen();
  await loadChat();
  if (open && !narrow.matches) $("text").focus();
}

const draftKey = () => `draft:${state.account.id}:${state.person.id}`;

// --- the chat -------------------------------------------------------------------------------------------------------

async function loadChat() {
  const asked = query();
  const chat = await ask(`/phone/chat?${asked}`);
  if (asked !== query()) return;
  state.chat = chat;
  drawChat();
  await read();
}

function drawChat() {
  const { chat, words } = state;
  const flow = $("flow");
  const focused = document.activeElement?.closest?.(".line")?.dataset.id;
  const fresh = new Set(known.size ? chat.lines.map((line) => line.id).filter((id) => !known.has(id)) : []);
  const said = chat.lines.at(-1);
  if (known.size === 0 || (fresh.has(said?.id) && said.by === "person")) follow = true;
  known = new Set(chat.lines.map((line) => line.id));
  flow.replaceChildren(...thread({ lines: chat.lines, words, language, channel: state.account.kind, deeds: { press, openList, openMenu }, fresh }));
  if (focused) flow.querySelector(`[data-id="${CSS.escape(focused)}"] .menu`)?.focus({ preventScroll: true });
  toEnd();
  $("company").textContent = chat.company;
  $("company-face").textContent = initials(chat.company);
  $("me").textContent = state.person.name;
  $("blocking").checked = chat.blocked;
  drawState();
  drawKeys();
  drawSend();
}

function toEnd() {
  if (follow) $("flow").scrollTop = $("flow").scrollHeight;
}

function drawState() {
  const quiet = { whatsapp: state.words.online, messenger: state.words.page, telegram: state.words.bot }[state.account.kind];
  const typing = state.chat.typing > 0;
  $("company-state").textContent = state.chat.blocked ? state.words.blocked : typing ? state.words.typing : quiet;
  clearTimeout(typingTimer);
  if (typing) typingTimer = setTimeout(() => { state.chat.typing = 0; drawState(); }, state.chat.typing * 1000);
}

function drawKeys() {
  const { chat, words } = state;
  const holder = [...chat.lines].reverse().find((line) => line.data.keyboard);
  const keys = chat.keyboard.map((key) => make("button", { type: "button", on: { click: () => press(holder, key) } }, key.title));
  if (chat.blocked) keys.push(make("button", { type: "button", class: "start", on: { click: () => block(false) } }, words.unblock));
  else if (state.account.kind === "telegram" && !chat.lines.length) keys.push(make("button", { type: "button", class: "start", on: { click: () => act({ text: "/start" }) } }, words.start));
  $("keys").replaceChildren(...keys);
  $("keys").hidden = !keys.length;
}

async function read() {
  const mayRead = $("reading").checked && document.visibilityState === "visible" && (!narrow.matches || document.body.classList.contains("chatting"));
  const unread = state.chat?.lines.some((line) => line.by === "company" && (line.status === "sent" || line.status === "delivered"));
  if (mayRead && unread && !state.chat.blocked) await ask("/control/seen", here());
}

// --- live -----------------------------------------------------------------------------------------------------------

function listen() {
  events?.close();
  events = new EventSource(`/phone/events?${query()}`);
  events.onopen = () => {
    if ($("notice").textContent === state.words.offline) tell("");
    loadChat().catch(() => {});
  };
  events.onerror = () => tell(state.words.offline);
  events.onmessage = (event) => {
    const changed = JSON.parse(event.data);
    if (changed.some((each) => each.account === state.account.id && each.person === state.person.id)) loadChat().catch(() => {});
    refreshPeople();
  };
}

let refreshing = 0;
function refreshPeople() {
  clearTimeout(refreshing);
  refreshing = setTimeout(async () => {
    const focused = document.activeElement?.dataset?.person;
    state.people = (await ask("/phone/people")).people;
    drawPeople();
    if (focused) document.querySelector(`[data-person="${CSS.escape(focused)}"]`)?.focus();
  }, 300);
}

// --- doing ----------------------------------------------------------------------------------------------------------

function quote(line) {
  state.quoted = line;
  $("quoted").textContent = line ? preview(line, state.words) : "";
  $("quoting").hidden = !line;
  if (line) $("text").focus();
}

async function write() {
  const text = $("text").value.trim();
  if (!text) return;
  $("text").value = "";
  localStorage.removeItem(draftKey());
  const reply = state.quoted ? { reply_to: state.quoted.id } : {};
  const editing = state.editing;
  state.editing = null;
  quote(null);
  drawSend();
  await act(editing ? { edit: { message: editing.id, text } } : { text, ...reply });
}

async function press(line, button) {
  $("choosing").close();
  if (button.kind === "location") return act({ location: { ...PARK }, reply_to: line.id });
  return act({ press: { message: line.id, button: button.id } });
}
const PARK = { latitude: 4.6735, longitude: -74.0557, name: "Parque El Virrey", address: "Carrera 15 # 87-39, Bogotá" };

function openList(line) {
  $("choosing-title").textContent = line.data.menu || state.words.open_list;
  let section = "";
  $("choices").replaceChildren(...line.data.buttons.flatMap((row) => {
    const head = row.section && row.section !== section ? [make("h3", {}, (section = row.section))] : [];
    return [...head, make("button", { type: "button", on: { click: () => press(line, row) } }, make("b", {}, row.title), row.description ? make("small", {}, row.description) : null)];
  }));
  $("choosing").showModal();
}

function openMenu(line) {
  const { words } = state;
  const done = (deed) => () => { $("doing").close(); deed(); };
  const react = (emoji) => act({ react: { message: line.id, emoji } });
  $("emojis").replaceChildren(...EMOJIS.map((emoji) => make("button", { type: "button", "aria-label": emoji, on: { click: done(() => react(emoji)) } }, emoji)));
  const deeds = [[words.reply, () => quote(line)]];
  if (line.reactions.person) deeds.push([words.unreact, () => react("")]);
  if (line.by === "person" && line.kind === "text") deeds.push([words.edit, () => edit(line)]);
  if (line.by === "person" && state.account.kind === "whatsapp") deeds.push([words.remove, () => act({ delete: line.id })]);
  $("deeds").replaceChildren(...deeds.map(([title, deed]) => make("button", { type: "button", on: { click: done(deed) } }, title)));
  $("doing").showModal();
}

function edit(line) {
  quote(null);
  state.editing = line;
  $("text").value = line.text;
  $("quoted").textContent = state.words.edit_title;
  $("quoting").hidden = false;
  $("text").focus();
  drawSend();
}

async function block(blocked) {
  await ask("/control/block", { ...here(), blocked });
  await loadChat();
}

async function sendFile(file, kind) {
  if (!file) return;
  if (file.size > MOST_BYTES) return tell(state.words.too_large);
  const data = await new Promise((resolve) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result.slice(reader.result.indexOf(",") + 1));
    reader.readAsDataURL(file);
  });
  const seconds = file.seconds ?? 0;
  await act({ media: { kind, data, name: file.name ?? "", mime: file.type || "application/octet-stream", seconds }, ...(state.quoted ? { reply_to: state.quoted.id } : {}) });
  quote(null);
}

async function attach(what) {
  $("attaching").close();
  if (what === "picture" || what === "document") return $(what).click();
  if (what === "location") return act({ location: PARK });
  return act({ contact: { name: "Luis Gil · Maestro de obra", phones: ["+57 300 555 0188"] } });
}

function drawSamples() {
  $("samples").replaceChildren(...SAMPLES.map(([name, kind]) => make("button", { type: "button", on: { click: () => sendSample(name, kind) } },
    ...(kind === "image" ? [make("img", { src: `/static/samples/${name}.jpg`, alt: name, loading: "lazy" })] : [icon(kind === "voice" ? "mic" : "file"), make("span", {}, kind === "voice" ? state.words.voice : "PDF")]))));
}

function sendSample(name, kind) {
  $("attaching").close();
  return act({ media: { kind, sample: name, seconds: kind === "voice" ? 7 : 0 } });
}

// --- voice notes ----------------------------------------------------------------------------------------------------

async function record() {
  let stream;
  try {
    stream = await navigator.mediaDevices.getUserMedia({ audio: true });
  } catch {
    return tell(state.words.no_microphone);
  }
  const parts = [];
  const recorder = (state.recorder = new MediaRecorder(stream));
  recorder.ondataavailable = (event) => parts.push(event.data);
  recorder.onstop = async () => {
    stream.getTracks().forEach((track) => track.stop());
    state.recorder = null;
    drawSend();
    tell("");
    const answer = await fetch("/phone/voice", { method: "POST", body: new Blob(parts) });
    if (!answer.ok) return tell(state.words.failed_request);
    const note = new Blob([await answer.arrayBuffer()], { type: "audio/ogg; codecs=opus" });
    note.seconds = Number(answer.headers.get("X-Seconds"));
    return sendFile(note, "voice");
  };
  recorder.start();
  tell(state.words.recording);
  return drawSend();
}

function drawSend() {
  const [symbol, label] = state.recorder ? ["stop", state.words.stop_recording] : $("text").value.trim() ? ["send", state.words.send] : ["mic", state.words.record];
  $("send").replaceChildren(icon(symbol));
  $("send").setAttribute("aria-label", label);
  $("send").classList.toggle("live", Boolean(state.recorder));
}

// --- hands ----------------------------------------------------------------------------------------------------------

$("composer").addEventListener("submit", (event) => {
  event.preventDefault();
  if (state.recorder) return state.recorder.stop();
  return $("text").value.trim() ? write() : record();
});
$("text").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) { event.preventDefault(); write(); }
  if (event.key === "Escape") { state.editing = null; quote(null); }
});
$("text").addEventListener("input", () => { localStorage.setItem(draftKey(), $("text").value); drawSend(); });
$("unquote").addEventListener("click", () => { if (state.editing) $("text").value = ""; state.editing = null; quote(null); drawSend(); });
$("attach").addEventListener("click", () => $("attaching").showModal());
for (const kind of ["picture", "document"]) {
  $(kind).addEventListener("change", async (event) => {
    const [file] = event.target.files;
    event.target.value = "";
    await sendFile(file, kind === "document" ? "document" : file?.type.startsWith("video/") ? "video" : "image");
  });
}
$("text").addEventListener("paste", (event) => {
  const [file] = event.clipboardData.files;
  if (file) { event.preventDefault(); sendFile(file, file.type.startsWith("image/") ? "image" : "document"); }
});
document.querySelectorAll("[data-attach]").forEach((button) => button.addEventListener("click", () => attach(button.dataset.attach)));
document.querySelectorAll("[data-close]").forEach((button) => button.addEventListener("click", () => button.closest("dialog").close()));
document.querySelectorAll("dialog").forEach((dialog) => dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); }));
$("search").addEventListener("input", drawPeople);
$("flow").addEventListener("scroll", (event) => { follow = event.target.scrollHeight - event.target.scrollTop - event.target.clientHeight < 80; });
// Pictures get their height late, and a phone's keyboard takes some away.
$("flow").addEventListener("load", toEnd, true);
new ResizeObserver(toEnd).observe($("flow"));
$("reading").addEventListener("change", () => read());
$("blocking").addEventListener("change", (event) => block(event.target.checked));
$("share").addEventListener("click", () => ask("/control/share", here()).catch((error) => tell(error.message)));
$("back").addEventListener("click", () => document.body.classList.remove("chatting"));
$("add").addEventListener("click", () => $("adding").showModal());
$("newcomer").addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = new FormData(event.target);
  const newcomer = { name: form.get("name"), phone: form.get("phone"), username: form.get("username").replace("@", ""), hidden: form.has("hidden") };
  try {
    const made = await ask("/control/people", newcomer);
    await loadPeople();
    await choose(state.people.find((person) => person.id === made.id), state.account, true);
    event.target.reset();
    $("wrong").hidden = true;
    $("adding").close();
    $("text").focus();
  } catch (error) {
    $("wrong").textContent = error.message;
    $("wrong").hidden = false;
  }
});
document.addEventListener("visibilitychange", () => read());

function tick() {
  $("clock").textContent = new Date().toLocaleTimeString(language, { hour: "2-digit", minute: "2-digit" });
}

state.words = await ask(`/phone/words?lang=${language}`);
tick();
setInterval(tick, 10_000);
drawSamples();
await loadPeople();
const wished = new URLSearchParams(location.search);
const account = state.accounts.find((each) => each.kind === wished.get("channel")) ?? state.account;
const person = state.people.find((each) => each.id === wished.get("person"));
await choose(person ?? state.people[0], account, Boolean(person));
document.body.dataset.ready = "true";

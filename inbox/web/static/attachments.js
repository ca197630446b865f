// Files on their way: chosen, dropped or pasted; measured against the channel's limit before they are uploaded.
import { channelName, limits, mode, setMode } from "./composer.js";
import { csrf, send } from "./net.js";
import { toast } from "./toast.js";
import { word } from "./words.js";

let files = [];

const shelf = () => document.getElementById("attached");
export const attachments = () => files;

export function clearAttachments() {
  files = [];
  if (shelf()) draw();
}

// Hands them over and empties the shelf.
export function takeAttachments() {
  const taken = files;
  files = [];
  draw();
  return taken;
}

export function restoreAttachments(given) {
  files = [...given, ...files];
  draw();
}

export function addFiles(list, { isVoice = false } = {}) {
  if (!shelf()) return;
  if (mode() === "note") setMode("reply");
  for (const blob of list) add(blob, isVoice);
  draw();
}

function add(blob, isVoice) {
  const file = { name: blob.name || "voice.webm", blob, isVoice, state: "uploading", part: 0, id: "" };
  if (blob.type.startsWith("image/")) file.picture = URL.createObjectURL(blob);
  const reason = isVoice ? "" : whyNot(blob);
  if (reason) {
    toast(reason, { bad: true });
    return;
  }
  files.push(file);
  upload(file);
}

const kindOf = (type) => ["image", "video", "audio"].find((kind) => type.startsWith(`${kind}/`)) ?? "document";

// What the channel would refuse is said before a byte is sent.
function whyNot(blob) {
  const kind = kindOf(blob.type);
  const { media_bytes: most = {}, mimes = {} } = limits();
  const fields = { name: blob.name, channel: channelName() };
  const allowed = mimes[kind];
  const fits = !allowed?.length || allowed.some((mime) => mime === blob.type || mime.endsWith("/*") || mime === "*");
  if (!fits && !most.document) return word("wrong_kind", fields);
  const limit = (fits ? most[kind] : 0) ?? most.document;
  const highest = Math.max(limit ?? 0, most.document ?? 0);
  if (highest && blob.size > highest) return word("too_big", { ...fields, size: readable(blob.size), limit: readable(highest) });
  return "";
}

const readable = (bytes) => (bytes < 1e6 ? `${Math.max(1, Math.round(bytes / 1e3))} kB` : `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`);

// XMLHttpRequest, because fetch does not tell how far an upload has come.
function upload(file) {
  const request = new XMLHttpRequest();
  const body = new FormData();
  body.set("file", file.blob, file.name);
  body.set("conversation", document.getElementById("composer").dataset.id);
  if (file.isVoice) body.set("kind", "voice");
  file.request = request;
  request.open("POST", "/uploads");
  request.setRequestHeader("X-CSRF-Token", csrf());
  request.setRequestHeader("Accept", "application/json");
  request.responseType = "json";
  request.upload.addEventListener("progress", ({ loaded, total }) => progress(file, loaded / total));
  request.addEventListener("load", () => arrived(file, request));
  request.addEventListener("error", () => broke(file, word("upload_failed", { name: file.name })));
  request.send(body);
}

function progress(file, part) {
  file.part = part;
  const bar = file.line?.querySelector("progress");
  if (bar) bar.value = part;
}

function arrived(file, request) {
  if (request.status >= 300) return broke(file, request.response?.error?.message ?? word("upload_failed", { name: file.name }));
  Object.assign(file, { id: request.response.id, name: file.isVoice ? file.name : request.response.name || file.name, state: "ready" });
  file.whenReady?.();
  return draw();
}

function broke(file, reason) {
  Object.assign(file, { state: "wrong", reason });
  toast(reason, { bad: true });
  draw();
}

function remove(file) {
  file.request?.abort();
  files = files.filter((other) => other !== file);
  if (file.id) send(`/uploads/${file.id}`, null, { method: "DELETE" }).catch(() => {});
  draw();
  document.getElementById("composer-text").focus();
}

function draw() {
  shelf().hidden = !files.length;
  shelf().replaceChildren(...files.map(lineOf));
}

function lineOf(file) {
  const line = document.createElement("li");
  file.line = line;
  line.classList.toggle("wrong", file.state === "wrong");
  if (file.picture) line.append(Object.assign(new Image(), { src: file.picture, alt: "" }));
  const words = line.appendChild(Object.assign(document.createElement("span"), { className: "words" }));
  words.append(Object.assign(document.createElement("b"), { className: "cut", textContent: file.name }));
  const said = { uploading: word("uploading"), ready: `${readable(file.blob.size)} · ${word("uploaded")}`, wrong: file.reason };
  words.append(Object.assign(document.createElement("span"), { className: "cut", textContent: said[file.state] }));
  const cross = Object.assign(document.createElement("button"), { type: "button", className: "button quiet icon-only", textContent: "✕" });
  cross.setAttribute("aria-label", word("remove", { name: file.name }));
  cross.addEventListener("click", () => remove(file));
  line.append(cross);
  if (file.state === "uploading") {
    const bar = Object.assign(document.createElement("progress"), { value: file.part, max: 1 });
    bar.setAttribute("aria-label", word("uploading"));
    line.append(bar);
  }
  return line;
}

// Waits until a file is there. Answers false when it failed.
export function whenReady(file) {
  if (file.state !== "uploading") return Promise.resolve(file.state === "ready");
  return new Promise((resolve) => {
    file.whenReady = () => resolve(true);
    file.request.addEventListener("loadend", () => resolve(file.state === "ready"));
  });
}

export function startAttachments() {
  document.addEventListener("change", ({ target }) => {
    if (target.id !== "attach") return;
    addFiles(target.files);
    target.value = "";
  });
  document.addEventListener("paste", (event) => {
    const pasted = [...(event.clipboardData?.files ?? [])];
    if (!pasted.length || !shelf() || event.target.closest("dialog")) return;
    event.preventDefault();
    addFiles(pasted);
  });
  let depth = 0;
  const over = (event) => event.dataTransfer?.types.includes("Files") && event.target.closest?.("#thread");
  document.addEventListener("dragenter", (event) => {
    if (over(event)) document.getElementById("composer").classList.toggle("dropping", (depth += 1) > 0);
  });
  document.addEventListener("dragleave", (event) => {
    if (over(event) && (depth -= 1) <= 0) endDrop();
  });
  document.addEventListener("dragover", (event) => over(event) && event.preventDefault());
  document.addEventListener("drop", (event) => {
    if (!over(event)) return;
    event.preventDefault();
    endDrop();
    addFiles(event.dataTransfer.files);
  });
  function endDrop() {
    depth = 0;
    document.getElementById("composer")?.classList.remove("dropping");
  }
}

// Voice notes: record, see that it hears you, listen, discard or send. The server makes them what the channel takes.
import { addFiles, attachments, whenReady } from "./attachments.js";
import { length } from "./clockwork.js";
import { toast } from "./toast.js";
import { word } from "./words.js";

const TYPES = ["audio/ogg;codecs=opus", "audio/webm;codecs=opus", "audio/mp4"];
let recording = null;

const place = () => document.getElementById("recorder");
const button = (name) => place().querySelector(`[data-act="record-${name}"]`);

async function start() {
  if (recording) return;
  let stream;
  try {
    stream = await navigator.mediaDevices.getUserMedia({ audio: true });
  } catch {
    toast(word("no_microphone"), { bad: true });
    return;
  }
  const type = TYPES.find((name) => MediaRecorder.isTypeSupported(name));
  const recorder = new MediaRecorder(stream, type ? { mimeType: type, audioBitsPerSecond: 32_000 } : {});
  recording = { recorder, stream, parts: [], began: Date.now(), context: new AudioContext() };
  recorder.addEventListener("dataavailable", ({ data }) => recording?.parts.push(data));
  recorder.start(500);
  place().hidden = false;
  place().classList.remove("done");
  button("listen").hidden = true;
  button("stop").hidden = false;
  watch(recording);
}

// The time and the loudness, ten times a second.
function watch(mine) {
  const hears = mine.context.createAnalyser();
  mine.context.createMediaStreamSource(mine.stream).connect(hears);
  const levels = new Uint8Array(hears.fftSize);
  const meter = place().querySelector("[data-meter]");
  meter.replaceChildren();
  mine.timer = window.setInterval(() => {
    hears.getByteTimeDomainData(levels);
    const loudest = levels.reduce((most, level) => Math.max(most, Math.abs(level - 128)), 0) / 128;
    const bar = meter.appendChild(document.createElement("i"));
    bar.style.height = `${Math.max(3, Math.min(24, loudest * 40))}px`;
    if (meter.children.length > 120) meter.firstElementChild.remove();
    place().querySelector("[data-timer]").textContent = length((Date.now() - mine.began) / 1000);
  }, 100);
}

function end() {
  if (!recording) return Promise.resolve();
  window.clearInterval(recording.timer);
  for (const track of recording.stream.getTracks()) track.stop();
  recording.context.close().catch(() => {});
  if (recording.recorder.state === "inactive") return Promise.resolve();
  return new Promise((resolve) => {
    recording.recorder.addEventListener("stop", resolve, { once: true });
    recording.recorder.stop();
  });
}

async function stop() {
  await end();
  const sound = place().querySelector("[data-listen]");
  sound.src = URL.createObjectURL(blobOf(recording));
  place().classList.add("done");
  button("stop").hidden = true;
  button("listen").hidden = false;
}

const blobOf = ({ parts, recorder }) => new Blob(parts, { type: recorder.mimeType });

export async function discardRecording() {
  if (!recording) return;
  await end();
  recording = null;
  if (place()) place().hidden = true;
}

function listen() {
  const sound = place().querySelector("[data-listen]");
  if (sound.paused) sound.play();
  else sound.pause();
}

// Sending while it records ends the recording first, uploads it, then sends.
async function finish(event) {
  event.preventDefault();
  event.stopImmediatePropagation();
  await end();
  const { mimeType } = recording.recorder;
  const ending = mimeType.includes("ogg") ? "ogg" : mimeType.includes("mp4") ? "m4a" : "webm";
  const file = new File([blobOf(recording)], `voice.${ending}`, { type: mimeType.split(";")[0] });
  recording = null;
  place().hidden = true;
  addFiles([file], { isVoice: true });
  const added = attachments().at(-1);
  if (added && (await whenReady(added))) document.getElementById("composer-form").requestSubmit();
}

const acts = { record: start, "record-stop": stop, "record-discard": discardRecording, "record-listen": listen };

export function startRecorder() {
  document.addEventListener("click", (event) => {
    const name = event.target.closest("[data-act]")?.dataset.act;
    if (acts[name]) acts[name]();
  });
  document.addEventListener("submit", (event) => {
    if (recording && event.target.id === "composer-form") finish(event);
  }, true);
}

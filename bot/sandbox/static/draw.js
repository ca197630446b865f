// What stands on the phone, from data to elements. Nothing is ever parsed as HTML.

export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "on") for (const [event, listener] of Object.entries(value)) element.addEventListener(event, listener);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== undefined && value !== null) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== ""));
  return element;
}

export function icon(name, more = "") {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", `icon ${more}`);
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `#i-${name}`);
  svg.append(use);
  return svg;
}

export function initials(name) {
  const words = name.split(/\s+/).filter((word) => /^\p{L}/u.test(word));
  return (words.length > 1 ? words[0][0] + words.at(-1)[0] : (words[0] ?? "?").slice(0, 2)).toUpperCase();
}

export function tone(text) {
  return `tone-${[...text].reduce((sum, letter) => (sum * 31 + letter.codePointAt(0)) % 8, 7)}`;
}

const fileOf = (media) => (media.id ? `/phone/files/${media.id}` : "");

export function preview(line, words) {
  const named = { image: words.photo, photo: words.photo, video: words.video, animation: words.video, voice: words.voice, audio: words.voice, sticker: words.sticker };
  const media = line.data.media;
  if (line.kind === "deleted") return words.deleted;
  return line.text || line.data.place?.name || line.data.cards?.[0]?.name || (media && (media.name || named[media.kind])) || (line.data.place && words.place) || words.unknown;
}

function picture(media, words, line) {
  const source = fileOf(media);
  if (!source) return linked(media.link, media.name || media.link, "image");
  if (media.kind === "video" || media.kind === "animation") {
    return make("video", { src: source, controls: true, preload: "metadata", class: "media", "aria-label": words.video });
  }
  return make("img", { src: source, class: `media ${media.kind}`, alt: line.text || (media.kind === "sticker" ? words.sticker : words.photo) });
}

function linked(address, title, symbol) {
  const safe = /^https?:\/\//i.test(address ?? "");
  const words = make("span", {}, make("b", {}, title || address || ""));
  return safe ? make("a", { class: "filed", href: address, target: "_blank", rel: "noreferrer" }, icon(symbol), words) : make("span", { class: "filed" }, icon(symbol), words);
}

function filed(media, words) {
  if (!media.id) return linked(media.link, media.name || words.file, "file");
  return make("a", { class: "filed", href: fileOf(media), download: media.name || true }, icon("file"), make("span", {}, make("b", {}, media.name || words.file)));
}

const clockOf = (seconds) => `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;

function voice(media, words) {
  const sound = new Audio();
  sound.preload = "none";
  sound.src = fileOf(media);
  const bar = make("progress", { max: 1, value: 0, "aria-hidden": "true" });
  const time = make("span", {}, media.seconds ? clockOf(media.seconds) : "");
  const button = make("button", { type: "button", "aria-label": words.play }, icon("play"));
  const show = () => {
    button.replaceChildren(icon(sound.paused ? "play" : "pause"));
    button.setAttribute("aria-label", sound.paused ? words.play : words.pause);
  };
  button.addEventListener("click", () => (sound.paused ? sound.play().catch(show) : sound.pause()));
  for (const event of ["play", "pause", "ended"]) sound.addEventListener(event, show);
  sound.addEventListener("timeupdate", () => {
    const length = Number.isFinite(sound.duration) ? sound.duration : media.seconds || 1;
    bar.value = sound.currentTime / length;
    time.textContent = clockOf(sound.currentTime || length);
  });
  return make("div", { class: "voice" }, button, bar, time);
}

function place(spot, words) {
  const where = `${Number(spot.latitude).toFixed(5)}, ${Number(spot.longitude).toFixed(5)}`;
  const address = `https://www.openstreetmap.org/?mlat=${spot.latitude}&mlon=${spot.longitude}#map=16/${spot.latitude}/${spot.longitude}`;
  return make("a", { class: "filed", href: address, target: "_blank", rel: "noreferrer" }, icon("pin"),
    make("span", {}, make("b", {}, spot.name || words.place), make("small", {}, spot.address || where)));
}

const card = (each) => make("span", { class: "filed" }, icon("card"), make("span", {}, make("b", {}, each.name), make("small", {}, (each.phones ?? []).join(", "))));

function mediaOf(line, words) {
  const media = line.data.media;
  if (!media) return null;
  if (media.kind === "voice" || media.kind === "audio") return voice(media, words);
  return media.kind === "document" ? filed(media, words) : picture(media, words, line);
}

function foot(line, words, language) {
  const time = new Date(line.at * 1000).toLocaleTimeString(language, { hour: "2-digit", minute: "2-digit" });
  const parts = [line.data.edited ? make("span", {}, words.edited) : null, make("time", {}, time)];
  if (line.by === "person") {
    const symbol = { waiting: "clock", sent: "check", delivered: "checks", read: "checks", failed: "alert" }[line.status];
    parts.push(make("span", { class: line.status, title: words[line.status] }, icon(symbol), make("span", { class: "hidden" }, words[line.status])));
  }
  return make("div", { class: "foot" }, ...parts);
}

function choices(line, words, deeds) {
  const buttons = line.data.buttons ?? [];
  if (!buttons.length) return null;
  if (line.data.menu) {
    return make("div", { class: "choices" }, make("button", { type: "button", on: { click: () => deeds.openList(line) } }, icon("list"), line.data.menu));
  }
  const titles = { contact: words.give_contact, location: words.give_location };
  return make("div", { class: "choices" }, ...buttons.map((button) => {
    const title = button.title || titles[button.kind] || button.id;
    if (button.kind === "url") return make("a", { href: /^https?:/i.test(button.url) ? button.url : "#", target: "_blank", rel: "noreferrer" }, icon("link"), title);
    const symbol = { call: "phone", contact: "card", location: "pin" }[button.kind];
    const dead = button.kind === "call" || button.kind === "copy";
    return make("button", { type: "button", disabled: dead, on: { click: () => deeds.press(line, button) } }, symbol ? icon(symbol) : null, title);
  }));
}

function bubble(line, context) {
  const { words, language, lines, deeds, fresh } = context;
  const quoted = line.quoted && lines.find((each) => each.id === line.quoted);
  const data = line.data;
  const body = line.kind === "deleted" ? make("span", { class: "gone" }, words.deleted) : make("span", { dir: "auto" }, line.kind === "raw" ? words.unknown : line.text);
  const parts = [
    quoted ? make("span", { class: "quote" }, preview(quoted, words)) : null,
    data.header ? make("h3", {}, data.header) : null,
    mediaOf(line, words),
    data.place && line.kind !== "deleted" ? place(data.place, words) : null,
    ...(data.cards ?? []).map(card),
    body.textContent ? body : null,
    data.footer ? make("footer", {}, data.footer) : null,
    foot(line, words, language),
  ];
  const menu = make("button", { type: "button", class: "menu", "aria-haspopup": "dialog", "aria-label": `${words.message_options}: ${preview(line, words)}`, on: { click: () => deeds.openMenu(line) } }, icon("more"));
  const balloon = make("div", { class: fresh.has(line.id) ? "bubble fresh" : "bubble" }, ...parts);
  return make("div", { class: "row" }, balloon, line.kind === "deleted" ? null : menu);
}

function dayOf(at, words, language) {
  const midnight = new Date().setHours(0, 0, 0, 0);
  const day = new Date(at * 1000).setHours(0, 0, 0, 0);
  if (day === midnight) return words.today;
  if (Math.round((midnight - day) / 86400000) === 1) return words.yesterday;
  return new Date(day).toLocaleDateString(language, { weekday: "long", day: "numeric", month: "long" });
}

export function thread(context) {
  const { lines, words, language, channel, deeds } = context;
  if (!lines.length) return [make("p", { class: "hint" }, words[`empty_${channel}`])];
  const shown = [];
  let day = "";
  const lastOfCompany = lines.findLast((line) => line.by === "company");
  lines.forEach((line, index) => {
    const today = dayOf(line.at, words, language);
    if (today !== day) shown.push(make("div", { class: "day" }, (day = today)));
    const mine = line.by === "person";
    const turn = index > 0 && lines[index - 1].by !== line.by;
    const reactions = Object.values(line.reactions).join(" ");
    const seen = line === lastOfCompany && channel !== "telegram" ? make("small", { class: `seen ${line.status}` }, `${words.company_sees} ${words[line.status]}`) : null;
    shown.push(make("div", { class: `line${mine ? " mine" : ""}${turn ? " turn" : ""}`, "data-id": line.id },
      bubble(line, context), reactions ? make("span", { class: "reactions" }, reactions) : null, choices(line, words, deeds), seen));
  });
  return shown;
}

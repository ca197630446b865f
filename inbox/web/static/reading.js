// Reading the thread: what is being read never moves, and nothing stands there twice or is missing in between.
const NEAR_END = 80;

export const flow = () => document.getElementById("flow");
export const tail = () => document.getElementById("tail");
export const older = () => document.getElementById("older");

export const isAtEnd = () => !flow() || flow().scrollHeight - flow().scrollTop - flow().clientHeight < NEAR_END;

// The answer holds the newest messages only: what stood before the first of them goes to the older ones as it is.
export function keepOlder(text) {
  const parsed = document.createElement("template");
  parsed.innerHTML = text;
  const first = parsed.content.querySelector('[hx-target="#tail"] .msg')?.id;
  const at = first && tail().querySelector(`#${CSS.escape(first)}`);
  if (!at) {
    // More has come than is shown: between the two would be a hole.
    older().replaceChildren();
    return;
  }
  const before = [];
  const start = at.previousElementSibling?.matches(".author") ? at.previousElementSibling : at;
  for (let node = start.previousElementSibling; node; node = node.previousElementSibling) before.unshift(node);
  if (!before.some((node) => node.matches(".entry"))) return;
  older().append(...before.filter((node) => !node.matches(".older") || !older().children.length));
}

// The line above what is new stays while the conversation is open, although the server counts it as read by now.
export function newLine() {
  const line = document.getElementById("new-line");
  const under = line?.nextElementSibling?.matches(".author") ? line.nextElementSibling.nextElementSibling : line?.nextElementSibling;
  if (!line || !under?.id) return null;
  const copy = line.cloneNode(true);
  return {
    restore() {
      const message = document.getElementById(under.id);
      if (!message || document.getElementById("new-line")) return;
      const author = message.previousElementSibling;
      (author?.matches(".author") ? author : message).before(copy);
    },
  };
}

// What is being read stays where it stands, whatever is put above it.
export function standing() {
  const top = flow().getBoundingClientRect().top;
  const read = [...flow().querySelectorAll(".entry")].find((entry) => entry.getBoundingClientRect().bottom > top);
  const stood = read?.getBoundingClientRect().top;
  return read && {
    restore() {
      const now = document.getElementById(read.id)?.getBoundingClientRect().top;
      if (now !== undefined && now !== stood) flow().scrollTop += now - stood;
    },
  };
}

// Day lines that say the same twice, messages that stand on two pages, bubbles that have become messages.
export function tidy() {
  const ids = new Set([...tail().querySelectorAll(":scope > [id]")].map((item) => item.id));
  for (const item of older().querySelectorAll(":scope > [id]")) if (ids.has(item.id)) item.remove();
  let day = "";
  for (const line of flow().querySelectorAll(".day")) {
    line.hidden = line.dataset.day === day;
    day = line.dataset.day;
  }
  const keys = new Set([...tail().querySelectorAll("[data-key]")].map((item) => item.dataset.key));
  for (const bubble of document.querySelectorAll("#sending [data-key]")) if (keys.has(bubble.dataset.key)) bubble.remove();
}

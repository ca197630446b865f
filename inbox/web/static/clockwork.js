// What changes by itself as time goes by: windows that close, people who wait. By the server's clock.
import { word } from "./words.js";

const EVERY = 15_000;
const HOUR = 3_600_000;
const drift = Date.parse(document.querySelector('meta[name="now"]')?.content ?? "") - Date.now() || 0;

export const now = () => Date.now() + drift;

export function span(milliseconds) {
  const minutes = Math.max(0, Math.floor(milliseconds / 60_000));
  if (minutes < 60) return `${minutes} min`;
  if (minutes < 48 * 60) return `${Math.floor(minutes / 60)} h`;
  return `${Math.floor(minutes / 1440)} d`;
}

export const length = (seconds) => `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;

function turn() {
  for (const chip of document.querySelectorAll("[data-closes]")) turnWindow(chip);
  for (const chip of document.querySelectorAll("[data-since]")) {
    chip.textContent = word("waits", { left: span(now() - Date.parse(chip.dataset.since)) });
  }
}

function turnWindow(chip) {
  const left = Date.parse(chip.dataset.closes) - now();
  const level = left <= 0 ? "shut" : left < HOUR ? "danger" : left < 4 * HOUR ? "warn" : "calm";
  if (!chip.classList.contains(`window-${level}`)) {
    chip.classList.remove("window-calm", "window-warn", "window-danger", "window-shut");
    chip.classList.add(`window-${level}`);
    if (level === "shut" && chip.dataset.then) document.dispatchEvent(new CustomEvent("window-shut"));
  }
  const text = level === "shut" ? word("closed") : word("closes_in", { left: span(left) });
  const place = chip.querySelector("span");
  if (place.textContent !== text) place.textContent = text;
}

window.setInterval(turn, EVERY);

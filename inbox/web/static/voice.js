// The player of voice messages: play, seek in the wave, three speeds. One plays at a time.
import { length } from "./clockwork.js";

const SPEEDS = [1, 1.5, 2];
const players = new WeakMap();
let playing = null;
let speed = Number(localStorage.getItem("speed")) || 1;

function playerOf(box) {
  if (players.has(box)) return players.get(box);
  const sound = new Audio(box.dataset.voice);
  sound.preload = "metadata";
  const player = { box, sound, bars: [...box.querySelectorAll("rect")] };
  sound.addEventListener("timeupdate", () => draw(player));
  sound.addEventListener("ended", () => {
    sound.currentTime = 0;
    pause(player);
  });
  sound.addEventListener("error", () => pause(player));
  players.set(box, player);
  return player;
}

const secondsOf = ({ sound, box }) => (Number.isFinite(sound.duration) ? sound.duration : Number(box.dataset.seconds)) || 1;

function draw(player) {
  const part = player.sound.currentTime / secondsOf(player);
  player.bars.forEach((bar, place) => bar.classList.toggle("past", place / player.bars.length < part));
  const left = player.sound.currentTime ? player.sound.currentTime : secondsOf(player);
  player.box.querySelector("[data-left]").textContent = length(left);
  player.box.querySelector(".wave").setAttribute("aria-valuenow", String(Math.round(part * 100)));
}

function play(player) {
  if (playing && playing !== player) pause(playing);
  playing = player;
  player.sound.playbackRate = speed;
  player.box.classList.add("playing");
  player.sound.play().catch(() => pause(player));
}

function pause(player) {
  player.sound.pause();
  player.box.classList.remove("playing");
  draw(player);
}

function seek(player, part) {
  player.sound.currentTime = Math.max(0, Math.min(1, part)) * secondsOf(player);
  draw(player);
}

function faster(box) {
  speed = SPEEDS[(SPEEDS.indexOf(speed) + 1) % SPEEDS.length];
  localStorage.setItem("speed", speed);
  for (const label of document.querySelectorAll(".voice [data-speed]")) label.textContent = `${speed}×`;
  if (playing) playing.sound.playbackRate = speed;
  if (!playing) play(playerOf(box));
}

document.addEventListener("click", (event) => {
  const box = event.target.closest(".voice");
  if (!box) return;
  if (event.target.closest(".speed")) return faster(box);
  const player = playerOf(box);
  const wave = event.target.closest(".wave");
  if (wave) {
    const at = wave.getBoundingClientRect();
    return seek(player, (event.clientX - at.left) / at.width);
  }
  if (event.target.closest(".play")) return player.sound.paused ? play(player) : pause(player);
  return undefined;
});

document.addEventListener("keydown", (event) => {
  const step = { ArrowRight: 0.05, ArrowLeft: -0.05 }[event.key];
  if (!step || !event.target.matches?.(".voice .wave")) return;
  event.preventDefault();
  const player = playerOf(event.target.closest(".voice"));
  seek(player, player.sound.currentTime / secondsOf(player) + step);
});

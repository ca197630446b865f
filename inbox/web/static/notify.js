// How the page calls: the figure in title, rail and icon, and two soft notes when somebody new waits.
let badge = Number(document.querySelector("[data-badge]")?.textContent.replace(/\D/g, "") || 0);
let context = null;

export function setBadge(count, { silent = false } = {}) {
  if (count > badge && !silent && document.body.dataset.sound === "on") ring();
  badge = count;
  const shown = count > 999 ? "999+" : String(count);
  document.title = (count ? `(${shown}) ` : "") + document.title.replace(/^\(\d+\+?\) /, "");
  const mark = document.getElementById("rail-badge");
  if (mark) {
    mark.hidden = !count;
    mark.querySelector("[data-badge]").textContent = shown;
  }
  const icon = document.getElementById("favicon");
  icon.dataset.calm ??= icon.href;
  icon.href = count ? icon.dataset.alert : icon.dataset.calm;
  (count ? navigator.setAppBadge?.(count) : navigator.clearAppBadge?.())?.catch(() => {});
}

// Titles are set through here, so that the figure stays in front.
export function setTitle(text) {
  document.title = (badge ? `(${badge > 999 ? "999+" : badge}) ` : "") + text;
}

function ring() {
  if (document.visibilityState === "visible" && document.hasFocus()) return;
  try {
    context ??= new AudioContext();
    [[660, 0], [880, 0.12]].forEach(([pitch, after]) => note(pitch, context.currentTime + after));
  } catch {
    // No sound device, or the browser wants a click first: the title and the icon still tell.
  }
}

function note(pitch, at) {
  const tone = context.createOscillator();
  const volume = context.createGain();
  tone.frequency.value = pitch;
  volume.gain.setValueAtTime(0.0001, at);
  volume.gain.exponentialRampToValueAtTime(0.12, at + 0.02);
  volume.gain.exponentialRampToValueAtTime(0.0001, at + 0.3);
  tone.connect(volume).connect(context.destination);
  tone.start(at);
  tone.stop(at + 0.32);
}

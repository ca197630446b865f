// Small habits of plain pages: copying, asking before what cannot be undone, showing a secret, more rows of fields.
import { toast } from "./toast.js";
import { word } from "./words.js";

document.addEventListener("click", async (event) => {
  const copy = event.target.closest("[data-copy]");
  if (copy) {
    await navigator.clipboard.writeText(copy.dataset.copy);
    toast(word("copied"));
  }
  const reveal = event.target.closest("[data-reveal]");
  if (reveal) {
    const field = document.getElementById(reveal.dataset.reveal);
    field.type = field.type === "password" ? "text" : "password";
    reveal.setAttribute("aria-pressed", String(field.type === "text"));
  }
});

document.addEventListener("submit", (event) => {
  const asked = event.submitter?.dataset.sure ?? event.target.dataset.sure;
  if (asked && !window.confirm(asked)) event.preventDefault();
}, true);

// A form is sent once, however often its button is pressed.
document.addEventListener("submit", (event) => {
  if (event.defaultPrevented || !event.target.matches("form[method=post]:not([hx-post], #composer-form, [data-template-form], #new-form)")) return;
  window.setTimeout(() => event.target.querySelectorAll("button:not([type=button])").forEach((button) => (button.disabled = true)));
});
window.addEventListener("pageshow", () => document.querySelectorAll("form button:disabled").forEach((button) => (button.disabled = false)));

document.addEventListener("input", ({ target }) => {
  const pairs = target.closest?.("[data-pairs]");
  if (!pairs) return;
  const last = pairs.querySelector(".pair:last-child");
  if (!last.contains(target) || !target.value) return;
  const next = last.cloneNode(true);
  for (const field of next.querySelectorAll("input")) field.value = "";
  pairs.append(next);
});

document.addEventListener("change", ({ target }) => {
  if (target.matches("[data-submits]")) target.form.requestSubmit();
});

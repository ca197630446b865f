// The general dialog: filled from the server, closed by Escape, by its cross, or when what it was for is done.
import { fragment } from "./net.js";
import { sayFailed } from "./toast.js";

const dialog = () => document.getElementById("dialog");
const body = () => document.getElementById("dialog-body");

export async function openDialog(address, { broad = false } = {}) {
  let text;
  try {
    text = await fragment(address);
  } catch (problem) {
    return sayFailed(problem.message);
  }
  dialog().classList.toggle("broad", broad);
  await window.htmx.swap({ text, target: body(), swap: "innerHTML", sourceElement: document.body });
  const title = body().querySelector("h2")?.textContent;
  if (title) dialog().setAttribute("aria-label", title);
  if (!dialog().open) dialog().showModal();
  return body().querySelector("[autofocus]")?.focus();
}

export function closeDialog() {
  dialog().close();
}

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-act=close-dialog]")) closeDialog();
  // A click beside a dialog hits the dialog element itself.
  if (event.target.matches?.("dialog:not(.lightbox)") && event.target.open) {
    const at = event.target.getBoundingClientRect();
    const inside = event.clientX >= at.left && event.clientX <= at.right && event.clientY >= at.top && event.clientY <= at.bottom;
    if (!inside) event.target.close();
  }
});

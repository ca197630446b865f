// Choosing a template: the list, its form, and a picture of how it will read on the phone.
import { closeDialog, openDialog } from "./dialogs.js";
import { fragment, send } from "./net.js";
import { sayFailed } from "./toast.js";

let where = null;

const openConversation = () => document.getElementById("thread")?.dataset.id ?? "";

// The file for a template's top is uploaded when it is chosen; its id goes into the hidden field beside it.
document.addEventListener("change", async ({ target }) => {
  if (!target.matches("[data-header-media]") || !target.files.length) return;
  const button = target.form.querySelector("button.main");
  button.disabled = true;
  const body = new FormData();
  body.set("file", target.files[0]);
  if (openConversation()) body.set("conversation", openConversation());
  try {
    target.form.elements.header_media.value = (await send("/uploads", body)).id;
    button.disabled = false;
  } catch (problem) {
    target.value = "";
    button.disabled = false;
    sayFailed(problem.message);
  }
});

export async function openTemplates({ account, identity }) {
  where = { account, identity, contact: document.getElementById("thread")?.dataset.contact ?? "" };
  await openDialog(`/ui/templates?account=${account}&contact=${where.contact}`, { broad: true });
}

// Each place in the preview shows what its field holds, or the name of what is missing.
function fill(form) {
  for (const place of form.querySelectorAll("[data-place]")) {
    const value = form.elements[`variables.${place.dataset.place}`]?.value ?? "";
    place.textContent = value || place.dataset.name;
    place.classList.toggle("blank", !value);
  }
}

document.addEventListener("input", ({ target }) => {
  const form = target.closest?.("[data-template-form]");
  if (form) fill(form);
});

document.addEventListener("htmx:after:swap", () => {
  for (const form of document.querySelectorAll("[data-template-form]")) fill(form);
});

document.addEventListener("click", (event) => {
  const choice = event.target.closest("[data-template]");
  if (!choice) return;
  for (const other of choice.closest("ul").querySelectorAll("[aria-current]")) other.removeAttribute("aria-current");
  choice.setAttribute("aria-current", "true");
  showForm(choice.dataset.template, choice.closest("[data-account]")?.dataset);
});

async function showForm(id, { account = "", contact = "" } = {}) {
  const text = await fragment(`/ui/templates/${id}?account=${account}&contact=${contact}`).catch(() => null);
  if (text === null) return sayFailed();
  await window.htmx.swap({ text, target: document.getElementById("picker-form"), swap: "innerHTML", sourceElement: document.body });
  return document.querySelector("#picker-form input:not([type=hidden])")?.focus();
}

document.addEventListener("submit", async (event) => {
  const form = event.target.closest("[data-template-form]");
  if (!form || !where || !openConversation() || document.getElementById("new-form")) return;
  event.preventDefault();
  const button = form.querySelector("button.main");
  button.disabled = true;
  const body = new URLSearchParams(new FormData(form));
  body.set("account", where.account);
  body.set("identity", where.identity);
  form.dataset.key ??= crypto.randomUUID();
  body.set("client_key", form.dataset.key);
  try {
    await send(`/inbox/${openConversation()}/reply`, body);
    closeDialog();
    document.dispatchEvent(new CustomEvent("answered"));
  } catch (problem) {
    sayFailed(problem.message);
    button.disabled = false;
  }
});

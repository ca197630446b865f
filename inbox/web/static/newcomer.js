// Writing first: find the person or type a number, choose the way, then a text or a template.
import { openDialog } from "./dialogs.js";
import { fragment, send } from "./net.js";
import { sayFailed } from "./toast.js";

const AFTER = 180;
let timer = 0;

export async function openNew(search = "") {
  if (location.pathname === "/new") return;
  await openDialog(`/ui/new${search}`);
  begin();
}

// Somebody was named in the address already.
function begin() {
  const form = document.getElementById("new-form");
  const [contact, to] = [form?.elements.contact.value ?? "", form?.elements.to.value ?? ""];
  if (contact || to) choose({ contact, to, name: document.getElementById("new-who").value });
}

const swap = (text, target) => window.htmx.swap({ text, target, swap: "innerHTML", sourceElement: document.body });

async function find(field) {
  const text = await fragment(`/ui/new/people?q=${encodeURIComponent(field.value.trim())}`).catch(() => null);
  if (text !== null) await swap(text, document.getElementById("new-found"));
}

async function choose({ contact = "", to = "", name = "" }) {
  const form = document.getElementById("new-form");
  form.elements.contact.value = contact;
  form.elements.to.value = to;
  document.getElementById("new-who").value = name || to;
  document.getElementById("new-found").replaceChildren();
  const text = await fragment(`/ui/new/routes?${new URLSearchParams({ contact, to })}`).catch(() => null);
  if (text === null) return sayFailed();
  await swap(text, document.getElementById("new-routes"));
  return settle();
}

// A way by template shows the templates of that account; the others a field for text.
async function settle() {
  const form = document.getElementById("new-form");
  const way = form.querySelector("[name=route]:checked");
  const isTemplate = way?.dataset.first === "template";
  document.getElementById("new-text").hidden = !way || isTemplate;
  const place = document.getElementById("new-template");
  place.hidden = !isTemplate;
  if (isTemplate) {
    const values = new URLSearchParams({ account: way.dataset.account, contact: form.elements.contact.value });
    await swap(await fragment(`/ui/templates?${values}`), place);
  } else place.replaceChildren();
}

document.addEventListener("input", ({ target }) => {
  if (target.id !== "new-who") return;
  window.clearTimeout(timer);
  timer = window.setTimeout(() => find(target), AFTER);
});

document.addEventListener("change", ({ target }) => {
  if (target.matches("#new-form [name=route]")) settle();
});

document.addEventListener("click", (event) => {
  const choice = event.target.closest("[data-choose]");
  if (choice) choose(choice.dataset);
});

// Text and template forms both end here: who and by which way come from the dialog's own form.
document.addEventListener("submit", async (event) => {
  const form = document.getElementById("new-form");
  const isTemplate = event.target.matches("[data-template-form]");
  if (!form || (event.target !== form && !(isTemplate && form.closest("dialog, main").contains(event.target)))) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  const way = form.querySelector("[name=route]:checked");
  if (!way) return;
  const body = new URLSearchParams(new FormData(event.target));
  body.set("contact", form.elements.contact.value);
  body.set("to", form.elements.to.value);
  body.set("account", way.dataset.account);
  body.set("identity", way.dataset.identity);
  form.dataset.key ??= crypto.randomUUID();
  body.set("client_key", form.dataset.key);
  try {
    const { url } = await send("/conversations", body);
    location.assign(url);
  } catch (problem) {
    sayFailed(problem.message);
  }
}, true);

begin();

// Popovers: where they stand, how they fill, and how arrow keys walk through them.
const GAP = 6;

function invokerOf(menu) {
  const found = [...document.querySelectorAll(`[popovertarget="${menu.id}"], .more-button`)];
  return menu.openedBy?.isConnected ? menu.openedBy : found.find((button) => button.offsetParent !== null);
}

export function place(menu) {
  const invoker = invokerOf(menu);
  if (!invoker) return;
  const at = invoker.getBoundingClientRect();
  const { offsetWidth: width, offsetHeight: height } = menu;
  const [side, end] = (menu.dataset.side ?? "bottom-start").split("-");
  let left = end === "end" ? at.right - width : at.left;
  let top = side === "top" ? at.top - height - GAP : at.bottom + GAP;
  if (side === "right") [left, top] = [at.right + GAP, at.bottom - height];
  if (side === "bottom" && top + height > innerHeight - 8 && at.top - height - GAP > 8) top = at.top - height - GAP;
  if (side === "top" && top < 8) top = at.bottom + GAP;
  menu.style.left = `${Math.max(8, Math.min(left, innerWidth - width - 8))}px`;
  menu.style.top = `${Math.max(8, Math.min(top, innerHeight - height - 8))}px`;
}

// Opens a popover beside an element that is not its own button.
export function openAt(menu, element) {
  menu.openedBy = element;
  if (!menu.matches(":popover-open")) menu.showPopover();
  place(menu);
}

document.addEventListener("toggle", ({ target, newState }) => {
  if (!target.matches?.("[popover]") || newState !== "open") return;
  place(target);
  if (target.hasAttribute("data-fill")) window.htmx.trigger(target, "open", {}, false);
  else target.querySelector("[autofocus]")?.focus();
}, true);

document.addEventListener("htmx:after:swap", ({ target }) => {
  const menu = target.closest?.("[popover]:popover-open");
  if (!menu) return;
  place(menu);
  menu.querySelector("[autofocus]")?.focus();
});

document.addEventListener("input", ({ target }) => {
  if (!target.matches("[data-narrow]")) return;
  const wanted = plain(target.value);
  for (const item of target.closest("form").querySelectorAll(".item")) {
    item.hidden = !plain(item.textContent).includes(wanted);
  }
});

export const plain = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase().trim();

document.addEventListener("keydown", (event) => {
  const menu = event.target.closest?.("[popover]:popover-open");
  if (!menu) return;
  const items = [...menu.querySelectorAll(".item:not([hidden])")].filter((item) => item.offsetParent !== null);
  const at = items.indexOf(document.activeElement?.closest(".item"));
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step && items.length) {
    event.preventDefault();
    const next = items[(at + step + items.length) % items.length];
    (next.querySelector("input") ?? next).focus();
  } else if (event.key === "Enter" && event.target.matches("[data-narrow]")) {
    event.preventDefault();
    items[0]?.click();
  }
});

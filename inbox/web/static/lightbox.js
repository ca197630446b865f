// Pictures at full size: arrows turn, a click comes nearer, Escape closes.
const box = document.getElementById("lightbox");
let pictures = [];
let at = 0;

function show() {
  const link = pictures[at];
  const picture = box.querySelector(".stage img");
  box.classList.remove("near");
  picture.src = link.href;
  picture.alt = link.querySelector("img")?.alt ?? "";
  box.querySelector("[data-title]").textContent = link.dataset.name ?? "";
  box.querySelector("[data-download]").href = `${link.href}?download=1`;
  for (const button of box.querySelectorAll("[data-turn]")) button.hidden = pictures.length < 2;
}

function turn(by) {
  at = (at + by + pictures.length) % pictures.length;
  show();
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-lightbox]");
  if (!link || !box || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  pictures = [...(link.closest(".story, .files") ?? document).querySelectorAll("a[data-lightbox]")];
  at = pictures.indexOf(link);
  show();
  box.showModal();
});

box?.addEventListener("click", ({ target }) => {
  const button = target.closest("[data-turn]");
  if (button) turn(Number(button.dataset.turn));
  else if (target.matches(".stage img")) box.classList.toggle("near");
  else if (target.matches(".stage")) box.close();
});

box?.addEventListener("keydown", ({ key }) => {
  if (key === "ArrowRight") turn(1);
  if (key === "ArrowLeft") turn(-1);
});

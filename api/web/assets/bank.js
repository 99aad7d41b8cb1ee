// The matching desk: what is chosen adds up as one ticks, and the keyboard decides.

import { tinykeys } from "./vendor/tinykeys.js";

const typing = (event) =>
  event.isComposing || event.target.closest("input:not([type=checkbox]), select, textarea, dialog");
const word = document.querySelector("template[data-word=sums]")?.content.textContent ?? "";

function yuan(fen) {
  const whole = Math.trunc(Math.abs(fen) / 100).toString().replace(/\B(?=(\d{3})+$)/g, ",");
  return `${fen < 0 ? "-" : ""}¥${whole}.${String(Math.abs(fen) % 100).padStart(2, "0")}`;
}

const sum = (fields) => [...fields].reduce((total, field) => total + Number(field.dataset.fen), 0);

// The same item may stand among the candidates and in the list: it counts once.
function chosen() {
  const lines = [...document.querySelectorAll("input[name=line]:checked")];
  const hand = document.querySelector("[data-in-hand]");
  const items = new Map([...document.querySelectorAll("input[name=item]:checked")].map((each) => [each.value, each]));
  return { lines: lines.length ? lines : hand ? [hand] : [], items: [...items.values()] };
}

function say() {
  const said = document.querySelector("[data-sum]");
  if (!said) return;
  const { lines, items } = chosen();
  const bank = sum(lines), books = sum(items);
  said.hidden = !items.length && lines.length < 2;
  said.textContent = word.replace("{bank}", yuan(bank)).replace("{books}", yuan(books)).replace("{difference}", yuan(bank - books));
  said.className = bank === books ? "good" : "doubt";
}

// What is shown of the line in hand changes; what is ticked elsewhere stays.
function take(card) {
  for (const each of document.querySelectorAll(".card.hand")) {
    each.classList.remove("hand");
    each.querySelector("[aria-current]")?.removeAttribute("aria-current");
  }
  card.classList.add("hand");
  card.querySelector("[data-look]").setAttribute("aria-current", "true");
}

document.addEventListener("change", say);
document.addEventListener("htmx:after:swap", say);
document.addEventListener("click", (event) => {
  const link = event.target.closest("[data-look]");
  if (link) take(link.closest(".card"));
});
document.addEventListener("keydown", (event) => {
  const link = event.target.closest("[data-look]");
  if (event.key !== "Enter" || !link) return;
  // In hand already, and something is chosen: Enter accepts it.
  const panel = document.getElementById("candidates");
  if (panel.dataset.for !== link.dataset.look || !chosen().items.length) return;
  event.preventDefault();
  document.querySelector("[data-accept]")?.click();
});

tinykeys(window, {
  x: (event) => {
    const box = document.activeElement.closest(".card")?.querySelector("input[type=checkbox]");
    if (!box || typing(event)) return;
    event.preventDefault();
    box.click();
  },
});

say();

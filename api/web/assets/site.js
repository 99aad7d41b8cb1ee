// What every page does beside its HTML: keyboard, and telling the officer what went wrong.

import "./unread.js";
import { forgetSheets } from "./sheet_traces.js";
import { tinykeys } from "./vendor/tinykeys.js";

const dialog = document.getElementById("keys");
const typing = (event) =>
  event.isComposing || event.target.closest("input, select, textarea, [contenteditable], dialog");

function rows() {
  return [...document.querySelectorAll("[data-list] [data-row]")].filter((row) => row.offsetParent && linkOf(row));
}

function linkOf(row) {
  return row.matches("a, button") ? row : row.querySelector("[data-open], a, button");
}

// Up is what the page says, else the part of the menu that it belongs to; what belongs to none is left for the start.
function up() {
  const menu = document.querySelector("header nav");
  return document.querySelector("[data-up]") ?? (menu?.querySelector("[aria-current]") ? menu.querySelector("[aria-current='true']") : document.querySelector("a.brand"));
}

// The row in hand is the one that holds the focus, so Enter opens it by itself.
function step(by) {
  const all = rows();
  if (!all.length) return;
  const at = all.findIndex((row) => row.contains(document.activeElement));
  const next = all[at < 0 ? (by > 0 ? 0 : all.length - 1) : Math.min(Math.max(at + by, 0), all.length - 1)];
  linkOf(next)?.focus();
  next.scrollIntoView({ block: "nearest" });
}

const free = (act) => (event) => {
  if (typing(event) || dialog.open) return;
  event.preventDefault();
  act();
};

tinykeys(window, {
  j: free(() => step(1)),
  k: free(() => step(-1)),
  // At the matching desk it goes to what can be undone, and nowhere else.
  u: free(() => {
    if (document.querySelector("[data-undoes]")) document.querySelector("[data-undo]")?.focus();
    else up()?.click();
  }),
  "/": free(() => {
    const field = document.querySelector("[data-search]");
    if (field) field.focus();
    else location.assign("/search");
  }),
  "Shift+?": free(() => dialog.showModal()),
  "?": free(() => dialog.showModal()),
});

// A menu that unfolds folds again when one looks elsewhere.
for (const fold of document.querySelectorAll("[data-fold]")) {
  fold.addEventListener("focusout", (event) => {
    if (event.relatedTarget && !fold.contains(event.relatedTarget)) fold.open = false;
  });
  fold.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !fold.open) return;
    fold.open = false;
    fold.querySelector("summary").focus();
  });
  document.addEventListener("click", (event) => {
    if (!fold.contains(event.target)) fold.open = false;
  });
}

// What says that something needs scripts is there until they run.
const hide = () => {
  for (const note of document.querySelectorAll("[data-no-script]")) note.hidden = true;
};
hide();
document.addEventListener("htmx:after:swap", hide);

for (const button of document.querySelectorAll("[data-keys]")) {
  button.hidden = false;
  button.addEventListener("click", () => dialog.showModal());
}

for (const button of document.querySelectorAll("[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => window.print());
}

// What a signature sheet left on this device goes with the officer.
for (const form of document.querySelectorAll("form[action='/sign-out'], form[action='/my-account/sessions/ending']")) form.addEventListener("submit", forgetSheets);
if (document.querySelector("form[action='/sign-in']")) forgetSheets();

// A form that is sent twice counts once by its key; the button says that it is under way.
document.addEventListener("submit", (event) => {
  const button = event.submitter;
  if (event.target.method === "post" && button) button.setAttribute("aria-busy", "true");
});
window.addEventListener("pageshow", () => {
  for (const button of document.querySelectorAll("button[aria-busy]")) button.removeAttribute("aria-busy");
});

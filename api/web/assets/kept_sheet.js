// Lets the signing page come again without a connection. The page without its people is kept as it
// came; the people, sealed, and only for the day. The key to them lives in this tab's session: it
// goes with the tab, with the officer who signs out, and with the sheet when nobody is left to sign.

import { deviceStore } from "./device_store.js";
import { base64Of, bytesOf } from "./service.js";
import { KEY, SHEETS, SHELL } from "./sheet_traces.js";

const sheets = deviceStore(SHEETS, "sheet", "id");
const path = location.pathname;
const list = document.querySelector("[data-signing] [data-list]");
const today = () => new Date().toDateString();

function secret() {
  if (!sessionStorage.getItem(KEY)) {
    sessionStorage.setItem(KEY, base64Of(crypto.getRandomValues(new Uint8Array(32))));
  }
  return bytesOf(sessionStorage.getItem(KEY));
}

const keyOf = (raw) => crypto.subtle.importKey("raw", raw, "AES-GCM", false, ["encrypt", "decrypt"]);
// Each tab has a key, and so a record, of its own.
const idOf = async (raw) => base64Of(await crypto.subtle.digest("SHA-256", raw)) + path;

// Keep the people as they stand now, each with what became of their signature.
export async function keepPeople() {
  const raw = secret();
  const iv = crypto.getRandomValues(new Uint8Array(12));
  const sealed = await crypto.subtle.encrypt({ name: "AES-GCM", iv }, await keyOf(raw), new TextEncoder().encode(list.innerHTML));
  const id = await idOf(raw);
  await sheets("readwrite", (store) => store.put({ id, day: today(), iv, sealed }));
}

// Put the people back where the page came without them; say whether they are there.
export async function peopleAreThere() {
  if (list.children.length) return true;
  if (!sessionStorage.getItem(KEY)) return false;
  const raw = secret();
  const id = await idOf(raw);
  const kept = await sheets("readonly", (store) => store.get(id));
  if (kept?.day !== today()) return false;
  const plain = await crypto.subtle.decrypt({ name: "AES-GCM", iv: kept.iv }, await keyOf(raw), kept.sealed);
  list.innerHTML = new TextDecoder().decode(plain);
  list.closest("[data-signing]").dataset.kept = "";
  return true;
}

// Keep the page without its people, with all that it loads, and have the worker answer with it.
export async function keepPage(worker) {
  const answer = await fetch(path, { headers: { accept: "text/html" } });
  if (!answer.ok || answer.redirected) return false;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  page.querySelector("[data-signing] [data-list]").replaceChildren();
  const headers = new Headers(answer.headers);
  for (const name of ["content-encoding", "content-length"]) headers.delete(name);
  // What is there already stays until the new is whole: the connection may go at any moment.
  const shell = await caches.open(SHELL);
  const pathOf = (each) => new URL(each).pathname;
  const loaded = performance.getEntriesByType("resource").map((each) => pathOf(each.name));
  const assets = new Set(loaded.filter((each) => each.startsWith("/assets/")));
  const there = (await shell.keys()).map((each) => pathOf(each.url)).filter((each) => each.startsWith("/assets/"));
  await shell.addAll([...assets].filter((each) => !there.includes(each)));
  for (const old of there) if (!assets.has(old)) await shell.delete(old);
  await shell.put(path, new Response(`<!doctype html>${page.documentElement.outerHTML}`, { headers }));
  await keepPeople();
  await navigator.serviceWorker.register(worker, { scope: path });
  await navigator.serviceWorker.ready;
  return true;
}

// Nobody is left to sign, or all was sent: nothing of the sheet has to stay.
export async function forgetSheet() {
  const id = await idOf(secret());
  await sheets("readwrite", (store) => store.delete(id));
  await (await caches.open(SHELL)).delete(path);
}

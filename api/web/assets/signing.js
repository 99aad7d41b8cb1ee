// One person a screen: who signs, for how much and what for. What is drawn is kept as strokes, so
// that it survives a turned screen, and stays on this device until the service has it.

import { forgetSheet, keepPage, keepPeople } from "./kept_sheet.js";
import { deviceId, drop, keep, kept, Sender } from "./signature_queue.js";
import { word } from "./service.js";
import SignaturePad from "./vendor/signature_pad.js";

const UNITS = 1000;
const PRESSURE = 255;
const root = document.querySelector("[data-signing]");
const find = (name, within = root) => within.querySelector(`[data-${name}]`);
const batch = root.dataset.signing;
const witness = root.dataset.witness;
const enough = JSON.parse(root.dataset.enough);
const rows = [...root.querySelectorAll("[data-list] [data-row]")];
const rowOf = (number) => rows.find((row) => row.dataset.number === String(number));
const canvas = find("pad");
const pad = new SignaturePad(canvas, { minWidth: 1, maxWidth: 3, minDistance: 3, penColor: "#000" });
const numbered = (name, ...numbers) => numbers.reduce((text, each) => text.replace("#", each), word(name));

// Whose signature is still to come, in this order: those who were not there are asked last.
const NEXT = ["open", "refused", "absent"];

// What the service says of a row stands, whatever became of a signature that was sent for it.
const STANDS = ["captured", "signed", "closed", "stopped", "erased"];
const ENDED = {
  "disbursement.not_in_transit": "signed",
  "disbursement.withdrawn": "closed",
  "disbursement.objection_upheld": "stopped",
  "vault.person_erased": "erased",
};
const stateOf = (entry) => ENDED[entry.refused] ?? "refused";

let at = rows[0];
let width = 0;
let comesAgain = "kept" in root.dataset;

// The library clears the canvas when its size is set, and still says that it is not empty.
function fit() {
  const drawn = pad.toData();
  const before = width;
  const ratio = Math.max(window.devicePixelRatio || 1, 1);
  if (!canvas.clientWidth || canvas.clientWidth === before) return;
  width = canvas.clientWidth;
  canvas.width = width * ratio;
  canvas.height = canvas.clientHeight * ratio;
  canvas.getContext("2d").scale(ratio, ratio);
  pad.clear();
  if (!drawn.length) return;
  const by = width / before;
  pad.fromData(drawn.map((stroke) => ({ ...stroke, points: stroke.points.map((p) => ({ ...p, x: p.x * by, y: p.y * by })) })));
}

const within = (value, most) => Math.min(Math.max(Math.round(value), 0), most);

// What was drawn in units of the box: [x, y, milliseconds, pressure], and when it began and ended.
function strokesOf() {
  const drawn = pad.toData().map((stroke) => stroke.points).filter((points) => points.length);
  if (!drawn.length) return { strokes: [], began: 0, ended: 0 };
  const began = drawn[0][0].time;
  let ms = 0;
  const strokes = drawn.map((points) =>
    points.map((p) => {
      ms = Math.max(ms, Math.round(p.time - began)); // a clock that is set back stands still
      return [within((p.x * UNITS) / width, UNITS), within((p.y * UNITS) / width, UNITS), ms, within(p.pressure * PRESSURE, PRESSURE)];
    }),
  );
  return { strokes, began, ended: began + ms };
}

// The service judges for itself; this is so that nobody walks away from an empty box.
function faultOf(strokes) {
  const points = strokes.flat();
  const side = (axis) => Math.max(...points.map((p) => p[axis])) - Math.min(...points.map((p) => p[axis]));
  const sides = points.length ? [side(0), side(1)].sort((a, b) => a - b) : [0, 0];
  let length = 0;
  for (const stroke of strokes) for (let i = 1; i < stroke.length; i++) length += Math.hypot(stroke[i][0] - stroke[i - 1][0], stroke[i][1] - stroke[i - 1][1]);
  if (points.length > enough.most) return "too-much";
  const ms = points.length ? points.at(-1)[2] : 0;
  const short = points.length < enough.points || length < enough.length || sides[1] < enough.long || sides[0] < enough.short || ms < enough.ms;
  return short ? "not-enough" : null;
}

function paint(row) {
  find("pill", row).textContent = word(row.dataset.state);
  if (row !== at) return;
  find("form").hidden = !NEXT.includes(row.dataset.state);
  find("again").hidden = !["captured", "held"].includes(row.dataset.state);
  find("state-said").textContent = row.dataset.state === "open" ? "" : word(row.dataset.state);
}

function count() {
  const done = rows.filter((row) => ["waiting", "held", "captured", "signed"].includes(row.dataset.state)).length;
  const still = rows.filter((row) => NEXT.includes(row.dataset.state)).length;
  find("counts").textContent = numbered("counts", done, still);
}

function mark(row, state) {
  row.dataset.state = state;
  paint(row);
  count();
  keepOrForget();
}

// What is kept of the sheet follows each signature; once nobody is left and all was sent, it goes.
let keeping = Promise.resolve();
const someLeft = () => rows.some((row) => [...NEXT, "waiting", "held"].includes(row.dataset.state));
function keepOrForget() {
  if (comesAgain) keeping = keeping.then(someLeft() ? keepPeople : forgetSheet).catch(() => {});
}

function show(row, focus = true) {
  if (at && at !== row) at.removeAttribute("aria-current");
  at = row;
  row.setAttribute("aria-current", "true");
  find("signer").hidden = false;
  find("done").hidden = true;
  const { number, name, amount, capital, id } = row.dataset;
  find("place").textContent = numbered("place", number);
  for (const [what, said] of Object.entries({ amount, capital, id })) find(what).textContent = said;
  document.getElementById("signer-name").textContent = name || "—";
  find("own").checked = false;
  find("said").textContent = "";
  pad.clear();
  paint(row);
  fit();
  if (focus) document.getElementById("signer-name").focus();
}

function step(by) {
  show(rows[(rows.indexOf(at) + by + rows.length) % rows.length]);
}

// Who comes next; once nobody does, no name is left standing on the screen.
function onward(after = [...rows.slice(rows.indexOf(at) + 1), ...rows.slice(0, rows.indexOf(at))], focus = true) {
  const next = NEXT.map((state) => after.find((row) => row.dataset.state === state)).find(Boolean);
  if (next) return show(next, focus);
  at?.removeAttribute("aria-current");
  find("signer").hidden = true;
  find("done").hidden = false;
  if (focus) find("done").focus();
}

async function waiting() {
  const all = await kept().catch(() => []); // where nothing can be kept, nothing waits
  const mine = all.filter((entry) => entry.witness === witness && !entry.refused);
  return { mine, others: all.some((entry) => entry.witness !== witness && !entry.refused), refused: all.filter((entry) => entry.batch === batch && entry.refused) };
}

async function told(what, entry) {
  const row = entry?.batch === batch ? rowOf(entry.number) : null;
  if (row && what === "sent") mark(row, "captured");
  if (row && what === "refused") mark(row, stateOf(entry));
  if (row && what === "held") mark(row, "held");
  find("signed-out").hidden = what !== "signed-out";
  const { mine, others, refused } = await waiting();
  const said = [what === "offline" || !navigator.onLine ? word(comesAgain ? "offline-kept" : "offline") : word("online")];
  said.push(mine.length ? numbered("n-waiting", mine.length) : word("all-sent"));
  if (others) said.push(word("others"));
  const wordsOf = (code, detail) => (word(code) === code ? `${detail} (${code})` : word(code));
  for (const each of mine.filter((entry) => entry.batch === batch && entry.held)) said.push(numbered("held-said", each.number) + wordsOf(each.held, each.detail));
  for (const each of refused) said.push(numbered("refused-said", each.number) + wordsOf(each.refused, each.detail));
  find("link").textContent = said.join(" ");
  root.dataset.waiting = mine.length;
}

const sender = new Sender(witness, told);

find("form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const said = find("said");
  const row = at;
  const { strokes, began, ended } = strokesOf();
  const fault = find("own").checked ? faultOf(strokes) : "own-first";
  said.textContent = fault ? word(fault) : "";
  if (fault) return;
  const moment = (ms) => new Date(ms).toISOString();
  const number = Number(row.dataset.number);
  const signature = { number, signer_name: row.dataset.name, own_hand: true, strokes, witness_id: witness, started_at: moment(began), ended_at: moment(ended) };
  try {
    signature.device = await deviceId();
    const key = await keep({ batch, number, witness }, signature);
    for (const old of (await kept()).filter((each) => each.batch === batch && each.number === number && each.key !== key)) await drop(old);
  } catch {
    said.textContent = word("kept-not");
    return;
  }
  mark(row, "waiting");
  onward();
  await told("kept");
  sender.now();
});
find("clear").addEventListener("click", () => pad.clear());
find("again").addEventListener("click", () => {
  find("again").hidden = true;
  find("form").hidden = false;
  fit();
});
find("absent").addEventListener("click", () => {
  mark(at, "absent");
  onward();
});
for (const button of root.querySelectorAll("[data-step]")) button.addEventListener("click", () => step(Number(button.dataset.step)));
for (const row of rows) find("open", row).addEventListener("click", () => show(row));
find("find").addEventListener("input", (event) => {
  const sought = event.target.value.trim();
  for (const row of rows) row.hidden = Boolean(sought) && !row.dataset.number.startsWith(sought);
});
find("find").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && rowOf(event.target.value.trim())) show(rowOf(event.target.value.trim()));
});
window.addEventListener("offline", () => told("offline"));
// Where nothing could be kept, this page would not come again without a connection.
window.addEventListener("beforeunload", (event) => {
  if (!navigator.onLine && !comesAgain) event.preventDefault();
});

root.hidden = false;
new ResizeObserver(fit).observe(canvas);
const entries = (await kept().catch(() => [])).filter((each) => each.batch === batch && rowOf(each.number));
for (const entry of entries) if (entry.refused && STANDS.includes(rowOf(entry.number).dataset.state)) await drop(entry);
// What waited when the people were kept, and waits no more, was sent; what was refused is still there.
const there = new Set(entries.map((each) => rowOf(each.number)));
for (const row of rows) if (["waiting", "held"].includes(row.dataset.state) && !there.has(row)) row.dataset.state = "captured";
for (const entry of entries) {
  const row = rowOf(entry.number);
  if (!entry.refused) row.dataset.state = entry.held ? "held" : "waiting";
  else if (!STANDS.includes(row.dataset.state)) row.dataset.state = stateOf(entry);
}
for (const row of rows) paint(row);
count();
onward(rows, false);
await told("kept");
sender.now();
if (someLeft()) {
  comesAgain = (await keepPage(root.dataset.worker).catch(() => false)) || comesAgain;
  if (comesAgain) root.dataset.kept = "";
  keepOrForget();
}

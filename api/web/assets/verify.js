// Goes through the proofs of one entry, or of several, and shows each step; a step that fails says
// what it saw. Where the entries are had is the form's to say: a receipt's own, or the whole log's.

import { ed25519, hex, keyId, leafHash, noteHolds, readCheckpoint, readVerifierKey, rootFrom, same, signedBytes, textBytes } from "./proofs.js";
import { bytesOf, get, word } from "./service.js";

const TRUSTED = "nuanzhang-trusted-key";
const MARKS = { good: "✓", bad: "✗", doubt: "?" };
const form = document.querySelector("[data-verify]");
const list = document.querySelector("[data-steps]");
const blank = document.querySelector("template[data-step]");
const outcome = document.querySelector("[data-outcome]");
let worst = "good";

function step(name, state, shown) {
  const item = blank.content.cloneNode(true).querySelector("li");
  item.dataset.state = state;
  item.dataset.name = name;
  item.querySelector("[data-mark]").textContent = MARKS[state];
  item.querySelector("[data-what]").textContent = word(name);
  item.querySelector("[data-shown]").textContent = shown;
  list.append(item);
  if (state === "bad" || (state === "doubt" && worst === "good")) worst = state;
  return state === "good";
}

const judged = (holds) => (holds ? "good" : "bad");

async function included(entry, trusted) {
  const leaf = await leafHash(textBytes(entry.envelope));
  const checkpoint = readCheckpoint(entry.checkpoint);
  const root = await rootFrom(leaf, entry.position, checkpoint.size, entry.inclusion_path.map(bytesOf));
  return { leaf, checkpoint, root, holds: root !== null && same(root, checkpoint.root) && (await noteHolds(checkpoint, trusted)) };
}

const payloadOf = (envelope) => bytesOf(envelope.payload);
const readPayload = (envelope) => JSON.parse(new TextDecoder().decode(payloadOf(envelope)));

async function signatureStep(envelope, signature, trusted) {
  const row = document.querySelector(`[data-signer="${CSS.escape(signature.keyid)}"]`);
  const at = row?.dataset.registered;
  if (!at) return step("key", "bad", signature.keyid);
  const entry = await get(form.dataset.entries + at);
  const { holds } = await included(entry, trusted);
  const { type, data } = readPayload(JSON.parse(entry.envelope));
  const raw = bytesOf(data.public_key ?? "");
  const registers = type === "service_key.registered" || type === "officer.key_registered";
  const named = registers && data.key_id === signature.keyid && (await keyId(data.algorithm, raw)) === signature.keyid;
  if (!step("key", judged(holds && named && entry.position === Number(at)), `${signature.keyid} · ${type} · ${at}`)) return false;
  if (data.algorithm !== "ed25519") return step("algorithm", "doubt", data.algorithm);
  const message = signedBytes(envelope.payloadType, payloadOf(envelope));
  return step("signature", judged(await ed25519(raw, bytesOf(signature.sig), message)), `${signature.keyid} · ${hex(bytesOf(signature.sig))}`);
}

async function trustedKey() {
  const head = await get(form.dataset.log);
  const mine = form.trusted.value.trim();
  const key = readVerifierKey(mine || head.vkey);
  if (mine) {
    if (!step("trusted", judged(key !== null && mine === head.vkey.trim()), mine)) return null;
  } else {
    step("trusted-missing", "doubt", head.vkey);
  }
  if (key.type !== 1) step("algorithm", "doubt", head.vkey);
  return key;
}

// A receipt says which payment it is of, and how much: the entries have to say the same.
function matches(payload) {
  const { stream, amount } = form.dataset;
  return payload.stream === stream && String(payload.data.amount_fen) === amount;
}

async function verify(position, key) {
  const entry = await get(form.dataset.entries + position);
  const found = await included(entry, key);
  step("leaf", judged(same(found.leaf, bytesOf(entry.leaf_hash)) && entry.position === Number(position)), `${position} · ${hex(found.leaf)}`);
  step("inclusion", judged(found.root !== null && same(found.root, found.checkpoint.root)), found.root ? hex(found.root) : "");
  if (key.type === 1) step("checkpoint", judged(await noteHolds(found.checkpoint, key)), found.checkpoint.text);
  const envelope = JSON.parse(entry.envelope);
  for (const signature of envelope.signatures) await signatureStep(envelope, signature, key);
  const payload = readPayload(envelope);
  if (form.dataset.stream) step("matches", judged(matches(payload)), payload.type);
  const place = document.querySelector("[data-payload]");
  if (place) place.textContent = JSON.stringify(payload, null, 1);
}

async function run() {
  list.replaceChildren();
  worst = "good";
  outcome.textContent = "";
  try {
    const key = await trustedKey();
    if (key) for (const position of form.dataset.verify.split(" ")) await verify(position, key);
  } catch (error) {
    step("unreachable", "bad", error.code ?? error.name);
  }
  outcome.dataset.state = worst;
  outcome.textContent = `${MARKS[worst]} ${word({ good: "holds", doubt: "partly", bad: "broken" }[worst])}`;
}

for (const note of document.querySelectorAll("[data-no-script]")) note.hidden = true;
form.hidden = false;
form.trusted.value = localStorage.getItem(TRUSTED) ?? "";
form.addEventListener("submit", (event) => {
  event.preventDefault();
  localStorage.setItem(TRUSTED, form.trusted.value.trim());
  run();
});
run();

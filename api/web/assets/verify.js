// Goes through the proofs of one entry, or of several, and shows each step; a step that fails says
// what it saw. Where the entries are had is the form's to say: a receipt's own, or the whole log's.

import { ed25519, hex, keyId, leafHash, noteHolds, readCheckpoint, readVerifierKey, rootFrom, same, signedBytes, textBytes } from "./proofs.js";
import { bytesOf, get, word } from "./service.js";

const TRUSTED = "nuanzhang-trusted-key";
const ED25519_NOTE = 1;
const ENDS = ["service_key.retired", "service_key.compromised", "officer.key_revoked", "officer.key_compromised"];
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
  // A checkpoint under another algorithm was named as such at the start; the tree still has to hold.
  const signed = trusted.type !== ED25519_NOTE || (await noteHolds(checkpoint, trusted));
  return { leaf, checkpoint, root, holds: root !== null && same(root, checkpoint.root) && signed };
}

const payloadOf = (envelope) => bytesOf(envelope.payload);
const readPayload = (envelope) => JSON.parse(new TextDecoder().decode(payloadOf(envelope)));

async function entryAt(position, trusted) {
  const entry = await get(form.dataset.entries + position);
  const { holds } = await included(entry, trusted);
  const envelope = JSON.parse(entry.envelope);
  return { holds: holds && entry.position === Number(position), envelope, ...readPayload(envelope) };
}

// Which keys were valid at a position is said by the log itself: from registration to end.
async function inForce(row, keyid, position, trusted) {
  const { registered, ended } = row.dataset;
  if (!ended) return step("in-force", judged(Number(registered) <= position), `${registered} ≤ ${position}`);
  const end = await entryAt(ended, trusted);
  const known = end.holds && ENDS.includes(end.type) && end.data.key_id === keyid;
  if (!step("in-force", judged(known && Number(registered) <= position && position < Number(ended)), `${registered} ≤ ${position} < ${ended}`)) return false;
  if (end.type.endsWith("compromised") && Number(end.data.counts_from) <= position) return step("given-up", "doubt", `${end.type} · ${end.data.counts_from} · ${ended}`);
  return true;
}

async function signatureStep(envelope, signature, position, trusted) {
  const row = document.querySelector(`[data-signer="${CSS.escape(signature.keyid)}"]`);
  const at = row?.dataset.registered;
  if (!at) return step("key", "bad", signature.keyid);
  const { holds, type, data } = await entryAt(at, trusted);
  const raw = bytesOf(data.public_key ?? "");
  const registers = type === "service_key.registered" || type === "officer.key_registered";
  const named = registers && data.key_id === signature.keyid && (await keyId(data.algorithm, raw)) === signature.keyid;
  if (!step("key", judged(holds && named), `${signature.keyid} · ${type} · ${at}`)) return false;
  await inForce(row, signature.keyid, position, trusted);
  if (data.algorithm !== "ed25519") return step("algorithm", "doubt", data.algorithm);
  const message = signedBytes(envelope.payloadType, payloadOf(envelope));
  return step("signature", judged(await ed25519(raw, bytesOf(signature.sig), message)), `${signature.keyid} · ${hex(bytesOf(signature.sig))}`);
}

// A key that was noted before the ledger went over to another one vouches for it, if each key
// that followed was registered by an entry that one before it signed.
async function succeeds(mine, current) {
  if (mine?.type !== ED25519_NOTE || mine.name !== current.name) return null;
  const trusted = new Map([[await keyId("ed25519", mine.raw), mine.raw]]);
  const way = [];
  for (const position of (form.dataset.serviceKeys ?? "").split(" ").filter(Boolean)) {
    const { holds, type, data, envelope } = await entryAt(position, current);
    if (!holds || type !== "service_key.registered") return null;
    const message = signedBytes(envelope.payloadType, payloadOf(envelope));
    for (const signature of envelope.signatures) {
      const signer = trusted.get(signature.keyid);
      if (signer && (await ed25519(signer, bytesOf(signature.sig), message))) {
        way.push(`${signature.keyid} → ${data.key_id} · ${position}`);
        if (same(bytesOf(data.public_key), current.raw)) return way;
        if (data.algorithm === "ed25519") trusted.set(data.key_id, bytesOf(data.public_key));
      }
    }
  }
  return null;
}

async function trustedKey() {
  const head = await get(form.dataset.log);
  const mine = form.trusted.value.trim();
  const current = readVerifierKey(head.vkey);
  if (!mine) {
    step("trusted-missing", "doubt", head.vkey);
  } else if (mine === head.vkey.trim()) {
    step("trusted", "good", mine);
  } else {
    const way = await succeeds(readVerifierKey(mine), current);
    if (!way) {
      step("trusted", "bad", mine);
      return null;
    }
    step("succeeded", "good", way.join("\n"));
  }
  if (current.type !== ED25519_NOTE) step("algorithm", "doubt", head.vkey);
  return current;
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
  if (key.type === ED25519_NOTE) step("checkpoint", judged(await noteHolds(found.checkpoint, key)), found.checkpoint.text);
  const envelope = JSON.parse(entry.envelope);
  for (const signature of envelope.signatures) await signatureStep(envelope, signature, Number(position), key);
  const payload = readPayload(envelope);
  if (form.dataset.stream) step("matches", judged(matches(payload)), payload.type);
  const place = document.querySelector("[data-payload]");
  if (place) place.textContent = JSON.stringify(payload, null, 1);
}

async function run() {
  list.replaceChildren();
  worst = "good";
  outcome.textContent = "";
  delete outcome.dataset.state;
  try {
    const key = await trustedKey();
    if (key) for (const position of form.dataset.verify.split(" ")) await verify(position, key);
  } catch (error) {
    step("unreachable", "bad", error.code ?? error.name);
  }
  outcome.dataset.state = worst;
  outcome.textContent = `${MARKS[worst]} ${word({ good: "holds", doubt: "partly", bad: "broken" }[worst])}`;
}

// One after another: two at once would mix their steps, and one could speak for the other.
let turn = Promise.resolve();
function inTurn() {
  turn = turn.then(run);
}

for (const note of document.querySelectorAll("[data-no-script]")) note.hidden = true;
form.hidden = false;
form.trusted.value = localStorage.getItem(TRUSTED) ?? "";
form.addEventListener("submit", (event) => {
  event.preventDefault();
  localStorage.setItem(TRUSTED, form.trusted.value.trim());
  inTurn();
});
inTurn();

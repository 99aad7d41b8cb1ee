// Signatures that the service has not acknowledged yet, kept on this device until it has.
//
// They are encrypted under a key that this browser made and gives nobody, and are deleted once the
// service has them: what is copied off the disk without the browser's own data is unreadable.
// Each goes with a key of its own, so that one sent twice counts once. The service has one once it
// said at which position of its log it stands; it will never take one whose refusal is final.
// Whatever else comes back, it may be the only copy of what somebody signed: it stays and is sent again.

import { deviceStore } from "./device_store.js";
import { post, Refused } from "./service.js";

const queue = deviceStore("nuanzhang-signatures", "queue", "key");
const device = deviceStore("nuanzhang-device", "device", "name");

const WAIT_MS = 2000;
const WAIT_MS_MAX = 60000;
// The service is there, and could not just now: it is asked again.
const AGAIN = new Set([408, 425, 429, 500, 502, 503, 504]);
const AGAIN_CODES = new Set(["store.too_busy", "vault.key_made_elsewhere"]);
// No signature, nobody's own, or nothing that is signed for; of what was withdrawn, or stopped by an
// objection, the service keeps it.
const FINAL = new Set([
  "signature.empty",
  "signature.too_long",
  "signature.strokes_unreadable",
  "signature.not_own",
  "signature.reused",
  "signature.row_unknown",
  "disbursement.not_in_transit",
  "disbursement.withdrawn",
  "disbursement.objection_upheld",
  "vault.person_erased",
]);
// The device's clock is not the service's: times are put right by how far it is off.
const CLOCK = new Set(["signature.ahead", "signature.before_approval"]);

// The key to what is kept here, and the name by which this device is told from others.
async function ours() {
  const found = await device("readonly", (store) => store.get("seal"));
  if (found) return found;
  const key = await crypto.subtle.generateKey({ name: "AES-GCM", length: 256 }, false, ["encrypt", "decrypt"]);
  const made = { name: "seal", key, id: crypto.randomUUID() };
  // Another tab may have made one meanwhile: the first stays.
  await device("readwrite", (store) => store.add(made)).catch(() => null);
  return device("readonly", (store) => store.get("seal"));
}

export const deviceId = async () => (await ours()).id;

// Keep a signature: `about` says in clear which batch, row and witness it is of.
export async function keep(about, signature) {
  const { key } = await ours();
  // A device that runs short of room deletes what it was not asked to hold on to.
  await navigator.storage?.persist?.().catch(() => false);
  const iv = crypto.getRandomValues(new Uint8Array(12));
  const plain = new TextEncoder().encode(JSON.stringify(signature));
  const sealed = await crypto.subtle.encrypt({ name: "AES-GCM", iv }, key, plain);
  const entry = { ...about, key: crypto.randomUUID(), at: Date.now(), iv, sealed, refused: null, held: null };
  await queue("readwrite", (store) => store.add(entry));
  return entry.key;
}

export const kept = async () => (await queue("readonly", (store) => store.getAll())).sort((a, b) => a.at - b.at);
export const drop = (entry) => queue("readwrite", (store) => store.delete(entry.key));

async function opened(entry) {
  const { key } = await ours();
  const plain = await crypto.subtle.decrypt({ name: "AES-GCM", iv: entry.iv }, key, entry.sealed);
  const signature = JSON.parse(new TextDecoder().decode(plain));
  for (const time of ["started_at", "ended_at"]) {
    signature[time] = new Date(Date.parse(signature[time]) - (entry.ahead ?? 0)).toISOString();
  }
  return signature;
}

// Sends what one officer witnessed, again and again until it is taken; `told` hears what becomes of it.
export class Sender {
  #witness;
  #told;
  #running = null;
  #timer;
  #wait = WAIT_MS;

  constructor(witness, told) {
    this.#witness = witness;
    this.#told = told;
    window.addEventListener("online", () => this.now());
    window.addEventListener("focus", () => this.now());
  }

  now() {
    clearTimeout(this.#timer);
    this.#running ??= this.#send().finally(() => (this.#running = null));
    return this.#running;
  }

  #later() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.now(), this.#wait);
    this.#wait = Math.min(this.#wait * 2, WAIT_MS_MAX);
  }

  async #send() {
    const held = new Set();
    const next = async () => (await kept()).find((each) => each.witness === this.#witness && !each.refused && !held.has(each.key));
    for (let entry; (entry = await next()); ) {
      let answer;
      try {
        answer = await post(`/v1/batches/${entry.batch}/signatures`, await opened(entry), { "Idempotency-Key": entry.key });
      } catch (error) {
        if (!(error instanceof Refused)) {
          this.#told("offline");
          return this.#later();
        }
        if (error.status === 401 || error.code === "duty.not_own_act") {
          this.#told("signed-out");
          return this.#later();
        }
        if (AGAIN.has(error.status) || AGAIN_CODES.has(error.code)) {
          this.#told("busy");
          return this.#later();
        }
        if (FINAL.has(error.code)) {
          // It is forgotten here; that it was refused stays until the person signs anew.
          const refused = { ...entry, sealed: null, refused: error.code, detail: error.message };
          await queue("readwrite", (store) => store.put(refused));
          this.#told("refused", refused);
        } else if (CLOCK.has(error.code) && entry.ahead === undefined && error.at) {
          await queue("readwrite", (store) => store.put({ ...entry, ahead: Date.now() - error.at }));
        } else {
          // Those behind it are sent meanwhile.
          const waits = { ...entry, held: error.code, detail: error.message };
          await queue("readwrite", (store) => store.put(waits));
          held.add(entry.key);
          this.#told("held", waits);
        }
        continue;
      }
      if (!Number.isInteger(answer?.last_position)) {
        this.#told("offline");
        return this.#later();
      }
      await drop(entry);
      this.#wait = WAIT_MS;
      this.#told("sent", entry);
    }
    this.#told("idle");
    if (held.size) this.#later();
  }
}

// The officer's own key. It is made in this browser and cannot be taken out of it: the ledger's
// operator never holds it. Ed25519 by WebCrypto (W3C Secure Curves), kept in IndexedDB.

import { deviceStore } from "./device_store.js";
import { base64Of, bytesOf, post } from "./service.js";

const within = deviceStore("nuanzhang-officer-keys", "keys", "officerId");

export const supported = () => Boolean(globalThis.crypto?.subtle && globalThis.indexedDB);

// Return { officerId, keyId, privateKey } of this officer on this device, or undefined.
export const stored = (officerId) => within("readonly", (store) => store.get(officerId));

// Make a key pair, hand its public half in, and keep it here under the id that it was given.
export async function propose(officerId) {
  const pair = await crypto.subtle.generateKey("Ed25519", false, ["sign", "verify"]);
  const public_key = base64Of(await crypto.subtle.exportKey("raw", pair.publicKey));
  const path = `/v1/officers/${officerId}`;
  const asked = await post(`${path}/key-proofs`, { algorithm: "ed25519", public_key });
  const proof = base64Of(await crypto.subtle.sign("Ed25519", pair.privateKey, bytesOf(asked.to_sign)));
  const answer = await post(`${path}/keys`, { algorithm: "ed25519", public_key, proof });
  const keyId = answer.result.key_id;
  await within("readwrite", (store) => store.put({ officerId, keyId, privateKey: pair.privateKey }));
  return keyId;
}

// Sign what the service prepared, as commits want it. Throws when this device holds no key.
export async function sign(officerId, prepared) {
  const key = await stored(officerId);
  if (!key) throw new NoKeyHere();
  const signature = await crypto.subtle.sign("Ed25519", key.privateKey, bytesOf(prepared.to_sign));
  return { payload: prepared.payload, key_id: key.keyId, signature: base64Of(signature) };
}

export class NoKeyHere extends Error {}

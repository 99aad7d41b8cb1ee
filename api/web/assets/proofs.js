// The proofs of the log, computed in the browser: RFC 9162 trees, C2SP signed notes, DSSE envelopes.

import { bytesOf } from "./service.js";

export const textBytes = (text) => new TextEncoder().encode(text);
export const hex = (bytes) => [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
export const same = (one, other) => hex(one) === hex(other);

export function joined(...parts) {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

export const sha256 = async (...parts) => new Uint8Array(await crypto.subtle.digest("SHA-256", joined(...parts)));

// RFC 9162, 2.1.1: a leaf begins with 00, a node with 01.
export const leafHash = (entry) => sha256(Uint8Array.of(0), entry);
const node = (left, right) => sha256(Uint8Array.of(1), left, right);

// RFC 9162, 2.1.3.2. BigInt: positions may pass 32 bits, where shifts of numbers go wrong.
export async function rootFrom(leaf, position, size, path) {
  let at = BigInt(position);
  let last = BigInt(size) - 1n;
  if (at > last) return null;
  let hash = leaf;
  for (const sibling of path) {
    if (last === 0n) return null;
    if (at & 1n || at === last) {
      hash = await node(sibling, hash);
      while (!(at & 1n) && at !== 0n) {
        at >>= 1n;
        last >>= 1n;
      }
    } else {
      hash = await node(hash, sibling);
    }
    at >>= 1n;
    last >>= 1n;
  }
  return last === 0n ? hash : null;
}

// C2SP signed-note and tlog-checkpoint: origin, size, root; then a blank line and signatures.
export function readCheckpoint(note) {
  const split = note.lastIndexOf("\n\n");
  const text = note.slice(0, split + 1);
  const [origin, size, root] = text.split("\n");
  const lines = note.slice(split + 2).split("\n").filter(Boolean).map((line) => {
    const [, name, coded] = /^\u2014 (\S+) (\S+)$/.exec(line) ?? [];
    const bytes = coded ? bytesOf(coded) : new Uint8Array();
    return { name, keyHash: bytes.slice(0, 4), signature: bytes.slice(4) };
  });
  return { text, origin, size, root: bytesOf(root), lines };
}

// C2SP signed-note, verifier keys: name+hash+base64(type, key).
export function readVerifierKey(text) {
  const [, name, hash, coded] = /^([^+\s]+)\+([0-9a-f]{8})\+(\S+)$/.exec(text.trim()) ?? [];
  if (!name) return null;
  const typed = bytesOf(coded);
  // Types without a number of their own begin with 255 and a name that a line feed ends.
  const prefix = typed[0] === 255 ? typed.indexOf(10) + 1 : 1;
  return { name, hash, typed, type: typed[0], raw: typed.slice(prefix) };
}

export async function ed25519(raw, signature, message) {
  const key = await crypto.subtle.importKey("raw", raw, "Ed25519", false, ["verify"]);
  return crypto.subtle.verify("Ed25519", key, signature, message);
}

export async function noteHolds(checkpoint, key) {
  const expected = (await sha256(textBytes(`${key.name}\n`), key.typed)).slice(0, 4);
  if (hex(expected) !== key.hash || checkpoint.origin !== key.name) return false;
  for (const line of checkpoint.lines) {
    if (line.name === key.name && same(line.keyHash, expected)) {
      return ed25519(key.raw, line.signature, textBytes(checkpoint.text));
    }
  }
  return false;
}

// DSSE: what is signed of an envelope.
export function signedBytes(type, payload) {
  const head = `DSSEv1 ${textBytes(type).length} ${type} ${payload.length} `;
  return joined(textBytes(head), payload);
}

// The name that the ledger gives a key is a hash over it (FORMAT.md, "Keys").
export async function keyId(algorithm, raw) {
  return hex(await sha256(textBytes(`nuanzhang key v1\n${algorithm}\n`), raw)).slice(0, 32);
}

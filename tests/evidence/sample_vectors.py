"""The vectors of FORMAT.md by name, made by the real code from fixed keys."""

import json
from base64 import b64encode
from hashlib import sha256

from ledger.evidence.canonical import canonical_json
from ledger.evidence.checkpoint import Checkpoint, sign_note
from ledger.evidence.envelope import PAYLOAD_TYPE, decode, pae, payload_of
from ledger.evidence.keys import Algorithm, Signer, Sm2Signer, signer_from_seed
from ledger.evidence.map_growth import MapGrowth
from ledger.evidence.map_pages import PagedMap
from ledger.evidence.merkle import inclusion_path, leaf_hash, root_hash
from ledger.evidence.note import NoteKey
from ledger.evidence.proofs import Receipt
from ledger.evidence.reanchoring import Sm3Tree, sm3_leaf
from ledger.evidence.sampling import (
    MONETARY_UNIT,
    SIMPLE,
    STRATIFIED,
    Unit,
    draw,
    line_of,
    seed_of,
    universe_sha256,
)
from ledger.evidence.tree_heads import TreeHead
from ledger.evidence.verifiable_map import REGISTERS, subject_key
from tests.evidence.sample_log import (
    LOG_KEY,
    OFFICER_SIGNER,
    ORIGIN,
    SERVICE_SIGNER,
    SampleLog,
    sample_log,
)

OTHER_SEED = bytes(range(64, 96))
SM2_SIGNER = Sm2Signer(OTHER_SEED)

SIGNED_BY_OFFICER = 3
"""Position of the entry that the page shows."""


def receipt_for(log: SampleLog, position: int) -> Receipt:
    leaves = [leaf_hash(entry.envelope) for entry in log.entries]

    def node(level: int, index: int) -> bytes:
        return root_hash(leaves[index << level : (index + 1) << level])

    path = inclusion_path(position, len(leaves), node)
    return Receipt(position, leaves[position], tuple(path), log.notes[-1][1])


def sample_map(log: SampleLog) -> PagedMap:
    growth = MapGrowth(lambda _: None)
    for entry in log.entries:
        payload = payload_of(entry.envelope)
        growth.add(entry.position, entry.topic, entry.version, payload, leaf_hash(entry.envelope))
    built = PagedMap(lambda _: None)
    built.update(growth.heads())
    return built


def other_keys() -> list[Signer]:
    """One key of every algorithm, from the same 32 bytes."""
    return [signer_from_seed(each, OTHER_SEED) for each in Algorithm]


def sm2_checkpoint(log: SampleLog) -> str:
    size, _ = log.notes[-1]
    return sign_note(Checkpoint(ORIGIN, size, log.edge().root()), ORIGIN, SM2_SIGNER)


def sm3_root(log: SampleLog) -> bytes:
    tree = Sm3Tree()
    tree.extend(sm3_leaf(entry.envelope) for entry in log.entries)
    return tree.root()


SAMPLE = "00000000-0000-0000-0000-000000000007"
UNIVERSE = (
    Unit(6, 80_000, "X01"),
    Unit(8, 120_000, "X01"),
    Unit(10, 80_000, "X02"),
    Unit(12, 500_000, "X02"),
    Unit(14, 30_000, "X02"),
    Unit(16, 30_000, "示范基层"),
)


def samples(log: SampleLog) -> str:
    seed = seed_of(SAMPLE, log.edge().root())
    return "\n".join(
        f"{method} {' '.join(map(str, draw(method, 4, UNIVERSE, seed)))}"
        for method in (SIMPLE, STRATIFIED, MONETARY_UNIT)
    )


def vectors() -> dict[str, str]:
    log = sample_log()
    envelope = log.entries[SIGNED_BY_OFFICER].envelope
    payload = decode(envelope).payload
    leaves = [leaf_hash(entry.envelope) for entry in log.entries]
    built = sample_map(log)
    proof = built.prove(subject_key(log.entries[SIGNED_BY_OFFICER].stream))
    return {
        "service-private-key": SERVICE_SIGNER.seed.hex(),
        "officer-private-key": OFFICER_SIGNER.seed.hex(),
        "tree-head": canonical_json(TreeHead(3, root_hash(leaves[:3])).to_json()).decode(),
        "payload": payload.decode(),
        "pae-sha256": sha256(pae(PAYLOAD_TYPE, payload)).hexdigest(),
        "envelope": envelope.decode(),
        "service-public-key": SERVICE_SIGNER.public_key.raw.hex(),
        "service-key-id": SERVICE_SIGNER.public_key.key_id,
        "leaf-hash": leaves[SIGNED_BY_OFFICER].hex(),
        "leaf-hashes": "\n".join(map(bytes.hex, leaves)),
        "root": root_hash(leaves).hex(),
        "edge": log.edge().to_bytes().hex(),
        "checkpoint": log.notes[-1][1].removesuffix("\n"),
        "verifier-key": LOG_KEY.vkey(),
        "other-private-key": OTHER_SEED.hex(),
        "other-keys": "\n".join(
            f"{key.algorithm.value} {key.key_id} {NoteKey(ORIGIN, key).key_hash.hex()}"
            for key in (each.public_key for each in other_keys())
        ),
        "sm2-public-key": SM2_SIGNER.public_key.raw.hex(),
        "sm2-verifier-key": NoteKey(ORIGIN, SM2_SIGNER.public_key).vkey(),
        "sm2-checkpoint": sm2_checkpoint(log).removesuffix("\n"),
        "sm3-root": b64encode(sm3_root(log)).decode(),
        "registers": "\n".join(REGISTERS),
        "map-root": b64encode(built.root()).decode(),
        "map-proof": json.dumps(proof.to_json(), indent=2),
        "universe": b"".join(map(line_of, UNIVERSE)).decode().removesuffix("\n"),
        "universe-sha256": universe_sha256(UNIVERSE),
        "sample-seed": seed_of(SAMPLE, log.edge().root()).hex(),
        "samples": samples(log),
        "receipt": json.dumps(
            receipt_for(log, SIGNED_BY_OFFICER).to_json(), indent=2, ensure_ascii=False
        ),
    }

"""Reads sealed segments by FORMAT.md alone: hashlib, Ed25519 and DuckDB, and no line of the ledger.

It knows logs of one service key. It does not look at officers' signatures, which the verifier of
whole logs beside it (`tests/evidence/tiny_verifier.py`) does.
"""

import json
from base64 import b64decode, b64encode
from collections.abc import Sequence
from hashlib import file_digest, sha256
from pathlib import Path
from typing import Any

import duckdb
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

EVENT = "application/vnd.nuanzhang.event+json"
SEGMENT = "application/vnd.nuanzhang.segment+json"


class Wrong(Exception):
    """Something does not hold."""


def read_segments(folder: Path, founding_key_id: str) -> tuple[int, bytes]:
    """Check all segments of a folder; return how many entries there are, and their root."""
    key: Ed25519PublicKey | None = None
    leaves: list[bytes] = []
    previous = None
    manifests = []
    for number, segment in enumerate(sorted(folder.glob("*-*/")), 1):
        envelope = json.loads((segment / "manifest.json").read_bytes())
        payload = b64decode(envelope["payload"])
        manifest = json.loads(payload)
        manifests.append((segment, manifest, envelope, payload))
        _same(segment.name, f"{manifest['start']:012}-{manifest['stop']:012}")
        _same((manifest["start"], manifest["number"]), (len(leaves), number))
        _same(manifest["previous"], previous)
        previous = sha256(payload).hexdigest()
        for file in manifest["files"]:
            with (segment / file["name"]).open("rb") as opened:
                _same(file_digest(opened, "sha256").hexdigest(), file["sha256"])
        there = {
            each.relative_to(segment).as_posix() for each in segment.rglob("*") if each.is_file()
        }
        _same(there, {"manifest.json", *(each["name"] for each in manifest["files"])})
        hashed = _asked(
            segment,
            "SELECT position, from_hex(sha256('\\x00'::BLOB || envelope)), leaf_hash"
            " FROM events ORDER BY position",
        )
        _same([row[0] for row in hashed], list(range(manifest["start"], manifest["stop"])))
        _same([row[1] for row in hashed], [row[2] for row in hashed])
        leaves += [row[1] for row in hashed]
        _same(manifest["edge"], _edge(leaves))
        for at in range(manifest["start"], manifest["stop"], 256):
            groups = f"{at // 256:03}"
            tile = (segment / "tile" / "0" / groups).read_bytes()
            _same(tile, b"".join(leaves[at : at + 256]))
    segment, _, _, _ = manifests[0]
    [(first,)] = _asked(segment, "SELECT envelope FROM events WHERE position = 0")
    told = json.loads(b64decode(json.loads(first)["payload"]))["data"]
    raw = b64decode(told["public_key"])
    named = b"nuanzhang key v1\n" + told["algorithm"].encode() + b"\n" + raw
    _same(sha256(named).hexdigest()[:32], founding_key_id)
    key = Ed25519PublicKey.from_public_bytes(raw)
    for segment, manifest, envelope, payload in manifests:
        _signed(key, founding_key_id, SEGMENT, envelope, payload)
        for (entry,) in _asked(segment, "SELECT envelope FROM events ORDER BY position"):
            signed = json.loads(entry)
            event = b64decode(signed["payload"])
            _signed(key, founding_key_id, EVENT, signed, event)
            head = json.loads(event)["data"].get("tree_head")
            if head is not None:
                _same(b64decode(head["root"]), root(leaves[: head["size"]]))
        _covered(key, raw, manifest, leaves)
    _in_turn(folder)
    return len(leaves), root(leaves)


def balances(folder: Path) -> dict[tuple[str, int], int]:
    """Return what each fund account has in hand, by vintage, out of the signed payloads alone."""
    rows = _asked(
        folder / "*",
        """
        WITH told AS (
            SELECT position, type, stream,
                decode(from_base64(decode(envelope)::JSON ->> 'payload'))::JSON -> 'data' AS data
            FROM events WHERE type LIKE 'fund.%'
        ), moved AS (
            SELECT stream, (data ->> 'vintage')::BIGINT AS vintage,
                (data ->> 'amount_fen')::BIGINT AS fen FROM told WHERE type = 'fund.received'
            UNION ALL
            SELECT stream, (data ->> 'vintage')::BIGINT, (data ->> 'difference_fen')::BIGINT
            FROM told WHERE type = 'fund.receipt_corrected'
            UNION ALL
            SELECT stream, (piece ->> 'vintage')::BIGINT,
                (piece ->> 'amount_fen')::BIGINT
                    * CASE WHEN type IN ('fund.allocated', 'fund.drawn') THEN -1 ELSE 1 END
            FROM (
                SELECT stream, type, unnest(
                    (data -> CASE WHEN type = 'fund.allocation_received' THEN 'lots'
                        ELSE 'parts' END)::JSON[]
                ) AS piece
                FROM told WHERE type IN (
                    'fund.allocated', 'fund.drawn', 'fund.allocation_received', 'fund.restored'
                )
            )
        )
        SELECT stream, vintage, sum(fen)::BIGINT FROM moved GROUP BY ALL
        """,
    )
    return {(stream, vintage): fen for stream, vintage, fen in rows}


def root(leaves: Sequence[bytes]) -> bytes:
    if not leaves:
        return sha256().digest()
    if len(leaves) == 1:
        return leaves[0]
    left = 1 << (len(leaves) - 1).bit_length() - 1
    return sha256(b"\x01" + root(leaves[:left]) + root(leaves[left:])).digest()


def _edge(leaves: Sequence[bytes]) -> str:
    found, at = len(leaves).to_bytes(8), 0
    for bit in reversed(range(len(leaves).bit_length())):
        if len(leaves) >> bit & 1:
            found += root(leaves[at : at + (1 << bit)])
            at += 1 << bit
    return b64encode(found).decode()


def _covered(
    key: Ed25519PublicKey, raw: bytes, manifest: dict[str, Any], leaves: Sequence[bytes]
) -> None:
    text, _, signature = manifest["checkpoint"].partition("\n\n")
    origin, size, told = text.split("\n")
    name, _, line = signature.removeprefix("\u2014 ").strip().rpartition(" ")
    hinted = b64decode(line)
    _same((name, origin), (manifest["origin"], manifest["origin"]))
    _same(hinted[:4], sha256(name.encode() + b"\n\x01" + raw).digest()[:4])
    key.verify(hinted[4:], (text + "\n").encode())
    path = [b64decode(each) for each in manifest["consistency"]]
    first, second = root(leaves[: manifest["stop"]]), b64decode(told)
    if int(size) == manifest["stop"]:
        _same((first, path), (second, []))
    else:
        _same(_consistent(manifest["stop"], int(size), first, path), (first, second))


def _consistent(size1: int, size2: int, root1: bytes, path: list[bytes]) -> tuple[bytes, bytes]:
    """RFC 9162, section 2.1.4.2."""
    hashes = [root1, *path] if size1 & (size1 - 1) == 0 else path
    fn, sn = size1 - 1, size2 - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    fr = sr = hashes[0]
    for each in hashes[1:]:
        if fn & 1 or fn == sn:
            fr, sr = sha256(b"\x01" + each + fr).digest(), sha256(b"\x01" + each + sr).digest()
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            sr = sha256(b"\x01" + sr + each).digest()
        fn, sn = fn >> 1, sn >> 1
    return fr, sr


def _signed(
    key: Ed25519PublicKey, key_id: str, kind: str, envelope: dict[str, Any], payload: bytes
) -> None:
    _same(envelope["payloadType"], kind)
    first = envelope["signatures"][0]
    _same(first["keyid"], key_id)
    pae = b"DSSEv1 %d %b %d %b" % (len(kind), kind.encode(), len(payload), payload)
    key.verify(b64decode(first["sig"]), pae)


def _in_turn(folder: Path) -> None:
    found = _asked(
        folder / "*",
        "SELECT count(*) FROM (SELECT version, row_number() OVER"
        " (PARTITION BY stream ORDER BY position) AS turn FROM events) WHERE version <> turn",
    )
    _same(found, [(0,)])


def _asked(segment: Path, statement: str) -> list[tuple[Any, ...]]:
    with duckdb.connect() as connection:
        path = str(segment / "events.parquet")
        connection.execute(f"CREATE VIEW events AS SELECT * FROM read_parquet('{path}')")
        return connection.execute(statement).fetchall()


def _same(one: object, other: object) -> None:
    if one != other:
        raise Wrong(f"{str(one)[:200]} is not {str(other)[:200]}")

"""A second verifier, written from ledger/evidence/FORMAT.md alone: it imports nothing of ours."""
# ruff: noqa: PT018 - each assertion is one sentence of the page

import json
import re
from base64 import b64decode, b64encode
from collections.abc import Sequence
from datetime import date, datetime
from hashlib import sha256
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

Entry = tuple[int, str, int, str, bytes]  # position, stream, version, type, envelope
Key = tuple[str, bytes, int, list[int]]  # owner, raw key, valid from, its end if any

TYPE = "application/vnd.nuanzhang.event+json"
NAMES = {"actor", "data", "happened_on", "origin", "recorded_at", "schema", "stream", "type"}
ACTOR = "operator|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
REGISTERS = (
    *("batch.drafted", "campaign.", "fiscal_year.", "fund.opened", "key.", "log.", "officer."),
    *("organisation.", "policy.", "publication.", "remittance.", "service_key.", "witness."),
)
NOBODY = "00000000-0000-0000-0000-000000000000"
FIELD = 2**255 - 19
EIGHT = 0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7
SMALL = (0, 1, FIELD - 1, EIGHT, FIELD - EIGHT)
REFUSALS = (AssertionError, KeyError, TypeError, ValueError, RecursionError, InvalidSignature)


def canonical(value: Any) -> str:
    if isinstance(value, dict):
        names = sorted(value, key=lambda name: name.encode("utf-16-be", "surrogatepass"))
        return "{" + ",".join(f"{canonical(n)}:{canonical(value[n])}" for n in names) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(canonical, value)) + "]"
    assert not isinstance(value, float), "a number that is not whole"
    assert not isinstance(value, int) or abs(value) < 2**53, "a number too large"
    return json.dumps(value, ensure_ascii=False)


def read_json(data: bytes) -> Any:
    value = json.loads(data.decode())
    assert canonical(value).encode() == data, "not canonical"
    return value


def is_loose(value: Any, name: str = "") -> bool:
    if re.search(r"_ids\Z", name):
        return not isinstance(value, list) or any(is_loose(each or 0, "_id") for each in value)
    if re.search(r"_(by|(?<!key_)(?<!end_to_end_)id)\Z", name):
        return value is not None and not (isinstance(value, str) and bool(named(value)))
    if isinstance(value, list):
        return any(map(is_loose, value))
    return isinstance(value, dict) and any(is_loose(each, inner) for inner, each in value.items())


def unbase64(text: str) -> bytes:
    raw = b64decode(text, validate=True)
    assert b64encode(raw).decode() == text, "base64 with loose ends"
    return raw


def read_envelope(data: bytes) -> tuple[bytes, dict[str, Any], dict[str, bytes]]:
    envelope = read_json(data)
    assert sorted(envelope) == ["payload", "payloadType", "signatures"], "members"
    assert envelope["payloadType"] == TYPE, "payload type"
    assert all(sorted(each) == ["keyid", "sig"] for each in envelope["signatures"]), "signature"
    signatures = {each["keyid"]: unbase64(each["sig"]) for each in envelope["signatures"]}
    assert len(signatures) == len(envelope["signatures"]) > 0, "none, or two by one key"
    payload = unbase64(envelope["payload"])
    event = read_json(payload)
    assert isinstance(event, dict) and set(event) == NAMES | {"version"}, "not the nine members"
    return payload, event, signatures


def learn_key(keys: dict[str, Key], entry: Entry) -> None:
    _, event, _ = read_envelope(entry[4])
    owner = "service" if entry[3].startswith("service_key.") else event["stream"]
    data, name = event["data"], event["data"]["key_id"]
    if not entry[3].endswith("registered"):
        lost = entry[3].endswith("compromised")
        assert keys[name][0] == owner and (lost or not keys[name][3]), "no such key to end"
        keys[name][3].extend([] if keys[name][3] else [entry[0]])
        return
    raw = b64decode(data["public_key"], validate=True)
    digest = sha256(b"nuanzhang key v1\ned25519\n" + raw).hexdigest()
    assert data["algorithm"] == "ed25519" and name == digest[:32] and name not in keys, "key"
    y = int.from_bytes(raw, "little") % 2**255
    assert len(raw) == 32 and y < FIELD and y not in SMALL, "not a key to sign with"
    keys[name] = (owner, raw, entry[0], [])


def is_valid(key: Key, owner: str, position: int) -> bool:
    return key[0] == owner and key[2] <= position < min([*key[3], 2**63])


def check_entry(entry: Entry, keys: dict[str, Key], known: dict[str, Any]) -> None:
    position, stream, version, kind, envelope = entry
    payload, event, signatures = read_envelope(envelope)
    assert re.fullmatch(ACTOR, event["actor"]) and isinstance(event["data"], dict), "form"
    assert len(event["recorded_at"]) == 24 and not is_loose(event["data"]), "form"
    day, moment = date.fromisoformat(event["happened_on"]), event["recorded_at"][:-1]
    again = datetime.fromisoformat(moment).isoformat(timespec="milliseconds")
    assert [f"{day}", f"{again}Z"] == [event["happened_on"], event["recorded_at"]], "form"
    assert all(type(event[n]) is int and event[n] > 0 for n in ("schema", "version")), "form"
    if "tree_head" in event["data"]:
        head = event["data"]["tree_head"]
        assert sorted(head) == ["root", "size"] and type(head["size"]) is int, "tree head"
        assert 0 <= head["size"] <= position and len(unbase64(head["root"])) == 32, "tree head"
    stored = {"origin": known["origin"], "stream": stream, "version": version, "type": kind}
    assert all(event[name] == value for name, value in stored.items()), "columns differ"
    message = b"DSSEv1 %d %b %d %b" % (len(TYPE), TYPE.encode(), len(payload), payload)
    for number, (name, signature) in enumerate(signatures.items()):
        owner = event["actor"] if number else "service"
        assert is_valid(keys[name], owner, position), "key not valid"
        Ed25519PublicKey.from_public_bytes(keys[name][1]).verify(signature, message)
    first = next(iter(signatures))
    assert position == 0 or keys[first][2] < position, "the key vouches for itself"
    assert position > 0 or first == known["founding_key_id"], "another founding key"
    assert len(signatures) > 1 or kind not in known["officer_signed"], "officer missing"


def root(leaves: Sequence[bytes]) -> bytes:
    if len(leaves) < 2:
        return leaves[0] if leaves else sha256(b"").digest()
    left = 1 << (len(leaves) - 1).bit_length() - 1
    return sha256(b"\x01" + root(leaves[:left]) + root(leaves[left:])).digest()


def check_note(note: str, start: list[str], keys: list[bytes]) -> None:
    text, blank, tail = note.rpartition("\n\n")
    assert blank and tail.endswith("\n") and not re.search("[\0-\x09\x0b-\x1f]", note), "note"
    assert text.split("\n")[:3] == start and "\n\n" not in text, "checkpoint"
    known = {sha256(f"{start[0]}\n\x01".encode() + key).digest()[:4]: key for key in keys}
    vouched = False
    for line in tail.removesuffix("\n").split("\n"):
        dash, name, signed = line.split(" ")
        raw = unbase64(signed)
        assert dash == "—" and name and "+" not in name and len(raw) > 4, "a signature line"
        if name == start[0] and raw[:4] in known:
            key = Ed25519PublicKey.from_public_bytes(known[raw[:4]])
            key.verify(raw[4:], f"{text}\n".encode())
            vouched = True
    assert vouched, "no known key signed the note"


def map_root(heads: dict[bytes, bytes], bit: int = 0) -> bytes:
    if len(heads) < 2:
        leaves = [sha256(b"\x02" + key + head).digest() for key, head in heads.items()]
        return leaves[0] if leaves else bytes(32)
    halves: tuple[dict[bytes, bytes], ...] = ({}, {})
    for key, head in heads.items():
        halves[int.from_bytes(key) >> 255 - bit & 1][key] = head
    return sha256(b"\x03" + b"".join(map_root(half, bit + 1) for half in halves)).digest()


def named(value: Any) -> set[str]:
    if isinstance(value, str):
        return {value} if re.fullmatch(ACTOR[9:], value) else set()
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return set().union(*map(named, inner))


def check_maps(entries: Sequence[Entry]) -> None:
    heads: dict[bytes, bytes] = {}
    for position, stream, version, kind, envelope in entries:
        _, event, _ = read_envelope(envelope)
        if kind == "publication.announced":
            assert type(event["data"]["map_format"]) is int and event["data"]["map_format"] == 1
            assert unbase64(event["data"]["map_root"]) == map_root(heads), "another map"
        subjects = named(event)
        keys = {f"nuanzhang subject\n{each}": each == stream for each in subjects}
        if kind.startswith(REGISTERS):
            keys |= {f"nuanzhang subject\n{each}\n{kind}": False for each in subjects | {NOBODY}}
        for text, own in keys.items():
            key = sha256(text.encode()).digest()
            head = heads.get(key, bytes(56))
            where = version.to_bytes(8) + position.to_bytes(8) if own else head[:16]
            link = b"\x04" + head[24:] + position.to_bytes(8) + sha256(b"\0" + envelope).digest()
            count = int.from_bytes(head[16:24]) + 1
            heads[key] = where + count.to_bytes(8) + sha256(link).digest()


def check_log(
    entries: Sequence[Entry], notes: Sequence[tuple[int, str]], known: dict[str, Any]
) -> None:
    """Raise one of REFUSALS unless all holds that is `known` from elsewhere."""
    keys: dict[str, Key] = {}
    for entry in entries:
        if re.fullmatch(
            r"(service_key\.|officer\.key_)(registered|retired|revoked|compromised)", entry[3]
        ):
            learn_key(keys, entry)
    versions: dict[str, int] = {}
    for expected, entry in enumerate(entries):
        check_entry(entry, keys, known)
        versions[entry[1]] = versions.get(entry[1], 0) + 1
        assert entry[0] == expected and entry[2] == versions[entry[1]], "gap"
    check_maps(entries)
    leaves = [sha256(b"\x00" + entry[4]).digest() for entry in entries]
    for position, _, _, kind, envelope in entries:
        if kind == "log.reaffirmed":
            data = read_envelope(envelope)[1]["data"]
            said = [type(data["size"]), data["size"], data["root"]]
            assert said == [int, position, b64encode(root(leaves[:position])).decode()], "vouched"
    for *_, envelope in entries:
        head = read_envelope(envelope)[1]["data"].get("tree_head")
        assert not head or unbase64(head["root"]) == root(leaves[: head["size"]]), "another log"
    sizes = [size for size, _ in notes]
    assert sizes == sorted(set(sizes)) and [0, *sizes][-1] == len(entries), "not covered"
    for size, note in notes:
        service = [key[1] for key in keys.values() if is_valid(key, "service", size - 1)]
        start = [known["origin"], str(size), b64encode(root(leaves[:size])).decode()]
        check_note(note, start, service)

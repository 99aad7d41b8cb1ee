"""Checks an evidence pack of a Nuanzhang ledger: verify_pack.py PACK.zip [KEY-ID [WITNESS-KEY...]].

--checkpoint NOTE   a checkpoint that somebody kept, from which its log must go on
--at-least SIZE     how many entries its checkpoint must be of, or more
--not-before TIME   ISO 8601, else UTC; the witnesses must have cosigned at that time or later
--bytes-max BYTES   how much it may come to when it is unpacked
--administrator ID  key id of a first administrator, as they showed it; give each, or none

This one file needs Python 3.11 and the package `cryptography`, nothing of the ledger's own, no
network and no database. It was written from the published format (FORMAT.md), so it is a second
opinion beside `nuanzhang verify-pack`. KEY-ID is the id of the key that founded the ledger: get it
from the union in another way than with the pack. Without it, everything may hold and yet have been
made by anybody. Each WITNESS-KEY (a verifier key) is of a witness that must have cosigned.
The pages to read (statement.html, statement.pdf) are not compared with the events here: only
`nuanzhang verify-pack` makes them anew.
"""

import argparse
import json
import re
import struct
import sys
import zipfile
import zlib
from base64 import b64decode, b64encode
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from itertools import pairwise
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey, MLDSA65PublicKey
from cryptography.hazmat.primitives.hashes import SM3, Hash

EVENT = "application/vnd.nuanzhang.event+json"
MANIFEST = "application/vnd.nuanzhang.pack-manifest+json"
THE_LOG = "00000000-0000-0000-0000-000000000000"
UUID = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
MEMBERS = [
    "actor",
    "data",
    "happened_on",
    "origin",
    "recorded_at",
    "schema",
    "stream",
    "type",
    "version",
]
PACK_MEMBERS = [
    *("checkpoint", "entries", "figures", "format", "kind", "listings", "masked"),
    *("nodes", "openings", "origin", "subject", "timestamps", "title"),
]
SIGNED_BY_OFFICERS = {
    "batch.approved",
    "batch.sheet_certified",
    "case.recovery_written_off",
    "fund.allocated",
    "known_ledger.registered",
    "known_ledger.struck_off",
    "log.reaffirmed",
    "policy.adopted",
    "remittance.refused",
    "remittance.sent",
    "service_key.compromised",
}
ADMINISTRATION = "ec740a29-0b95-51bb-b260-0f57eecfd86b"  # says who the first administrators are
VOUCHING_POSTS = ("安全管理", "系统管理")  # the first of them gives posts
FOREVER = "9999-99-99"
MOMENT = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z"
VOUCHED_FOR = ("officer.role_granted", "officer.key_registered")
KEY_EVENTS = (
    *("service_key.registered", "service_key.retired", "service_key.compromised"),
    *("officer.key_registered", "officer.key_revoked", "officer.key_compromised"),
    "log.reaffirmed",
)
SHOWN_OF = {
    **dict.fromkeys(("fund", "batch", "payment", "person", "remittance"), (None,)),
    "organisation": (
        *("organisation.registered", "organisation.moved", "batch.drafted"),
        *("fund.opened", "fiscal_year.opened"),
    ),
    "ledger": (
        *("organisation.registered", "fund.opened", "fiscal_year.opened"),
        *("fiscal_year.surplus_brought_forward", "remittance.sent", "remittance.received"),
    ),
}
FIGURE_OF = {"fund": "fund.balance/1", "batch": "batch/1", "payment": "payment/1"}
MASKED = {
    "name": r"(?s:.\*+.?)",
    "id_number": r"(?s:.{4}\*+.{4})|\*{1,8}",
    "phone": r"(?s:.{3}\*+.{4})|\*{1,7}",
    "card_number": r"(?s:\*{4}( .{4})?)",
}
FILES = sorted(
    (
        *("pack.json", "statement.html", "statement.pdf"),
        *("verify_pack.py", "README.txt", "manifest.json"),
    )
)
BYTES_MAX = 500_000_000
SMALL_BYTES_MAX = 1_000_000  # of verify_pack.py, README.txt and manifest.json each
VALUES_FREE, BYTES_PER_VALUE_MIN = 1_000, 16  # many short values would fill the memory
RAW_BYTES = {"ed25519": 32, "sm2-sm3": 65, "ml-dsa-44": 1312, "ml-dsa-65": 1952}
WHERE = {
    "in_transit": "transit",
    "settled": "paid",
    "signed": "paid",
    "returned": "back",
    "withdrawn": "back",
}
FIELD = 2**255 - 19
EIGHT = 0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7
SMALL = (0, 1, FIELD - 1, EIGHT, FIELD - EIGHT)

Events = list[tuple[int, dict[str, Any]]]  # position and payload of each


class Broken(Exception):
    """Something does not hold."""


class TooLarge(Exception):
    """It is larger than whoever checks allows."""


def need(holds: object, what: str) -> None:
    if not holds:
        raise Broken(what)


def require_room(size: int, bytes_max: int) -> None:
    if size > bytes_max:
        raise TooLarge(f"it comes to {size} bytes, {bytes_max} are allowed")


def h(*parts: bytes) -> bytes:
    return sha256(b"".join(parts)).digest()


def canonical(value: Any) -> str:
    if isinstance(value, dict):
        names = sorted(value, key=lambda name: name.encode("utf-16-be", "surrogatepass"))
        return "{" + ",".join(f"{canonical(n)}:{canonical(value[n])}" for n in names) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(canonical, value)) + "]"
    need(not isinstance(value, float), "a number that is not whole")
    need(not isinstance(value, int) or abs(value) < 2**53, "a number too large")
    return json.dumps(value, ensure_ascii=False)


def read_json(data: bytes) -> Any:
    value = json.loads(data.decode())
    need(canonical(value).encode() == data, "JSON that is not written in its one form")
    return value


def is_loose(value: Any, name: str = "") -> bool:
    """Say whether a member that names by id does so in another form than the map counts."""
    if name.endswith(("_by", "_id")) and not name.endswith(("key_id", "end_to_end_id")):
        return value is not None and not (isinstance(value, str) and re.fullmatch(UUID, value))
    if name.endswith("_ids"):
        return not isinstance(value, list) or any(is_loose(each or 0, "_id") for each in value)
    if isinstance(value, list):
        return any(map(is_loose, value))
    return isinstance(value, dict) and any(is_loose(each, n) for n, each in value.items())


def unbase64(text: str) -> bytes:
    raw = b64decode(text, validate=True)
    need(b64encode(raw).decode() == text, "base64 with loose ends")
    return raw


def read_tree_head(said: Any, position: int) -> tuple[int, bytes]:
    need(isinstance(said, dict) and list(said) == ["root", "size"], "no tree head")
    size, root = said["size"], unbase64(said["root"])
    need(type(size) is int and 0 <= size <= position and len(root) == 32, "no tree head")
    return size, root


def day_in_china(event: dict[str, Any]) -> str:
    try:
        moment = datetime.fromisoformat(event["recorded_at"][:-1]) + timedelta(hours=8)
    except OverflowError:
        return FOREVER
    return moment.date().isoformat()


def open_envelope(data: bytes, kind: str) -> tuple[bytes, list[tuple[str, bytes]], bytes]:
    envelope = read_json(data)
    need(sorted(envelope) == ["payload", "payloadType", "signatures"], "no envelope")
    need(envelope["payloadType"] == kind, "an envelope of another type")
    need(all(sorted(each) == ["keyid", "sig"] for each in envelope["signatures"]), "a signature")
    payload = unbase64(envelope["payload"])
    signatures = [(each["keyid"], unbase64(each["sig"])) for each in envelope["signatures"]]
    need(0 < len(signatures) == len(dict(signatures)), "no signature, or two by one key")
    return (
        payload,
        signatures,
        b"DSSEv1 %d %b %d %b"
        % (
            len(kind),
            kind.encode(),
            len(payload),
            payload,
        ),
    )


def verify(key: tuple[str, bytes], signature: bytes, message: bytes, whose: str) -> None:
    algorithm, raw = key
    try:
        if algorithm == "sm2-sm3":
            need(sm2_holds(raw, signature, message), f"the signature of {whose} does not hold")
        elif algorithm == "ed25519":
            Ed25519PublicKey.from_public_bytes(raw).verify(signature, message)
        else:
            kind = MLDSA44PublicKey if algorithm == "ml-dsa-44" else MLDSA65PublicKey
            kind.from_public_bytes(raw).verify(signature, message)
    except InvalidSignature:
        raise Broken(f"the signature of {whose} does not hold") from None


def may_sign(algorithm: str, raw: bytes) -> bool:
    if algorithm == "ed25519":
        y = int.from_bytes(raw, "little") % 2**255
        return y < FIELD and y not in SMALL
    return algorithm != "sm2-sm3" or on_curve(raw)


# SM2 (GB/T 32918): the curve y^2 = x^3 - 3x + B over P, of order N.
P = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFF
B = 0x28E9FA9E9D9F5E344D5A9E4BCF6509A7F39789F515AB8F92DDBCBD414D940E93
N = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123
GX = 0x32C4AE2C1F1981195F9904466A39C9948FE30BBFF2660BE1715A4589334C74C7
GY = 0xBC3736A2F4F6779C59BDCEE36B692153D0A9877CC62A474002DF32E52139F0A0
Point = tuple[int, int] | None


def on_curve(raw: bytes) -> bool:
    x, y = int.from_bytes(raw[1:33]), int.from_bytes(raw[33:])
    return raw[0] == 4 and x < P and y < P and (y * y - x * x * x + 3 * x - B) % P == 0


def add(one: Point, other: Point) -> Point:
    if one is None or other is None:
        return other if one is None else one
    (x1, y1), (x2, y2) = one, other
    if x1 == x2 and (y1 + y2) % P == 0:
        return None
    if one == other:
        slope = (3 * x1 * x1 - 3) * pow(2 * y1, -1, P) % P
    else:
        slope = (y2 - y1) * pow(x2 - x1, -1, P) % P
    x3 = (slope * slope - x1 - x2) % P
    return x3, (slope * (x1 - x3) - y1) % P


def times(factor: int, point: Point) -> Point:
    total: Point = None
    for digit in f"{factor:b}":
        total = add(total, total)
        total = add(total, point) if digit == "1" else total
    return total


def sm3(data: bytes) -> bytes:
    digest = Hash(SM3())
    digest.update(data)
    return digest.finalize()


def sm2_holds(raw: bytes, signature: bytes, message: bytes) -> bool:
    r, s = int.from_bytes(signature[:32]), int.from_bytes(signature[32:])
    if len(signature) != 64 or not (0 < r < N and 0 < s < N and (r + s) % N):
        return False
    numbers = b"".join(each.to_bytes(32) for each in (P - 3, B, GX, GY))
    whose = sm3(b"\x00\x80" + b"1234567812345678" + numbers + raw[1:])
    public = int.from_bytes(raw[1:33]), int.from_bytes(raw[33:])
    found = add(times(s, (GX, GY)), times((r + s) % N, public))
    return found is not None and (int.from_bytes(sm3(whose + message)) + found[0]) % N == r


def move(held: dict[str | None, int], event: Any, lot: str) -> None:
    """Move the pieces of one lot between where a payment's money can be."""
    data, kind = event["data"], event["type"]
    moves: dict[str, tuple[str | None, str | None]] = {
        "fund.drawn": (None, "transit"),
        "fund.restored": ("back", None),
        "disbursement.settled": ("transit", "paid"),
        "disbursement.signed": ("transit", "paid"),
        "disbursement.returned": (WHERE.get(data.get("was")), "back"),
        "disbursement.withdrawn": ("transit", "back"),
        "disbursement.corrected": (WHERE.get(data.get("was")), WHERE.get(data.get("now"))),
    }
    if kind in moves:
        pieces = sum(each["amount_fen"] for each in data["parts"] if each["lot_id"] == lot)
        held[moves[kind][0]] -= pieces
        held[moves[kind][1]] += pieces


def passed_on(event: Any, lot: str) -> list[str]:
    """Return what a lot was passed down as by an event."""
    if event["type"] != "fund.allocation_received":
        return []
    return [each["lot_id"] for each in event["data"]["lots"] if each["parent_id"] == lot]


class Pack:
    """A pack, its parts taken out and put to the test one after the other."""

    def __init__(self, said: Any) -> None:
        need(said["format"] == "nuanzhang pack 1", "a pack of another format")
        need(list(said) == PACK_MEMBERS, "other members than a pack has")
        self.said = said
        self.envelopes = {e["position"]: e["envelope"].encode() for e in said["entries"]}
        need(len(self.envelopes) == len(said["entries"]), "a position that stands twice")
        self.events: dict[int, dict[str, Any]] = {}
        self.signed: dict[int, tuple[list[tuple[str, bytes]], bytes]] = {}
        self.signed_upon: dict[int, tuple[int, bytes]] = {}  # size and root, as its officer saw it
        for position, envelope in self.envelopes.items():
            payload, signatures, message = open_envelope(envelope, EVENT)
            event = read_json(payload)
            need(
                isinstance(event, dict) and list(event) == MEMBERS, f"position {position}: no event"
            )
            self.events[position], self.signed[position] = event, (signatures, message)
            if "tree_head" in event["data"]:
                upon = read_tree_head(event["data"]["tree_head"], position)
                self.signed_upon[position] = upon
        self.nodes = {(level, index): unbase64(node) for level, index, node in said["nodes"]}
        need(len(self.nodes) == len(said["nodes"]), "a tree hash that stands twice")
        # Else one that is longer than its place could be taken apart in another way.
        need(all(len(each) == 32 for each in self.nodes.values()), "a tree hash of another length")
        need(all(e["of"] in ("all", "stream") for e in said["listings"]), "a list of another kind")
        self.listings = {(e["subject"], e["topic"], e["of"]): e for e in said["listings"]}
        self.whole: dict[tuple[str, str | None, str], Events] = {}
        self.keys: dict[str, tuple[str, tuple[str, bytes], int, list[int]]] = {}
        self.lost: list[tuple[str, int, int]] = []  # key id, counts from, recorded at
        self.reaffirmed: list[tuple[int, str, list[str]]] = []  # position, officer, own keys
        self.rests: dict[str, set[tuple[str, int]]] = {}  # who signed where, for a key to be one
        self.custody: dict[str, str] = {}
        self.first_keys: list[tuple[str, str, str, int]] = []  # key id, officer, post, position
        self.vouched: set[str] = set()

    def check_tree(self) -> str:
        text, blank, tail = self.said["checkpoint"].rpartition("\n\n")
        need(blank and tail.endswith("\n"), "the checkpoint is no signed note")
        self.text, self.lines = text + "\n", tail[:-1].split("\n")
        origin, size, root = text.split("\n")[:3]
        need(
            origin == self.said["origin"] and size == str(int(size)), "the checkpoint's first lines"
        )
        self.size = int(size)
        need(max(self.envelopes) < self.size, "entries past the checkpoint")
        found = self.roots({self.size, *(each for each, _ in self.signed_upon.values())})
        need(
            found[self.size] == unbase64(root),
            "the entries do not stand in the tree of the checkpoint",
        )
        for position, (before, seen) in self.signed_upon.items():
            need(found[before] == seen, f"position {position} was signed upon another log")
        return (
            f"{len(self.envelopes)} entries stand in the tree of {size} at their positions;"
            f" {len(self.signed_upon)} were signed upon this very log as it stood before"
        )

    def roots(self, sizes: set[int]) -> dict[int, bytes]:
        """Hash entries and given nodes together; return the roots that the tree had at sizes.

        A node proves something only where the way to the last root leads through it, and none may
        reach across an entry, or across the end of a log that an officer signed upon.
        """
        breaks = {0, self.size, *self.envelopes, *(each + 1 for each in self.envelopes)}
        breaks |= {size for size, _ in self.signed_upon.values()}
        found, peaks = {0: h()}, list[bytes]()
        for start, stop in pairwise(sorted(breaks)):
            at = start
            while at < stop:
                level = (stop - at).bit_length() - 1
                if at:
                    level = min(level, (at & -at).bit_length() - 1)
                place = level, at >> level
                if level == 0 and at in self.envelopes:
                    node = h(b"\0", self.envelopes[at])
                else:
                    need(place in self.nodes, "a tree hash is missing")
                    node = self.nodes[place]
                at, carry = at + (1 << level), place[1]
                while carry & 1:
                    node, carry = h(b"\1", peaks.pop(), node), carry >> 1
                peaks.append(node)
            if stop in sizes:
                found[stop] = peaks[-1]
                for peak in peaks[-2::-1]:
                    found[stop] = h(b"\1", peak, found[stop])
        return found

    def check_map(self) -> str:
        need(self.size - 1 in self.events, "the last entry under the checkpoint is missing")
        last = self.events[self.size - 1]
        need(last["type"] == "publication.announced", "the checkpoint is no published one")
        need(last["data"]["map_format"] == 1, "a map of another format")
        self.map_root = unbase64(last["data"]["map_root"])
        self.as_of = f"{last['recorded_at']} (on the ledger's own word)"
        self.unshown = False  # whether it goes on from what somebody kept
        return "the last entry announces the map over all entries before it"

    def head(self, subject: str, topic: str | None, proof: Any) -> tuple[int, int, int, bytes]:
        """Follow a proof up to the map's root; return version, position, count and chain."""
        key = h(f"nuanzhang subject\n{subject}{'' if topic is None else chr(10) + topic}".encode())
        siblings, other = [unbase64(each) for each in proof["siblings"]], proof["other"]
        need(len(siblings) <= 256 and all(len(each) == 32 for each in siblings), "a map proof")
        node, head = bytes(32), bytes(56)
        if proof["head"] is not None:
            need(other is None, "a map proof that says two things")
            head = unbase64(proof["head"])
            node = h(b"\2", key, head)
        elif other is not None:
            stranger, its_head = unbase64(other["key"]), unbase64(other["head"])
            shift = 256 - len(siblings)
            same = int.from_bytes(stranger) >> shift == int.from_bytes(key) >> shift
            need(stranger != key and same and len(stranger) == 32, "a map proof of another place")
            node = h(b"\2", stranger, its_head)
        need(len(head) == 56, "a head of another length")
        for bit in range(len(siblings) - 1, -1, -1):
            pair = (node, siblings[bit])
            node = h(b"\3", *(pair[::-1] if int.from_bytes(key) >> 255 - bit & 1 else pair))
        need(node == self.map_root, f"the map does not say that of {subject}")
        version, position, count = (int.from_bytes(head[at : at + 8]) for at in (0, 8, 16))
        return version, position, count, head[24:]

    def all_of(self, subject: str, topic: str | None = None, of: str = "all") -> Events:
        """Return events that are proved to be all; each list is checked once."""
        key = (subject, topic, of)
        if key in self.whole:
            return self.whole[key]
        need(key in self.listings, f"nothing shows all events of {subject} ({topic or of})")
        listing = self.listings[key]
        version, position, count, chain = self.head(subject, topic, listing["proof"])
        positions, linked = listing["positions"], bytes(32)
        need(positions == sorted(set(positions)), "positions that do not rise")
        need(all(each in self.events for each in positions), "an entry of a list is missing")
        events = [(each, self.events[each]) for each in positions]
        if of == "all":
            for each in positions:
                linked = h(b"\4", linked, each.to_bytes(8), h(b"\0", self.envelopes[each]))
            need((len(events), linked) == (count, chain), f"events of {subject} are left out")
        else:
            own = [(e["stream"], e["version"]) for _, e in events]
            need(own == [(subject, n + 1) for n in range(len(own))], f"stream {subject} has gaps")
            need(
                (len(own), [0, *positions][-1]) == (version, position),
                f"stream {subject} ends early",
            )
        self.whole[key] = events
        return events

    def check_keys(self) -> str:
        owners = {event["actor"] for event in self.events.values()} - {"operator"}
        learned: dict[int, dict[str, Any]] = {}
        for topic in KEY_EVENTS:
            for owner in owners if topic.startswith("officer.") else [THE_LOG]:
                found = self.all_of(owner, topic)
                learned |= {at: e for at, e in found if owner in (THE_LOG, e["stream"])}
        need(0 in learned, "the founding event is missing")
        self.vouched_roots = self.roots(
            {at for at, event in learned.items() if event["type"] == "log.reaffirmed"}
        )
        for position, event in sorted(learned.items()):
            self.learn(position, event)
        self.vouch()
        return f"{len(self.keys)} keys, and no registration or revocation is left out"

    def vouch(self) -> None:
        """Find the keys that are their officers' by an administrator's signature.

        What the operator alone says stands for nothing, but the first key of each of the first
        administrators: those are to be compared with the people themselves.
        """
        said = {at: e for at, e in self.events.items() if e["type"] == "officer.key_registered"}
        for subject, topic, of in self.listings:
            if (topic, of) == (None, "stream"):
                said.update(self.all_of(subject, None, "stream"))
        begun: dict[str, tuple[str, int]] = {}
        for at, event in sorted(said.items()):
            if event["type"] == "administration.begun" and event["stream"] == ADMINISTRATION:
                role, first = event["data"].get("role"), event["data"].get("officer_id")
                if isinstance(role, str) and role in VOUCHING_POSTS and isinstance(first, str):
                    begun.setdefault(role, (first, at))
        roles = {officer: role for role, (officer, _) in begun.items()}
        # role, organisation, since, until, and where its end was recorded, if it had come by then
        posts: dict[str, list[list[Any]]] = defaultdict(list)

        def is_signed(at: int, event: dict[str, Any], by: tuple[str, ...]) -> bool:
            days, actor = (event["happened_on"], day_in_china(event)), event["actor"]
            held = any(
                post[0] in by and all(post[2] <= day < post[3] for day in days) and at < post[4]
                for post in posts[actor]
            )
            own = [
                name
                for name, _ in self.signed[at][0][1:]
                if name in self.vouched and self.keys[name][0] == actor
            ]
            lost = {(name, since) for name, since, _ in self.lost}
            sound = any(not any(n == name and since <= at for n, since in lost) for name in own)
            return held and sound and actor != event["stream"]

        for at, event in sorted(said.items()):
            kind, data, officer = event["type"], event["data"], event["stream"]
            role, place = data.get("role"), data.get("organisation_id")
            if kind == "officer.role_granted" and isinstance(role, str) and role in VOUCHING_POSTS:
                first, begins = begun.get(role, ("", -1))
                if (officer == first and at <= begins) or is_signed(at, event, VOUCHING_POSTS[:1]):
                    until = data.get("until") if isinstance(data.get("until"), str) else FOREVER
                    posts[officer].append([role, place, event["happened_on"], until, 2**63])
            elif kind == "officer.role_ended":
                for post in posts[officer]:
                    if post[:2] == [role, place] and post[2] <= event["happened_on"] < post[3]:
                        post[3] = event["happened_on"]
                        post[4] = at if event["happened_on"] <= day_in_china(event) else post[4]
            elif kind == "officer.key_registered":
                name = data.get("key_id")
                known = self.keys.get(name) if isinstance(name, str) else None
                own = known and (known[0], known[2], self.custody[name]) == (officer, at, "officer")
                if not own:
                    continue  # it is not this by which the key is known to be anybody's
                role = roles.pop(officer, None)
                if role is not None:
                    self.first_keys.append((name, officer, role, at))
                if role is not None or is_signed(at, event, VOUCHING_POSTS):
                    self.vouched.add(name)

    def learn(self, position: int, event: dict[str, Any]) -> None:
        owner = "service" if event["type"].startswith("service_key.") else event["stream"]
        data, kind = event["data"], event["type"]
        if kind == "log.reaffirmed":
            size, root = data["size"], unbase64(data["root"])
            need(type(size) is int and size == position, "a reaffirmation of another size")
            found = self.vouched_roots[position]
            need(root == found, f"position {position}: not what the officer vouched")
            officer, names = event["actor"], [each for each, _ in self.signed[position][0]]
            own = [each for each in names if self.keys[each][0] == officer]
            own = [each for each in own if self.custody[each] == "officer"]
            self.reaffirmed.append((position, officer, own))
            return
        name = data["key_id"]
        if not kind.endswith("registered"):
            need(name in self.keys and self.keys[name][0] == owner, "an end of no key")
            _, _, since, until = self.keys[name]
            need(not until or kind.endswith("compromised"), "a key that ended already")
            if not until:
                until.append(position)
            if kind.endswith("compromised"):
                counts_from = data["counts_from"]
                need(since <= counts_from < until[0], "a compromise outside of its validity")
                self.lost.append((name, counts_from, position))
            return
        algorithm, raw = data["algorithm"], unbase64(data["public_key"])
        named = h(f"nuanzhang key v1\n{algorithm}\n".encode(), raw).hex()[:32]
        need(name == named and name not in self.keys, "a key id of another key, or twice")
        need(
            RAW_BYTES.get(algorithm) == len(raw),
            f"a key of {algorithm}, unknown or of no such length",
        )
        need(may_sign(algorithm, raw), "a key that may not sign")
        self.keys[name] = (owner, (algorithm, raw), position, [])
        self.custody[name] = data.get("custody", "")
        signers = {each for each, _ in self.signed[position][0]} - {name}
        self.rests[name] = {(each, position) for each in signers}
        self.rests[name].update(*(self.rests.get(each, ()) for each in signers))

    def doubted(self, name: str, position: int) -> bool:
        """Two officers make a loss good, after it was recorded, with keys that were not lost."""
        standing: list[tuple[int, str]] = []

        def is_lost(key: str, at: int) -> bool:
            return any(
                key == lost and since <= at and len({o for p, o in standing if p > recorded}) < 2
                for lost, since, recorded in self.lost
            )

        for at, officer, own in reversed(self.reaffirmed):
            sound = any(not any(is_lost(*each) for each in self.rests[key]) for key in own)
            if sound and not any(is_lost(key, at) for key, _ in self.signed[at][0]):
                standing.append((at, officer))
        return is_lost(name, position)

    def key(
        self, name: str, owner: str, position: int, *, doubt: bool = True
    ) -> tuple[tuple[str, bytes], int]:
        need(name in self.keys, f"position {position}: unknown key {name}")
        whose, raw, since, until = self.keys[name]
        need(whose == owner, f"position {position}: key {name} is of another owner")
        need(since <= position < min([*until, 2**63]), f"key {name} is not valid there")
        lost = doubt and bool(self.lost) and self.doubted(name, position)
        need(not lost, f"position {position} rests on key {name}, which somebody else had")
        return raw, since

    def check_checkpoint(self) -> str:
        origin = self.said["origin"]
        known: dict[bytes, tuple[str, bytes]] = {}
        for owner, key, since, until in self.keys.values():
            if owner == "service" and since < self.size <= min([*until, 2**63]):
                name = b"\xffnuanzhang " + key[0].encode() + b"\n"
                kind = b"\1" if key[0] == "ed25519" else name
                known[h(origin.encode(), b"\n", kind, key[1])[:4]] = key
        held = False
        for line in self.lines:
            dash, signer, signed = line.split(" ")
            raw = unbase64(signed)
            need(dash == "—" and len(raw) > 4, "a signature line of the checkpoint")
            if signer == origin and raw[:4] in known:
                verify(known[raw[:4]], raw[4:], self.text.encode(), "the ledger")
                held = True
        need(held, "no key of the ledger signed the checkpoint")
        return f"the ledger signed for {self.size} entries"

    def check_entries(self, founding: str | None) -> str:
        versions = {(event["stream"], event["version"]) for event in self.events.values()}
        need(len(versions) == len(self.events), "a version of a stream stands twice")
        for position, event in sorted(self.events.items()):
            where = f"position {position}"
            need(event["origin"] == self.said["origin"], f"{where}: of another log")
            need(re.fullmatch(f"operator|{UUID}", event["actor"]), f"{where}: actor")
            need(re.fullmatch(UUID, event["stream"]) and isinstance(event["data"], dict), where)
            need(not is_loose(event["data"]), f"{where}: an id that is not in its one form")
            need(all(type(event[n]) is int and event[n] > 0 for n in ("schema", "version")), where)
            need(re.fullmatch(MOMENT, event["recorded_at"]), f"{where}: recorded_at")
            moment = datetime.fromisoformat(event["recorded_at"][:-1]).isoformat(
                timespec="milliseconds"
            )
            need(f"{moment}Z" == event["recorded_at"], f"{where}: recorded_at")
            day = date.fromisoformat(event["happened_on"]).isoformat()
            need(day == event["happened_on"], f"{where}: happened_on")
            signatures, message = self.signed[position]
            for number, (name, signature) in enumerate(signatures):
                vouches = number and event["type"] in VOUCHED_FOR  # a lost key then does no more
                owner = event["actor"] if number else "service"
                raw, since = self.key(name, owner, position, doubt=not vouches)
                need(
                    number or position == 0 or since < position, f"{where}: key vouches for itself"
                )
                verify(raw, signature, message, where)
            need(
                len(signatures) > 1 or event["type"] not in SIGNED_BY_OFFICERS,
                f"{where}: no officer",
            )
            need(position or founding in (None, signatures[0][0]), "founded by ANOTHER KEY")
        unvouched = sum(
            not any(name in self.vouched for name, _ in signatures)
            and any(self.custody[name] == "officer" for name, _ in signatures)
            for signatures, _ in self.signed.values()
        )
        alone = f"; {unvouched} of them an officer's, who has the key on the operator's word alone"
        shown = f"{len(self.events)} events carry the signatures that they must"
        lost = {name: since for name, since, _ in sorted(self.lost, reverse=True)}
        held = max(
            size
            * any(
                name in self.vouched and position < lost.get(name, 2**63)
                for name, _ in self.signed[position][0][1:]
            )
            for position, (size, _) in [(0, (0, b"")), *self.signed_upon.items()]
        )
        upon = f"; officers' own keys signed upon the first {held} entries of the log"
        return shown + (alone if unvouched else "") + (upon if held else "")

    def check_lists(self) -> str:
        kind, about = self.said["kind"], self.said["subject"]
        need(kind in SHOWN_OF, f"nobody knows what belongs into a pack of a {kind}")
        for topic in SHOWN_OF[kind]:
            need(
                (about, topic, "all") in self.listings,
                f"not all events are shown of what it says it is of ({topic or 'all'})",
            )
        computed = [(each["formula"], each["subject"]) for each in self.said["figures"]]
        need(
            kind not in FIGURE_OF or (FIGURE_OF[kind], about) in computed,
            "the figure of what it says it is of is missing",
        )
        for subject, topic, of in self.listings:
            self.all_of(subject, topic, of)
        return f"{len(self.listings)} lists of events leave nothing out, at their ends neither"

    def check_figures(self) -> str:
        formulas: dict[str, Callable[..., Any]] = {
            "fund.balance/1": self.balance,
            "surplus/1": self.surplus_1,
            "surplus/2": self.surplus_2,
            "surplus/3": self.surplus,
            "payment/1": self.payment,
            "batch/1": self.batch,
        }
        for figure in self.said["figures"]:
            known = figure["formula"] in formulas
            need(known, f"it names {figure['formula']}, a formula that a later verifier may know")
            found = formulas[figure["formula"]](figure["subject"], **figure["arguments"])
            same = canonical(found) == canonical(figure["value"])
            need(
                same,
                f"{figure['formula']} of {figure['subject']} is {found}, the pack says otherwise",
            )
        shown = f"{len(self.said['figures'])} figures come out the same to the fen"
        if self.said["kind"] == "batch":
            shown += f"; {self.as_approved(self.said['subject'])} payments are as approved"
        return shown

    def balance(self, fund: str) -> Any:
        years: dict[int, int] = defaultdict(int)
        outside = 0
        for _, event in self.all_of(fund, None, "stream"):
            data, kind = event["data"], event["type"]
            if kind in ("fund.received", "fund.receipt_corrected"):
                amount = data["amount_fen" if kind == "fund.received" else "difference_fen"]
                years[data["vintage"]] += amount
                outside += amount
            for lot in data.get("lots", ()):
                years[lot["vintage"]] += lot["amount_fen"]
            out = kind in ("fund.allocated", "fund.drawn", "fund.remitted")
            sign = -1 if out else int(kind in ("fund.restored", "fund.remittance_taken_back"))
            for part in data.get("parts", ()):
                years[part["vintage"]] += sign * part["amount_fen"]
        by_vintage = {str(year): years[year] for year in sorted(years)}
        return {
            "by_vintage": by_vintage,
            "in_hand_fen": sum(years.values()),
            "received_from_outside_fen": outside,
        }

    def surplus(self, union: str, year: int) -> Any:
        return self.surplus_2(union, year, set_later=True)

    def surplus_2(self, union: str, year: int, *, set_later: bool = False) -> Any:
        """With `set_later` as `surplus/3`; without, as packs have it that were made before."""
        first: dict[str, int] = {}
        brought: dict[str, int] = defaultdict(int)
        for position, data in self.brought_forward(union, year):
            first.setdefault(data["lot_id"], position)
            brought[data["lot_id"]] += data["amount_fen"]
        opening = paid = transit = 0
        followed = set()
        for root, since in sorted(first.items(), key=lambda item: item[1]):
            waiting = [root]
            if root not in followed:
                opening += brought[root]
            while waiting:
                lot = waiting.pop()
                if lot in followed:
                    continue
                followed.add(lot)
                before: dict[str | None, int] = defaultdict(int)
                after: dict[str, dict[str | None, int]] = defaultdict(lambda: defaultdict(int))
                for position, event in self.all_of(lot):
                    move(after[event["stream"]] if position > since else before, event, lot)
                    if position > since:
                        waiting += passed_on(event, lot)
                        if event["type"] == "fund.receipt_corrected":
                            opening += event["data"]["difference_fen"]
                under_way = before["transit"] + before["back"]
                opening += under_way + sum(max(0, -of["paid"]) for of in after.values())
                paid += sum(max(0, of["paid"]) for of in after.values())
                transit += under_way + sum(of["transit"] + of["back"] for of in after.values())
        return self.consumption(union, year, opening, paid, transit, set_later=set_later)

    def surplus_1(self, union: str, year: int) -> Any:
        """As packs have it that were made before `surplus/2`."""
        opening = 0
        since: dict[str, int] = {}
        held: dict[str | None, int] = defaultdict(int)
        for position, data in self.brought_forward(union, year):
            opening += data["amount_fen"]
            since.setdefault(data["lot_id"], position)
        own, waiting = set(since), list(since)
        while waiting:
            lot = waiting.pop()
            for position, event in self.all_of(lot):
                if position <= since[lot]:
                    continue
                move(held, event, lot)
                if event["type"] == "fund.receipt_corrected" and lot in own:
                    carried = event["data"]["carried_into"] == year
                    opening += event["data"]["difference_fen"] if carried else 0
                for child in passed_on(event, lot):
                    if child not in since:
                        since[child] = since[lot]
                        waiting.append(child)
        in_transit = held["transit"] + held["back"]
        return self.consumption(union, year, opening, held["paid"], in_transit, set_later=False)

    def brought_forward(self, union: str, year: int) -> list[tuple[int, Any]]:
        return [
            (position, event["data"])
            for position, event in self.all_of(union, "fiscal_year.surplus_brought_forward")
            if event["data"]["year"] == year and event["data"]["organisation_id"] == union
        ]

    def consumption(
        self,
        union: str,
        year: int,
        opening: int,
        paid: int,
        transit: int,
        *,
        set_later: bool = True,
    ) -> Any:
        stated = self.targets(union, year, "fiscal_year.opened")
        if set_later and stated and not any(stated[0][1].values()):
            stated = self.targets(union, year, "fiscal_year.targets_set") or stated
        minimum = stated[0][1]["first_year_minimum"] if stated else None
        within = stated[0][1]["all_within"] if stated else None
        return {
            "opening_fen": opening,
            "consumed_fen": paid,
            "in_transit_fen": transit,
            "in_hand_fen": opening - paid - transit,
            "ratio_basis_points_floor": paid * 10_000 // opening if opening else None,
            "first_year_minimum_bp": minimum["basis_points"] if minimum else None,
            "all_within_years": within["years"] if within else None,
            "targets_position": stated[0][0] if stated else None,
        }

    def targets(self, union: str, year: int, topic: str) -> list[tuple[int, Any]]:
        return [
            (position, event["data"]["targets"])
            for position, event in self.all_of(union, topic)
            if event["data"]["year"] == year and event["data"]["organisation_id"] == union
        ]

    def payment(self, payment: str) -> Any:
        status, amount, returned = "", 0, 0
        for _, event in self.all_of(payment, None, "stream"):
            kind = event["type"].removeprefix("disbursement.")
            if kind in ("instructed", "reissued"):
                status, amount = "in_transit", event["data"]["amount_fen"]
            elif kind in ("settled", "signed", "returned", "withdrawn"):
                status, returned = kind, returned + (kind == "returned")
            elif kind == "corrected":
                status = event["data"]["now"]
        paid = amount if WHERE[status] == "paid" else 0
        return {
            "amount_fen": amount,
            "paid_fen": paid,
            "status": status,
            "times_returned": returned,
        }

    def batch(self, batch: str) -> Any:
        payments: dict[str, int] = {}
        totals: dict[str, list[int]] = defaultdict(list)
        for _, event in self.all_of(batch):
            instructs = event["type"] in ("disbursement.instructed", "disbursement.reissued")
            if instructs and event["data"]["batch_id"] == batch:
                payments[event["stream"]] = event["data"]["amount_fen"]
        for payment, amount in payments.items():
            totals[WHERE[self.payment(payment)["status"]]].append(amount)
        return {
            "payments": len(payments),
            "instructed_fen": sum(payments.values()),
            "paid_fen": sum(totals["paid"]),
            "paid": len(totals["paid"]),
            "returned_fen": sum(totals["back"]),
            "returned": len(totals["back"]),
            "in_transit_fen": sum(totals["transit"]),
            "in_transit": len(totals["transit"]),
            **self.policy_of(batch),
        }

    def as_approved(self, batch: str) -> int:
        rows: dict[int, tuple[Any, ...]] = {}
        approvals: list[tuple[int, dict[int, tuple[Any, ...]]]] = [(-1, {})]
        certified = set()
        for position, event in self.all_of(batch, None, "stream"):
            kind, data = event["type"].removeprefix("batch."), event["data"]
            if kind == "drafted":
                rows = {}
            elif kind == "row_accepted":
                payee = data["payee"]["commitment"]
                rows[data["number"]] = (data["person_id"], data["amount_fen"], payee)
            elif kind in ("row_refused", "row_withdrawn"):
                rows.pop(data["number"], None)
            elif kind == "sheet_certified":
                certified |= set(data["numbers"])
            elif kind == "approved":
                listed = "".join(f"{n} {who} {fen}\n" for n, (who, fen, _) in rows.items())
                payees = "".join(f"{n} {payee}\n" for n, (_, _, payee) in rows.items())
                hashes = [sha256(each.encode()).hexdigest() for each in (listed, payees)]
                later = data.get("payees_sha256")  # approvals of before have none
                signed = [data["list_sha256"], hashes[1] if later is None else later]
                need(hashes == signed, "its rows are not those that were approved")
                approvals.append((position, dict(rows)))
        sends = ("disbursement.instructed", "disbursement.reissued")
        payments = {
            event["stream"]
            for _, event in self.all_of(batch)
            if event["type"] in sends and event["data"]["batch_id"] == batch
        }
        for payment in payments:
            number = amount = None
            for position, event in self.all_of(payment, None, "stream"):
                data = event["data"]
                if event["type"] == "disbursement.instructed":
                    number = data["number"] if data["batch_id"] == batch else None
                    paid = (data["person_id"], data["amount_fen"], data["payee"]["commitment"])
                    approved = [of for at, of in approvals if at < position][-1]
                    fits = number is None or approved.get(number) == paid
                    need(fits, f"payment {payment}: row {number} was not approved so")
                    amount = data["amount_fen"]
                elif event["type"] == "disbursement.reissued" and data["batch_id"] == batch:
                    fits = number is not None and data["amount_fen"] == amount
                    need(fits, f"payment {payment}: sent again as nobody approved")
                elif "signed" in (event["type"].removeprefix("disbursement."), data.get("now")):
                    sound = number is None or number in certified
                    need(sound, f"payment {payment}: nobody certified row {number}, signed for")
        return len(payments)

    def policy_of(self, batch: str) -> dict[str, Any]:
        steps = self.all_of(batch, None, "stream")
        [drafted] = [event for _, event in steps if event["type"] == "batch.drafted"]
        decisive = ("batch.drafted", "batch.approved")
        moment = max(position for position, event in steps if event["type"] in decisive)
        [(_, opened), *_] = self.all_of(drafted["data"]["campaign_id"], None, "stream")
        policy = opened["data"]["policy_id"]
        versions = [p for p, _ in self.all_of(policy, None, "stream") if p < moment]
        return {"policy_id": policy, "policy_version": len(versions)}

    def check_openings(self) -> str:
        openings, masked = self.said["openings"], self.said["masked"]
        need(not openings or not masked, "personal data in clear and masked in one pack")
        shown = [(each["position"], each["member"]) for each in (*openings, *masked)]
        need(all(type(position) is int for position, _ in shown), "a position that is no number")
        need(len(set(shown)) == len(shown), "what one event holds sealed is shown twice")
        for opening in openings:
            sealed = self.events[opening["position"]]["data"][opening["member"]]
            need(list(opening) == ["fields", "member", "position", "salt"], "an opening")
            plain = canonical({"fields": opening["fields"], "salt": opening["salt"]})
            same = sha256(plain.encode()).hexdigest() == sealed["commitment"]
            need(same, f"position {opening['position']}: shown in clear is not what was sealed")
        for each in masked:
            at, fields = f"position {each['position']}", each["fields"]
            need(list(each) == ["fields", "member", "position"] and fields, f"{at}: masked")
            sealed = self.events.get(each["position"], {"data": {}})["data"].get(each["member"])
            need(sealed and isinstance(sealed["commitment"], str), f"{at}: nothing sealed there")
            for name, value in fields.items():
                like = name in MASKED and re.fullmatch(MASKED[name], value)
                need(like, f"{at}: shown as masked, and is not")
        if masked:
            return f"{len(masked)} are shown masked, on the ledger's word alone"
        return f"{len(openings)} openings show what was sealed"

    def check_witnesses(self, vkeys: list[str], not_before: datetime | None = None) -> str:
        moments = []
        for vkey in vkeys:
            name, digits, encoded = vkey.split("+", 2)
            raw = unbase64(encoded)
            need(raw[:1] == b"\x04" and len(raw) == 33, "this file knows Ed25519 witnesses alone")
            digest = h(name.encode(), b"\n", raw)[:4]
            need(digest.hex() == digits, "a verifier key that does not agree with its hash")
            times = [0]
            for line in self.lines:
                signed = unbase64(line.split(" ")[2])
                if line.split(" ")[1] == name and signed[:4] == digest:
                    times.append(int.from_bytes(signed[4:12]))
                    said = f"cosignature/v1\ntime {times[-1]}\n{self.text}".encode()
                    verify(("ed25519", raw[1:]), signed[12:], said, name)
            need(max(times), f"{name} did not cosign")
            moments.append(datetime.fromtimestamp(max(times), UTC))
        if moments:
            self.as_of = f"{min(moments).isoformat()} (cosigned)"
        if not_before is not None:
            need(moments, "no witness is named who could tell the time")
            need(min(moments) >= not_before, f"cosigned at {min(moments)}, which is too long ago")
        return f"{len(vkeys)} of the witnesses that you name cosigned"

    def check_kept(self, note: str, at_least: int) -> str:
        need(self.size >= at_least, f"of {self.size} entries, {at_least} or more were asked for")
        if not note:
            return f"{self.size} entries are as many as was asked"
        origin, size, root = note.split("\n")[:3]
        kept = int(size)
        need(origin == self.said["origin"], "the checkpoint that was kept is of another log")
        need(kept <= self.size, f"older than the checkpoint that was kept, of {kept} entries")
        found = self.roots({kept}).get(kept)
        if found is None:
            self.unshown = True
            return f"NOT SHOWN that its log goes on from the {kept} entries that were kept"
        need(found == unbase64(root), f"it does not begin with the {kept} entries kept")
        return f"its log goes on from the {kept} entries that were kept"

    def check_files(self, files: dict[str, bytes]) -> str:
        payload, [(name, signature)], message = open_envelope(files["manifest.json"], MANIFEST)
        manifest = read_json(payload)
        verify(self.key(name, "service", self.size - 1)[0], signature, message, "the manifest")
        need(manifest["origin"] == self.said["origin"], "a manifest of another log")
        found = {n: sha256(f).hexdigest() for n, f in files.items() if n != "manifest.json"}
        need(manifest["files"] == found, "a file of the pack was altered, added or taken out")
        own = files["verify_pack.py"] == Path(__file__).read_bytes()
        enclosed = "this very program" if own else "ANOTHER program than this"
        return f"{len(found)} files are as the ledger wrote them; verify_pack.py is {enclosed}"


def unpack(path: str, bytes_max: int) -> dict[str, bytes]:
    require_room(Path(path).stat().st_size, bytes_max)
    files = {}
    with zipfile.ZipFile(path) as archive:
        inside = archive.infolist()
        need(sorted(each.filename for each in inside) == FILES, "other files than a pack has")
        require_room(sum(each.file_size for each in inside), bytes_max)
        for each in inside:
            name, size = each.filename, each.file_size
            small = name not in ("pack.json", "statement.html", "statement.pdf")
            need(not small or size <= SMALL_BYTES_MAX, f"{name} is too large")
            known = each.compress_type in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
            need(known, f"{name} is packed in another way than packs are")
            each.file_size += 1  # what is longer than it says would else be cut off
            with archive.open(each) as part:
                files[name] = part.read(size + 1)
            need(len(files[name]) == size, f"{name} is of another length than it says")
    text = files["pack.json"]
    values = sum(map(text.count, (b"{", b"[", b",")))
    need(values <= VALUES_FREE + len(text) // BYTES_PER_VALUE_MIN, "more pieces than a pack has")
    return files


def verdict(pack: Pack, founding: str | None, administrators: Sequence[str]) -> int:
    first = pack.signed[0][0][0][0]
    pages = "statement.html and statement.pdf were NOT compared with the events."
    if founding is None:
        print(f"NOT PINNED: all of this holds if key {first} founded the ledger. Ask for its id")
        print(f"in another way than with the pack, and run this again with it. {pages}")
        return 1
    log = f"log {pack.said['origin']}, founded by {first}, up to {pack.size} entries"
    if pack.unshown:
        print(f"NOT ALL CHECKED: it holds as of {pack.as_of} for {log}, and does not show that")
        print(f"this log goes on from what you kept. {pages}")
        return 1
    others = [each for each in pack.first_keys if each[0] not in administrators]
    if administrators and others:
        print(f"ANOTHER ADMINISTRATOR'S KEY: it holds as of {pack.as_of} for {log}, and")
        print(
            f"{others[0][0]}, the key of the first {others[0][2]}, is none that you gave. {pages}"
        )
        return 1
    print(f"HOLDS as of {pack.as_of} for {log}. {pages}")
    for name, _, role, at in others:
        print(f"COMPARE: key {name} is that of the first {role}, on the operator's word (position")
        print(f"{at}); officers' own keys descend from it.")
    return 0


def main(
    path: str,
    founding: str | None = None,
    *witnesses: str,
    checkpoint: str = "",
    at_least: int = 0,
    not_before: str = "",
    bytes_max: int = BYTES_MAX,
    administrator: Sequence[str] = (),
) -> int:
    try:
        kept = Path(checkpoint).read_text() if checkpoint else ""
        moment = datetime.fromisoformat(not_before) if not_before else None
    except (OSError, ValueError):
        print("--checkpoint is no file that can be read, or --not-before is no time")
        return 2
    if moment is not None and moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    number = 0
    try:
        files = unpack(path, bytes_max)
        pack = Pack(read_json(files["pack.json"]))
        steps: tuple[Callable[[], str], ...] = (
            pack.check_tree,
            pack.check_map,
            pack.check_keys,
            pack.check_checkpoint,
            lambda: pack.check_entries(founding),
            pack.check_lists,
            pack.check_figures,
            pack.check_openings,
            lambda: pack.check_files(files),
            lambda: pack.check_witnesses(list(witnesses), moment),
            lambda: pack.check_kept(kept, at_least),
        )
        for number, step in enumerate(steps, 1):
            print(f"{number}. {step()}")
    except TooLarge as cause:
        print(f"NOT CHECKED: {cause}; --bytes-max N allows more")
        return 1
    except Broken as cause:
        print(f"{max(number, 1)}. BROKEN: {cause}")
        return 1
    except (
        KeyError,
        ValueError,
        TypeError,
        IndexError,
        AttributeError,
        OSError,
        ArithmeticError,
        EOFError,
        RuntimeError,
        struct.error,
        zipfile.BadZipFile,
        zlib.error,
    ) as cause:
        print(f"{max(number, 1)}. BROKEN: cannot be read ({type(cause).__name__})")
        return 1
    return verdict(pack, founding, administrator)


def asked(words: list[str]) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("words", nargs="+", help=argparse.SUPPRESS)
    parser.add_argument("--checkpoint", default="", help=argparse.SUPPRESS)
    parser.add_argument("--at-least", type=int, default=0, help=argparse.SUPPRESS)
    parser.add_argument("--not-before", default="", help=argparse.SUPPRESS)
    parser.add_argument("--bytes-max", type=int, default=BYTES_MAX, help=argparse.SUPPRESS)
    parser.add_argument("--administrator", action="append", default=[], help=argparse.SUPPRESS)
    found = vars(parser.parse_intermixed_args(words))
    return main(*found.pop("words"), **found)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    sys.exit(asked(sys.argv[1:]))

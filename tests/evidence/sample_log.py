"""A small log with fixed keys, made by the real code: what tests read, forge and mutate."""

from base64 import b64encode
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from ledger.evidence.canonical import canonical_json
from ledger.evidence.checkpoint import Checkpoint, sign_note
from ledger.evidence.envelope import PAYLOAD_TYPE, Signature, encode, pae
from ledger.evidence.keys import Ed25519Signer, PublicKey, Signer
from ledger.evidence.merkle import Edge, leaf_hash
from ledger.evidence.note import NoteKey
from ledger.evidence.verify import Rules, Stored

ORIGIN = "ledger.example/relief"
SERVICE_SIGNER = Ed25519Signer.from_seed(bytes(range(32)))
SECOND_SERVICE_SIGNER = Ed25519Signer.from_seed(bytes(range(100, 132)))
OFFICER_SIGNER = Ed25519Signer.from_seed(bytes(range(32, 64)))
STRANGER = Ed25519Signer.from_seed(bytes(range(64, 96)))

SERVICE_STREAM = str(UUID(int=1))
OFFICER = str(UUID(int=2))
OTHER_OFFICER = str(UUID(int=3))
FUND = str(UUID(int=4))

RULES = Rules(ORIGIN, frozenset({"fund.allocated"}), SERVICE_SIGNER.public_key.key_id)


def key_data(key: PublicKey, **more: str) -> dict[str, str]:
    """What an event says that registers a key."""
    raw = b64encode(key.raw).decode()
    return {"algorithm": key.algorithm.value, "key_id": key.key_id, "public_key": raw, **more}


def sign(payload: bytes, *signers: Signer) -> list[Signature]:
    message = pae(PAYLOAD_TYPE, payload)
    return [Signature(each.public_key.key_id, each.sign(message)) for each in signers]


@dataclass
class SampleLog:
    """Entries and checkpoints as a store would hold them."""

    entries: list[Stored] = field(default_factory=list)
    notes: list[tuple[int, str]] = field(default_factory=list)
    versions: dict[str, int] = field(default_factory=dict)

    def payload(self, topic: str, stream: str, data: object, /, **members: Any) -> dict[str, Any]:
        return {
            "actor": "operator",
            "data": data,
            "happened_on": "2017-01-08",
            "origin": ORIGIN,
            "recorded_at": "2017-01-09T08:30:00.000Z",
            "schema": 1,
            "stream": stream,
            "type": topic,
            "version": self.versions.get(stream, 0) + 1,
            **members,
        }

    def record(
        self,
        topic: str,
        stream: str,
        data: object,
        /,
        *signers: Signer,
        **members: Any,
    ) -> Stored:
        """Append an event, signed by the service unless told otherwise; `members` override."""
        written = canonical_json(self.payload(topic, stream, data, **members))
        return self.append(topic, stream, encode(written, sign(written, *signers or DEFAULT)))

    def append(self, topic: str, stream: str, envelope: bytes) -> Stored:
        """Append an envelope as it is."""
        version = self.versions[stream] = self.versions.get(stream, 0) + 1
        entry = Stored(len(self.entries), stream, version, topic, envelope)
        self.entries.append(entry)
        return entry

    def checkpoint(self, signer: Signer = SERVICE_SIGNER) -> str:
        edge = self.edge()
        note = sign_note(Checkpoint(ORIGIN, edge.size, edge.root()), ORIGIN, signer)
        self.notes.append((edge.size, note))
        return note

    def edge(self) -> Edge:
        return Edge.empty().extend(leaf_hash(entry.envelope) for entry in self.entries)

    def replaced(self, position: int, **columns: Any) -> "SampleLog":
        """Return a copy in which one entry reads differently."""
        entries = list(self.entries)
        entries[position] = replace(entries[position], **columns)
        return SampleLog(entries, list(self.notes))


DEFAULT = (SERVICE_SIGNER,)
LOG_KEY = NoteKey(ORIGIN, SERVICE_SIGNER.public_key)


def sample_log() -> SampleLog:
    """Five entries under three checkpoints: keys first, then money that an officer signs for."""
    log = SampleLog()
    service = key_data(SERVICE_SIGNER.public_key)
    log.record("service_key.registered", SERVICE_STREAM, service)
    log.checkpoint()
    log.record("officer.appointed", OFFICER, {"staff_number": "A-01"})
    officer = key_data(OFFICER_SIGNER.public_key, custody="officer")
    log.record("officer.key_registered", OFFICER, officer)
    log.checkpoint()
    allocated = {"amount_fen": 6_000_000, "purpose": "春节慰问"}
    log.record("fund.allocated", FUND, allocated, SERVICE_SIGNER, OFFICER_SIGNER, actor=OFFICER)
    log.record("fund.drawn", FUND, {"amount_fen": 60_000})
    log.checkpoint()
    return log

"""Receipts: the proof that an event is in the log, which anyone can check by themselves."""

import binascii
from base64 import b64decode
from collections.abc import Iterable
from dataclasses import dataclass

from ledger.evidence.canonical import Json, base64_text
from ledger.evidence.checkpoint import Checkpoint, open_note
from ledger.evidence.merkle import ProofBroken, leaf_hash, verify_inclusion
from ledger.evidence.note import NoteKey


@dataclass(frozen=True, slots=True)
class Receipt:
    """An entry's position and leaf hash, its inclusion path, and the checkpoint it holds for."""

    position: int
    leaf: bytes
    path: tuple[bytes, ...]
    checkpoint: str

    def to_json(self) -> dict[str, Json]:
        """Return `{position, leaf_hash, inclusion_path, checkpoint}`, hashes in base64."""
        return {
            "position": self.position,
            "leaf_hash": base64_text(self.leaf),
            "inclusion_path": [base64_text(each) for each in self.path],
            "checkpoint": self.checkpoint,
        }

    @classmethod
    def from_json(cls, members: Json) -> "Receipt":
        """Read what `to_json` wrote.

        Raises:
            ProofBroken: Something is missing or cannot be read.
        """
        try:
            receipt = cls(
                members["position"],
                b64decode(members["leaf_hash"], validate=True),
                tuple(b64decode(each, validate=True) for each in members["inclusion_path"]),
                members["checkpoint"],
            )
        except (KeyError, TypeError, ValueError, binascii.Error):
            raise ProofBroken("the receipt cannot be read") from None
        # Written again to compare, so that true is not taken for 1, nor 7.0 for 7.
        exact = type(receipt.position) is int and isinstance(receipt.checkpoint, str)
        if not exact or receipt.to_json() != members:
            raise ProofBroken("the receipt is not written in its one form")
        return receipt


def verify_receipt(receipt: Receipt, entry: bytes, keys: Iterable[NoteKey]) -> Checkpoint:
    """Check that the log vouches for this entry; return the checkpoint by which it does.

    Args:
        receipt: As the ledger answered.
        entry: The envelope's bytes.
        keys: The log's keys, obtained from elsewhere than the ledger.

    Raises:
        NoteBroken: The checkpoint is not the log's.
        ProofBroken: The entry is not at that position under that checkpoint.
    """
    checkpoint = open_note(receipt.checkpoint, keys)
    if leaf_hash(entry) != receipt.leaf:
        raise ProofBroken("the receipt is for another entry")
    verify_inclusion(receipt.leaf, receipt.position, checkpoint.size, receipt.path, checkpoint.root)
    return checkpoint

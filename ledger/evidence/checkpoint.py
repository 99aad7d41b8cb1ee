"""Checkpoints: how many entries the log has and their root, as C2SP signed notes."""

import binascii
from base64 import b64decode, b64encode
from collections.abc import Iterable
from dataclasses import dataclass

from ledger.evidence.keys import SignatureBroken, Signer, verify
from ledger.evidence.merkle import HASH_BYTES
from ledger.evidence.note import NoteBroken, NoteKey, SignatureLine, is_line, split_note

SIZE_MAX = 2**63 - 1


class CheckpointBroken(NoteBroken):
    """The note is no checkpoint, or no key that is known signed it."""

    code = "evidence.checkpoint_broken"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The log called `origin` has `size` entries, whose Merkle root is `root` (32 bytes)."""

    origin: str
    size: int
    root: bytes

    def body(self) -> str:
        """Write the text that is signed.

        Source: C2SP tlog-checkpoint: origin, size and root, a line each.
        """
        return f"{self.origin}\n{self.size}\n{b64encode(self.root).decode()}\n"

    @classmethod
    def from_body(cls, body: str) -> "Checkpoint":
        """Read a note's text; extension lines after the third are allowed and ignored.

        Raises:
            CheckpointBroken: It does not say origin, size and root in their one form.
        """
        lines = body.split("\n")
        if len(lines) < 4 or lines[-1] or not all(lines[:-1]):  # noqa: PLR2004
            raise CheckpointBroken("the text is not of three lines or more")
        try:
            checkpoint = cls(lines[0], int(lines[1]), b64decode(lines[2], validate=True))
        except (ValueError, binascii.Error):
            raise CheckpointBroken("size or root cannot be read") from None
        if (
            len(checkpoint.root) != HASH_BYTES
            or not 0 <= checkpoint.size <= SIZE_MAX
            or not body.startswith(checkpoint.body())
        ):
            raise CheckpointBroken("size or root is not written in its one form")
        return checkpoint


def sign_note(checkpoint: Checkpoint, name: str, signer: Signer) -> str:
    """Write and sign a checkpoint.

    Source: C2SP signed-note: text, empty line, `— name base64(key hash, signature)`.
    """
    if not is_line(checkpoint.origin):
        raise CheckpointBroken("an origin is one line of text")
    body = checkpoint.body()
    key = NoteKey(name, signer.public_key)
    line = SignatureLine(name, key.key_hash, signer.sign(body.encode()))
    return f"{body}\n{line.text()}"


def open_note(note: str, keys: Iterable[NoteKey]) -> Checkpoint:
    """Return the checkpoint that the log's own key signed; signatures by unknown keys are ignored.

    Args:
        note: Text and signatures, as `sign_note` wrote them and witnesses added to them.
        keys: Keys that are known; the log's is the one whose name is the origin.

    Raises:
        NoteBroken: Malformed. As CheckpointBroken: no checkpoint; not signed by a known key of its
            origin; or a signature that claims to be by a known key does not hold.

    Source: C2SP signed-note and tlog-checkpoint.
    """
    body, signatures = split_note(note)
    checkpoint = Checkpoint.from_body(body)
    known = {(key.name, key.key_hash): key.public_key for key in keys}
    vouched = False
    for line in signatures:
        key = known.get((line.name, line.key_hash))
        if key is not None:
            try:
                verify(key, body.encode(), line.signature)
            except SignatureBroken:
                raise CheckpointBroken(f"the signature of {line.name} does not hold") from None
            # A key may serve two logs under two names: it vouches for the log it is named after.
            vouched = vouched or line.name == checkpoint.origin
    if not vouched:
        raise CheckpointBroken("no known key of its origin signed it")
    return checkpoint

"""Decides on a checkpoint that is submitted: cosign it, or say why not.

Source: C2SP tlog-witness, "add-checkpoint".
"""

import binascii
import re
from base64 import b64decode
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from ledger.evidence.canonical import base64_text
from ledger.evidence.checkpoint import Checkpoint, open_note
from ledger.evidence.cosignature import Cosigner, cosign
from ledger.evidence.merkle import EMPTY_ROOT, ProofBroken, verify_consistency
from ledger.evidence.note import NoteBroken, NoteKey, split_note
from ledger.witness.state import Cosigned, Refused, WitnessState

PROOF_LINES_MAX = 63
BODY_BYTES_MAX = 256 * 1024

TWO_ROOTS = "the log signed two roots for one size"

_OLD = re.compile(r"old (0|[1-9][0-9]{0,18})")


class Status(IntEnum):
    """What is answered; the values are HTTP's."""

    COSIGNED = 200
    MALFORMED = 400
    UNTRUSTED = 403
    UNKNOWN_LOG = 404
    OTHER_SIZE = 409
    INCONSISTENT = 422


@dataclass(frozen=True, slots=True)
class Answer:
    """The status, and what goes with it: cosignature lines, a size, or the cause in words."""

    status: Status
    text: str


@dataclass(frozen=True, slots=True)
class Submission:
    """A request: from which size the proof leads, the proof, and the checkpoint's note."""

    old_size: int
    proof: tuple[bytes, ...]
    note: str

    def text(self) -> str:
        """Write it as it is posted."""
        lines = [f"old {self.old_size}", *(base64_text(each) for each in self.proof)]
        return "\n".join(lines) + "\n\n" + self.note

    @classmethod
    def from_text(cls, text: str) -> "Submission":
        """Read what is posted.

        Raises:
            NoteBroken: It is not of that form.
        """
        head, blank, note = text.partition("\n\n")
        first, *rest = head.split("\n")
        found = _OLD.fullmatch(first)
        if not blank or found is None or len(rest) > PROOF_LINES_MAX:
            raise NoteBroken("a submission begins with the old size, and at most 63 hashes")
        try:
            proof = tuple(b64decode(line, validate=True) for line in rest)
        except (ValueError, binascii.Error):
            raise NoteBroken("a line of the proof cannot be read") from None
        submission = cls(int(found[1]), proof, note)
        if submission.text() != text:
            raise NoteBroken("a line of the proof is not written in its one form")
        return submission


class Witness:
    """Watches the logs it was told of, each from the first checkpoint that it is shown."""

    def __init__(self, state: WitnessState, cosigners: Sequence[Cosigner]) -> None:
        self._state = state
        self._cosigners = cosigners

    def add_checkpoint(self, text: str, time_s: int) -> Answer:
        """Decide on a submission.

        Args:
            text: As posted.
            time_s: Now, in seconds since 1970.
        """
        try:
            submission = Submission.from_text(text)
            body, _ = split_note(submission.note)
            checkpoint = Checkpoint.from_body(body)
        except NoteBroken as cause:
            return Answer(Status.MALFORMED, str(cause))
        keys = self._believed(checkpoint.origin)
        if not keys:
            return Answer(Status.UNKNOWN_LOG, "this witness does not watch that log")
        try:
            open_note(submission.note, keys)
        except NoteBroken as cause:
            return Answer(Status.UNTRUSTED, str(cause))
        if submission.old_size > checkpoint.size:
            return Answer(Status.MALFORMED, "the old size is above the checkpoint's")
        with self._state.deciding():
            # What waited here was let in by keys of before: one may have been ended since.
            if self._believed(checkpoint.origin) != keys:
                return Answer(Status.UNTRUSTED, "a key of that log was ended just now")
            return self._decide(submission, checkpoint, body, time_s)

    def _believed(self, origin: str) -> list[NoteKey]:
        return [NoteKey.from_vkey(vkey) for each, vkey in self._state.logs() if each == origin]

    def _decide(
        self, submission: Submission, checkpoint: Checkpoint, body: str, time_s: int
    ) -> Answer:
        held = self._state.cosigned(checkpoint.origin)
        held_size = 0 if held is None else held.size
        cause = None
        if held is not None and checkpoint.size == held.size and checkpoint.root != held.root:
            # Signed by the log itself, so it stands against it whatever old size was named.
            cause = TWO_ROOTS
        elif submission.old_size != held_size:
            return Answer(Status.OTHER_SIZE, f"{held_size}\n")
        else:
            cause = _inconsistent(submission, checkpoint, held)
        if cause is not None:
            self._state.keep_refused(
                Refused(
                    checkpoint.origin,
                    cause,
                    submission.note,
                    None if held is None else held.note,
                    time_s,
                ),
                certain=cause == TWO_ROOTS,
            )
            return Answer(Status.INCONSISTENT, cause)
        lines = "".join(cosign(body, each, time_s).text() for each in self._cosigners)
        self._state.keep(
            Cosigned(
                checkpoint.origin, checkpoint.size, checkpoint.root, submission.note + lines, time_s
            )
        )
        self._state.acquit(checkpoint.origin, body, but=TWO_ROOTS)
        return Answer(Status.COSIGNED, lines)


def _inconsistent(
    submission: Submission, checkpoint: Checkpoint, held: Cosigned | None
) -> str | None:
    """Return why a checkpoint does not go on from the one held, or None if it does."""
    if checkpoint.size == 0 and checkpoint.root != EMPTY_ROOT:
        return "an empty log has another root"
    if held is None or held.size == 0:
        return "from an empty log no proof is needed" if submission.proof else None
    try:
        verify_consistency(held.size, checkpoint.size, held.root, checkpoint.root, submission.proof)
    except ProofBroken as cause:
        return str(cause)
    return None

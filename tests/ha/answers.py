"""What was answered to a writer, as it writes it down at once: a line for each answer."""

import os
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import TextIO

import msgspec

WRITTEN, LOOKED = ".written", ".looked"
"""How the names end of the files with answers to those who wrote, and to those who looked."""
LINE_BYTES_MAX = 1 << 14
ACKNOWLEDGED, UNREACHABLE, WRONG = "acknowledged", "unreachable", "wrong"


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """One answer to one try. Moments are seconds of the machine's monotonic clock.

    `document` names the receipt of money that was asked for, and is its idempotency key; who looks
    on is only told as far as which `position`. `unreachable` is the one refusal that is right:
    coded, and saying when to ask again; any other is `wrong`. `leaf` is the hash of the event at
    `position`, `note` a checkpoint that covers it.
    """

    writer: str
    document: str
    amount_fen: int
    asked_at: float
    answered_at: float
    outcome: str
    said: str = ""
    position: int | None = None
    leaf: str | None = None
    note: str | None = None


def write(into: TextIO, answer: Answer) -> None:
    into.write(msgspec.json.encode(answer).decode() + "\n")
    into.flush()


def last(record: Path) -> Answer | None:
    """Return a writer's last answer but one at most: the very last may not be written out."""
    with record.open("rb") as lines:
        lines.seek(max(0, lines.seek(0, os.SEEK_END) - LINE_BYTES_MAX))
        whole = lines.read().splitlines(keepends=True)
    ended = [each for each in whole if each.endswith(b"\n")]
    return msgspec.json.decode(ended[-1], type=Answer) if ended else None


def read(folder: Path, ending: str = WRITTEN) -> Iterator[Answer]:
    """Return the answers to all who wrote, or to those who looked; each one's in their order."""
    for each in sorted(folder.glob(f"*{ending}")):
        for line in each.read_text().splitlines():
            yield msgspec.json.decode(line, type=Answer)


def longest_gap(answers: Iterable[Answer], begin: float, end: float) -> float:
    """Return for how many seconds at most nobody was acknowledged anything between two moments.

    What begins before and what ends after them counts whole.
    """
    moments = sorted(each.answered_at for each in answers if each.outcome == ACKNOWLEDGED)
    return max(
        (
            later - earlier
            for earlier, later in pairwise(moments)
            if later > begin and earlier < end
        ),
        default=0.0,
    )

"""Holds a pack against what whoever checks it knows from elsewhere, and how new it has to be."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography.x509 import Certificate

from ledger.anchoring.timestamps import TimestampBroken, verify_timestamp
from ledger.evidence.checkpoint import Checkpoint
from ledger.evidence.cosignature import (
    CosignatureKey,
    QuorumMissing,
    last_times,
    require_quorum,
)
from ledger.evidence.note import NoteBroken, split_note
from ledger.evidence.pack import Pack, PackBroken
from ledger.evidence.pack_check import Step, root_before
from ledger.packs.file import PackFiles

WITNESS_STEP, TIMESTAMP_STEP, KEPT_STEP, AGE_STEP = 13, 14, 15, 16

KEPT = "kept checkpoint"


@dataclass(frozen=True, slots=True)
class Known:
    """What is known from elsewhere than the pack.

    Attributes:
        witnesses: Keys of those one trusts.
        quorum: How many of them must have cosigned.
        authorities: Root certificates of time-stamp authorities.
        kept: A checkpoint that somebody kept; the pack's log must go on from it.
        size_min: How many entries the pack's checkpoint must be of, or more.
        not_before: Enough witnesses must have cosigned at this time or later.
    """

    witnesses: Sequence[CosignatureKey] = ()
    quorum: int = 0
    authorities: Sequence[Certificate] = ()
    kept: Checkpoint | None = None
    size_min: int = 0
    not_before: datetime | None = None


def check_known(read: PackFiles, known: Known) -> Iterator[Step]:
    """Check a pack that holds by itself against what is known; yield each step that has held.

    Raises:
        PackBroken: At the first step that does not hold.
    """
    yield from check_witnesses(read, known.witnesses, known.quorum)
    yield from check_timestamps(read, known.authorities)
    if known.kept is not None:
        yield _goes_on_from(read.pack, known.kept)
    if known.size_min or known.not_before is not None:
        yield _new_enough(read, known)


def check_witnesses(read: PackFiles, keys: Sequence[CosignatureKey], needed: int) -> Iterator[Step]:
    """Check that enough of the witnesses one trusts cosigned the pack's checkpoint.

    Without any, nothing is checked: the ledger might then show others another history.

    Raises:
        PackBroken: Fewer did, or a line that claims to be by one of them does not hold.
    """
    if not keys and not needed:
        return
    said = ", ".join(
        f"{name} at {moment.isoformat()}"
        for name, moment in sorted(_cosigned(read, keys, needed).items())
    )
    yield Step(WITNESS_STEP, "witnesses", f"cosigned by {said}")


def check_timestamps(read: PackFiles, roots: Sequence[Certificate]) -> Iterator[Step]:
    """Check that an authority one trusts stamped the pack's checkpoint; without any, nothing is.

    Raises:
        PackBroken: There is no time-stamp by one of them.
    """
    if not roots:
        return
    body, _ = split_note(read.pack.checkpoint)
    cause = "no time-stamp stands in it"
    for token in read.pack.timestamps:
        try:
            moment = verify_timestamp(body, token, roots)
        except TimestampBroken as broken:
            cause = str(broken)
        else:
            yield Step(TIMESTAMP_STEP, "time-stamp", f"the checkpoint stood by {moment}")
            return
    raise PackBroken(cause)


def cosigned_at(read: PackFiles, keys: Sequence[CosignatureKey], needed: int) -> datetime | None:
    """Return when the checkpoint was the last one that enough witnesses had seen.

    A witness cosigns nothing that is smaller than what it cosigned before, so its time says how old
    a pack is, and its own ledger's clock does not come into it. None: no witness is asked.

    Raises:
        PackBroken: As `check_witnesses`.
    """
    if not needed:
        return None
    return sorted(_cosigned(read, keys, needed).values(), reverse=True)[needed - 1]


def _cosigned(read: PackFiles, keys: Sequence[CosignatureKey], needed: int) -> dict[str, datetime]:
    """Return which witnesses cosigned, by name, and each one's last time."""
    try:
        found = require_quorum(read.pack.checkpoint, keys, needed)
    except (NoteBroken, QuorumMissing) as cause:
        raise PackBroken(str(cause)) from None
    moments: dict[str, datetime] = {}
    for name, time_s in last_times(found).items():
        try:
            moments[name] = datetime.fromtimestamp(time_s, UTC)
        except (ValueError, OverflowError, OSError):
            raise PackBroken(f"the time of {name} is none that a calendar has") from None
    return moments


def _goes_on_from(pack: Pack, kept: Checkpoint) -> Step:
    """Check that the pack's log begins with what a kept checkpoint commits to."""
    size = _size(pack)
    if pack.origin != kept.origin:
        raise PackBroken(f"it is of log {pack.origin}, the kept checkpoint of {kept.origin}")
    if size < kept.size:
        raise PackBroken(
            f"it is of {size} entries, the kept checkpoint of {kept.size}: it is older"
        )
    root = root_before(pack, kept.size)
    if root is None:
        said = (
            f"NOT shown that its log goes on from the {kept.size} entries that were kept: ask for a"
            " pack made with --since, or for its size alone with --at-least"
        )
        return Step(KEPT_STEP, KEPT, said, (KEPT,))
    if root != kept.root:
        raise PackBroken(
            f"its log does not begin with the {kept.size} entries of the kept checkpoint. Keep"
            " both: where both are signed, they prove that the ledger shows two histories"
        )
    return Step(KEPT_STEP, KEPT, f"its log goes on from the {kept.size} entries that were kept")


def _new_enough(read: PackFiles, known: Known) -> Step:
    size = _size(read.pack)
    if size < known.size_min:
        raise PackBroken(f"it is of {size} entries, of {known.size_min} or more was asked")
    said = f"of {size} entries"
    if known.not_before is not None:
        moment = cosigned_at(read, known.witnesses, known.quorum)
        if moment is None or moment < known.not_before:
            when = "by no witness" if moment is None else f"at {moment.isoformat()}"
            expected = known.not_before.isoformat()
            raise PackBroken(f"it was cosigned {when}, expected not before {expected}")
        said += f", cosigned at {moment.isoformat()}"
    return Step(AGE_STEP, "age", f"{said}: as new as was asked")


def _size(pack: Pack) -> int:
    return Checkpoint.from_body(split_note(pack.checkpoint)[0]).size

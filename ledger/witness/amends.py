"""What whoever runs a witness decides by hand: a key that is stolen, a log that is set back.

Both are kept for good: a witness that is amended in silence vouches for nothing.
"""

from collections.abc import Sequence

from ledger.errors import Kind, LedgerError
from ledger.evidence.checkpoint import Checkpoint, open_note
from ledger.evidence.cosignature import CosignatureKey, cosignatures
from ledger.evidence.note import NoteKey
from ledger.witness.state import Cosigned, EndedKey, Reset, WitnessState


class LogKeyUnknown(LedgerError):
    """The witness does not believe this key, or watches no such log."""

    code = "witness.log_key_unknown"
    kind = Kind.ABSENT

    def __init__(self, origin: str) -> None:
        super().__init__(f"{origin} is not watched here under such a key")


class LogKeyEnded(LedgerError):
    """The key was ended here; it does not come back."""

    code = "witness.log_key_ended"
    kind = Kind.CONFLICT

    def __init__(self, origin: str) -> None:
        super().__init__(f"this key of {origin} was ended here, for good")


class LastLogKey(LedgerError):
    """Without this key nobody could speak for the log: its new one comes first."""

    code = "witness.last_log_key"
    kind = Kind.CONFLICT

    def __init__(self, origin: str) -> None:
        super().__init__(f"{origin} has no other key here; `nuanzhang witness add-log` comes first")


class AmendReasonMissing(LedgerError):
    """What is decided by hand at a witness has a reason that stands beside it."""

    code = "witness.reason_missing"
    kind = Kind.INVALID

    def __init__(self) -> None:
        super().__init__("say why; it is kept for whoever asks this witness later")


class ResetImpossible(LedgerError):
    """The log cannot be set back to this checkpoint."""

    code = "witness.reset_impossible"
    kind = Kind.INVALID

    def __init__(self, cause: str) -> None:
        super().__init__(cause)


def watch_log(state: WitnessState, vkey: str) -> str:
    """Watch a log from now on, or believe one more key of it; return its name.

    Raises:
        NoteBroken: It is no verifier key of a log.
        LogKeyEnded: It was ended here.
    """
    key = NoteKey.from_vkey(vkey)
    with state.deciding():
        _require_not_ended(state, key)
        state.add_log(key.name, key.vkey())
    return key.name


def end_key(state: WitnessState, vkey: str, reason: str, time_s: int) -> str:
    """Believe a key no more, e.g. because somebody else has it; return the log's name.

    Args:
        state: Of the witness.
        vkey: The log's verifier key.
        reason: Why.
        time_s: Now, in seconds since 1970.

    Raises:
        NoteBroken: It is no verifier key of a log.
        AmendReasonMissing, LogKeyUnknown, LogKeyEnded, LastLogKey: As they say.
    """
    key = NoteKey.from_vkey(vkey)
    if not reason.strip():
        raise AmendReasonMissing
    with state.deciding():
        _require_not_ended(state, key)
        believed = [each for origin, each in state.logs() if origin == key.name]
        found = next((each for each in believed if NoteKey.from_vkey(each) == key), None)
        if found is None:
            raise LogKeyUnknown(key.name)
        if len(believed) == 1:
            raise LastLogKey(key.name)
        state.end_key(EndedKey(key.name, found, reason.strip(), time_s))
    return key.name


def _require_not_ended(state: WitnessState, key: NoteKey) -> None:
    if any(NoteKey.from_vkey(each.vkey) == key for each in state.ended_keys(key.name)):
        raise LogKeyEnded(key.name)


def reset_log(
    state: WitnessState,
    own: Sequence[CosignatureKey],
    origin: str,
    note: str,
    reason: str,
    time_s: int,
    *,
    uncosigned: bool = False,
) -> Cosigned:
    """Hold an earlier checkpoint of a log again; return it. What was held is kept as evidence.

    A log whose key was stolen is held by whatever the thief had cosigned last, and cannot go on.

    Args:
        state: Of the witness.
        own: The witness's keys.
        origin: The log.
        note: The checkpoint, with this witness's cosignature, so that the log goes on from what was
            vouched for before; a key that was ended since may have signed it.
        reason: Why.
        time_s: Now, in seconds since 1970.
        uncosigned: Whether this witness need not have cosigned it: nothing speaks for it then but
            a key that is believed, and whoever says so.

    Raises:
        NoteBroken: No such key of the log signed it, or a line of it does not hold.
        AmendReasonMissing, LogKeyUnknown, ResetImpossible: As they say.
    """
    if not reason.strip():
        raise AmendReasonMissing
    with state.deciding():
        keys = [NoteKey.from_vkey(vkey) for each, vkey in state.logs() if each == origin]
        if not keys:
            raise LogKeyUnknown(origin)
        when_s = max(cosignatures(note, own).values(), default=None)
        if when_s is not None:
            keys += [NoteKey.from_vkey(each.vkey) for each in state.ended_keys(origin)]
        elif not uncosigned:
            raise ResetImpossible(
                "nothing in it is by this witness; with its lines the ledger has it"
                " (`nuanzhang witnesses note`), a pack, or a published folder"
            )
        checkpoint = open_note(note, keys)
        held = state.cosigned(origin)
        _require_back(origin, checkpoint, held)
        assert held is not None  # noqa: S101 - looked at above
        to = Cosigned(origin, checkpoint.size, checkpoint.root, note, when_s or time_s)
        state.reset(Reset(origin, held.note, note, reason.strip(), time_s), to)
    return to


def _require_back(origin: str, checkpoint: Checkpoint, held: Cosigned | None) -> None:
    if checkpoint.origin != origin:
        raise ResetImpossible(f"that is a checkpoint of {checkpoint.origin}")
    if held is None:
        raise ResetImpossible(f"nothing of {origin} was cosigned yet")
    if checkpoint.size > held.size:
        raise ResetImpossible(
            f"it is of {checkpoint.size} entries, and {held.size} are held: a log is set back"
        )
    if (checkpoint.size, checkpoint.root) == (held.size, held.root):
        raise ResetImpossible("that checkpoint is held already")

"""Rotates the ledger's own key, so that a crash at any point leaves a ledger that opens."""

from dataclasses import dataclass
from datetime import date

from ledger.commands.key_history import key_history
from ledger.commands.service_keys import register_service_key, retire_service_key
from ledger.domain.aggregate import OPERATOR
from ledger.errors import Kind, LedgerError
from ledger.evidence.keys import SERVICE, Algorithm, PublicKey
from ledger.store.act import CommandAct
from ledger.store.application import Ledger
from ledger.store.home import Home, write_once
from ledger.store.key_files import new_seed
from ledger.store.service_signers import key_text, service_signer


class KeyKeptElsewhere(LedgerError):
    """The key is not in the ledger's folder, so it cannot be rotated there."""

    code = "service_key.kept_elsewhere"
    kind = Kind.CONFLICT

    def __init__(self) -> None:
        super().__init__(
            "the key comes from the environment or a token: register the next one there, change"
            " the setting, then retire this one"
        )


@dataclass(frozen=True, slots=True)
class Rotated:
    """The key that signs now, and the ids of those that were retired."""

    public_key: PublicKey
    retired: tuple[str, ...]


def rotate_service_key(
    home: Home, algorithm: Algorithm, reason: str, recorded_at: str, today: date
) -> Rotated:
    """Go over to a new key, or finish a rotation that was cut off.

    Args:
        home: The ledger's folder, which nobody else has open.
        algorithm: Of the new key.
        reason: Why; it stands in the log.
        recorded_at: Now, in UTC.
        today: The day.

    Raises:
        KeyKeptElsewhere: The key is not in a file of this folder.
    """
    if home.signs is not None:
        raise KeyKeptElsewhere
    act = CommandAct(OPERATOR, today, recorded_at)
    # A folder made before rotations were thought of: the key it has founded the log.
    write_once(home.founding, home.founding_key_id().encode() + b"\n")
    ledger = home.open(recorded_at, today)
    try:
        if not home.next_service_key.exists():
            others = _others(ledger)
            if others:
                # Cut off after the new key took the old one's place: only its end is missing.
                return _finish(ledger, act, others, reason)
            write_once(home.next_service_key, key_text(algorithm, new_seed(algorithm)).encode())
        # Crash here: a key that nobody knows of. The next run goes on with it.
        text = home.next_service_key.read_text()
        register_service_key(ledger, act, service_signer(text, "next key").public_key)
        # Crash here: both keys may sign, the old one does. The next run goes on.
    finally:
        ledger.close()
    home.next_service_key.replace(home.service_key)
    # Crash here: both may sign, the new one does, and the old private key is gone.
    ledger = home.open(recorded_at, today)
    try:
        return _finish(ledger, act, _others(ledger), reason)
    finally:
        ledger.close()


def _finish(ledger: Ledger, act: CommandAct, others: list[str], reason: str) -> Rotated:
    for key_id in others:
        retire_service_key(ledger, act, key_id, reason)
    return Rotated(ledger.signer.public_key, tuple(others))


def _others(ledger: Ledger) -> list[str]:
    """Return the ids of the ledger's keys in force, other than the one that signs."""
    keys = key_history(ledger).valid_keys(SERVICE, ledger.size())
    own = ledger.signer.public_key.key_id
    return [key.key_id for key in keys if key.key_id != own]

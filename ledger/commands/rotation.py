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
from ledger.store.pkcs11 import Token
from ledger.store.service_signers import key_text, service_signer


class KeyKeptElsewhere(LedgerError):
    """The key is not in the ledger's folder, so it cannot be rotated there."""

    code = "service_key.kept_elsewhere"
    kind = Kind.CONFLICT

    def __init__(self) -> None:
        super().__init__(
            "the key comes from the environment or a token: `key rotate --token-key`, or register"
            " the next one, change the setting, then retire this one"
        )


@dataclass(frozen=True, slots=True)
class Rotated:
    """The new key, the ids of those that were retired, and whether it signs yet.

    A key in a token does not until whoever runs the ledger has changed the setting.
    """

    public_key: PublicKey
    retired: tuple[str, ...]
    signs: bool = True


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
            earlier = _earlier(ledger)
            if earlier:
                # Cut off after the new key took the old one's place: only its end is missing.
                return _finish(ledger, act, earlier, reason)
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
        return _finish(ledger, act, _earlier(ledger), reason)
    finally:
        ledger.close()


def rotate_to_token(
    home: Home, token: Token, key_label: str, reason: str, recorded_at: str, today: date
) -> Rotated:
    """Go over to a key in a token, in two runs with a change of the setting between them.

    The first run registers the key, the second one, under it, retires those before. Either may be
    repeated.

    Args:
        home: The ledger's folder, which nobody else has open.
        token: Where the new key is, or is to be made.
        key_label: Its label there.
        reason: Why; it stands in the log.
        recorded_at: Now, in UTC.
        today: The day.

    Raises:
        TokenUnusable, TokenKeyMissing: The token does not do it.
        ServiceKeyTaken: The key was retired, or is an officer's.
    """
    act = CommandAct(OPERATOR, today, recorded_at)
    write_once(home.founding, home.founding_key_id().encode() + b"\n")
    new = token.find_or_make(key_label).public_key
    # Crash here: a key in the token that nobody knows of. The next run finds it.
    ledger = home.open(recorded_at, today)
    try:
        if ledger.signer.public_key != new:
            register_service_key(ledger, act, new)
            # From here on until the setting is changed: both keys may sign, the old one does.
            return Rotated(new, (), signs=False)
        rotated = _finish(ledger, act, _earlier(ledger), reason)
        # Crash here: the folder still has the file of a key that signs nothing any more.
        if home.service_key.exists():
            left = service_signer(home.service_key.read_text(), home.service_key.name)
            left.close()
            if left.public_key.key_id not in _in_force(ledger):
                home.service_key.unlink()
        return rotated
    finally:
        ledger.close()


def _finish(ledger: Ledger, act: CommandAct, earlier: list[str], reason: str) -> Rotated:
    for key_id in earlier:
        retire_service_key(ledger, act, key_id, reason)
    return Rotated(ledger.signer.public_key, tuple(earlier))


def _earlier(ledger: Ledger) -> list[str]:
    """Return the ids of the ledger's keys in force that were registered before the one that signs.

    One that was registered after it waits for its turn: it is not what a rotation left behind.
    """
    keys = key_history(ledger).records
    own = keys[ledger.signer.public_key.key_id]
    return [each for each in _in_force(ledger) if keys[each].valid_from < own.valid_from]


def _in_force(ledger: Ledger) -> list[str]:
    keys = key_history(ledger).valid_keys(SERVICE, ledger.size())
    return [key.key_id for key in keys]

"""`nuanzhang key …`: the keys of the ledger and of its officers, and their ceremonies."""

from base64 import b64decode
from collections.abc import Collection
from pathlib import Path
from typing import Annotated

import typer

from api import bootstrap
from api.cli.asking import KeyFile, PassphraseFd, ask_passphrase, signed_act
from api.cli.printing import AsJson, print_json, say, say_aside
from api.cli.signing import NothingToSign, told
from ledger.commands.key_history import key_history, vouched_history
from ledger.commands.officer_keys import (
    CUSTODY_OFFICER,
    KeyRegistration,
    KeyRevocation,
    give_up_key,
    register_key,
    revoke_key,
)
from ledger.commands.rotation import rotate_service_key, rotate_to_token
from ledger.commands.service_keys import (
    give_up_service_key,
    reaffirm,
    reanchor,
    register_service_key,
    retire_service_key,
)
from ledger.domain.aggregate import OPERATOR
from ledger.errors import Kind, LedgerError
from ledger.evidence.canonical import base64_text
from ledger.evidence.doubts import OFFICERS_REQUIRED
from ledger.evidence.keys import SERVICE, Algorithm, KeyHistory, KeyRecord, PublicKey
from ledger.evidence.note import NoteKey
from ledger.store.act import CommandAct
from ledger.store.key_files import read_key_file, write_key_file

app = typer.Typer(
    help="Keys of the ledger and of its officers: list, make, rotate, revoke, recover.",
    no_args_is_help=True,
)

KeyText = Annotated[str, typer.Argument(help="ALGORITHM:BASE64, as `key new` prints it.")]
Staff = Annotated[str, typer.Option("--officer", help="Staff number of the approver who signs.")]
Reason = Annotated[str, typer.Option(help="Why; it stands in the log.")]


class PublicKeyUnreadable(LedgerError):
    """What should be a public key is none."""

    code = "key.unreadable"
    kind = Kind.INVALID

    def __init__(self) -> None:
        super().__init__("a public key is written ALGORITHM:BASE64, as `nuanzhang key new` does")


class TokenAlgorithm(LedgerError):
    """Tokens sign with Ed25519 here: PKCS#11 names no mechanism for SM2, and few have ML-DSA."""

    code = "token.algorithm"
    kind = Kind.INVALID

    def __init__(self, algorithm: str) -> None:
        super().__init__(f"a key in a token is ed25519, not {algorithm}")


@app.command(name="list")
def list_keys(*, as_json: AsJson = False) -> None:
    """List every key the log ever knew: whose, which algorithm, valid from where to where."""
    with bootstrap.opened(bootstrap.home()) as ledger:
        keys = key_history(ledger)
        vouched = vouched_history(ledger, keys).key_ids
        found = [_shown(keys, each, vouched) for each in keys.records.values()]
    if as_json:
        print_json(found)
        return
    for each in found:
        until = "" if each["valid_until"] is None else f" to {each['valid_until']}"
        held = "" if each["custody"] is None else f", held by {each['custody']}"
        if each["vouched"] is False:
            held += " on the operator's word alone"
        say(
            f"{each['key_id']} {each['algorithm']} of {each['owner']}{held}:"
            f" valid from {each['valid_from']}{until}, {each['state']}"
        )


@app.command()
def new(
    out: Annotated[Path, typer.Argument(help="File to write; it must not exist.")],
    algorithm: Annotated[Algorithm, typer.Option()] = Algorithm.ED25519,
    passphrase_fd: PassphraseFd = None,
) -> None:
    """Make an officer's key, into a file under a passphrase; the ledger sees the public key only.

    Do this where the officer works, not where the ledger runs.
    """
    passphrase = ask_passphrase(passphrase_fd, confirm=True)
    key = write_key_file(out, algorithm, passphrase).public_key
    say(f"{out}: key {key.key_id}")
    say(f"public key: {_written(key)}")
    say("Keep file and passphrase apart. Nobody can make either good: a lost key is revoked.")


@app.command()
def sign(
    key_file: Annotated[Path, typer.Argument(help="The officer's key file.")],
    to_sign: Annotated[str, typer.Argument(help="`to_sign` of a preparation, or of a key proof.")],
    passphrase_fd: PassphraseFd = None,
) -> None:
    """Sign what the service prepared, with a key that never leaves this machine.

    It is said first what that is, on the error stream: read it before you give the passphrase.
    """
    try:
        message = b64decode(to_sign, validate=True)
    except ValueError:
        raise NothingToSign from None
    say_aside(told(message))
    signer = read_key_file(key_file, ask_passphrase(passphrase_fd, confirm=False))
    print_json(
        {
            "key_id": signer.public_key.key_id,
            "algorithm": signer.public_key.algorithm.value,
            "public_key": base64_text(signer.public_key.raw),
            "signature": base64_text(signer.sign(message)),
        }
    )


@app.command()
def enrol(
    staff: Annotated[str, typer.Argument(help="Staff number of the officer.")], key: KeyText
) -> None:
    """Register an officer's public key; compare its key id with the officer, face to face."""
    public_key = _public_key(key)
    with bootstrap.opened(bootstrap.home()) as ledger:
        register_key(ledger, _act(), KeyRegistration(staff, public_key, CUSTODY_OFFICER))
        say(f"key {public_key.key_id} is {staff}'s from position {ledger.size() - 1} on")


@app.command()
def revoke(
    staff: Annotated[str, typer.Argument(help="Staff number of the officer.")],
    key_id: Annotated[str, typer.Argument()],
    reason: Reason,
    compromised_from: Annotated[
        int | None, typer.Option(help="Position from which somebody else had it.", min=0)
    ] = None,
) -> None:
    """End an officer's key; what it signed before counts on, or is in doubt from a position on."""
    with bootstrap.opened(bootstrap.home()) as ledger:
        order = KeyRevocation(staff, key_id, reason)
        if compromised_from is None:
            revoke_key(ledger, _act(), order)
            say(f"key {key_id} signs nothing any more; what it signed counts on")
        else:
            give_up_key(ledger, _act(), order, compromised_from)
            _say_doubt(key_id, compromised_from)


@app.command()
def rotate(
    reason: Reason,
    algorithm: Annotated[Algorithm, typer.Option()] = Algorithm.ED25519,
    token_key: Annotated[
        str, typer.Option(help="Label of the new key in the token, which makes it (Ed25519).")
    ] = "",
) -> None:
    """Go over to a new key of the ledger's own, in a file or a token; repeat it if cut off."""
    place, now, today = bootstrap.home(), bootstrap.now(), bootstrap.today()
    if not token_key:
        rotated = rotate_service_key(place, algorithm, reason, now, today)
    elif algorithm is not Algorithm.ED25519:
        raise TokenAlgorithm(algorithm)
    else:
        rotated = rotate_to_token(place, bootstrap.token(), token_key, reason, now, today)
    for key_id in rotated.retired:
        say(f"key {key_id} is retired; what it signed counts on")
    new = rotated.public_key
    if rotated.signs:
        say(f"the ledger signs with {new.key_id} ({new.algorithm.value})")
        if not token_key:
            say(f"copy {place.keys} again to where you keep it: the one before signs no more")
    else:
        say(f"key {new.key_id} may sign for the ledger, and does not yet")
        say(
            f"Set NUANZHANG_PKCS11_KEY={token_key} (and unset NUANZHANG_SERVICE_KEY), then run this"
        )
        say("again: it retires the key that signs now.")
    _say_verifier_key(new)


@app.command()
def make_in_token(label: Annotated[str, typer.Argument(help="Label of the key.")]) -> None:
    """Have the token make an Ed25519 key, for a ledger to be made; or show the one it has."""
    key = bootstrap.token().find_or_make(label).public_key
    say(f"key {key.key_id} is in the token, and never leaves it")
    say(f"public key: {_written(key)}")
    say(f"Set NUANZHANG_PKCS11_KEY={label} before `nuanzhang init`; for a ledger that has a key,")
    say(f"`nuanzhang key rotate --token-key {label}` goes over to it.")


@app.command()
def register(key: KeyText) -> None:
    """Register a further key of the ledger's own, e.g. one in a token, before going over to it."""
    public_key = _public_key(key)
    with bootstrap.opened(bootstrap.home()) as ledger:
        register_service_key(ledger, _act(), public_key)
        say(f"key {public_key.key_id} may sign for the ledger; change the setting, then retire")


@app.command()
def retire(key_id: Annotated[str, typer.Argument()], reason: Reason) -> None:
    """Retire a key of the ledger's own that it no longer signs with."""
    with bootstrap.opened(bootstrap.home()) as ledger:
        retire_service_key(ledger, _act(), key_id, reason)
        say(f"key {key_id} is retired; what it signed counts on")
        _say_verifier_key(ledger.signer.public_key)


@app.command()
def compromised(
    key_id: Annotated[str, typer.Argument()],
    reason: Reason,
    counts_from: Annotated[
        int, typer.Option("--from", min=0, help="Position from which somebody else had it.")
    ],
    officer: Staff,
    key_file: KeyFile,
    passphrase_fd: PassphraseFd = None,
) -> None:
    """Record that somebody else had a key of the ledger's own; rotate to another first."""
    with bootstrap.opened(bootstrap.home()) as ledger:
        act = signed_act(officer, key_file, passphrase_fd)
        give_up_service_key(ledger, act, key_id, counts_from, reason)
        _say_doubt(key_id, counts_from)


@app.command()
def recover(
    reason: Reason, officer: Staff, key_file: KeyFile, passphrase_fd: PassphraseFd = None
) -> None:
    """Vouch for all entries so far, after comparing them; two officers make them count again.

    Compare first: the last checkpoint that a witness cosigned before the key was lost, published
    copies, packs and receipts in other hands. Sign with a key that was registered before the loss.
    """
    with bootstrap.opened(bootstrap.home()) as ledger:
        act = signed_act(officer, key_file, passphrase_fd)
        reaffirm(ledger, act, reason)
        officers = key_history(ledger).reaffirming_officers()
        said = len(officers)
        say(f"{officer} vouches for the {ledger.size() - 1} entries before this")
        if act.actor not in officers:
            say("but with a key that was registered under a lost one: that does not count")
        if said < OFFICERS_REQUIRED:
            say(f"{said} of {OFFICERS_REQUIRED} officers have; another one has to compare and sign")
        else:
            say("they count again. Publish now (`nuanzhang anchor`), so that witnesses hold it too")


@app.command(name="reanchor")
def reanchor_log() -> None:
    """Put the root of the whole log under SM3 into the log, beside the one under SHA-256."""
    with bootstrap.opened(bootstrap.home()) as ledger:
        reanchor(ledger, _act())
        say(f"{ledger.size() - 1} entries are held by SM3 too")


def _act() -> CommandAct:
    return CommandAct(OPERATOR, bootstrap.today(), bootstrap.now())


def _written(key: PublicKey) -> str:
    return f"{key.algorithm.value}:{base64_text(key.raw)}"


def _public_key(text: str) -> PublicKey:
    name, _, encoded = text.partition(":")
    try:
        return PublicKey(Algorithm(name), b64decode(encoded, validate=True))
    except ValueError:
        raise PublicKeyUnreadable from None


def _shown(
    keys: KeyHistory, record: KeyRecord, vouched: Collection[str]
) -> dict[str, str | int | None]:
    key_id = record.public_key.key_id
    return {
        "key_id": key_id,
        "algorithm": record.public_key.algorithm.value,
        "owner": "the ledger" if record.owner == SERVICE else record.owner,
        "custody": record.custody or None,
        "vouched": key_id in vouched if record.custody == CUSTODY_OFFICER else None,
        "valid_from": record.valid_from,
        "valid_until": record.valid_until,
        "state": _state(keys, record),
        "lost_from": keys.lost_from(key_id),
        "in_doubt": any(each.key_id == key_id for each in keys.doubts()),
    }


def _state(keys: KeyHistory, record: KeyRecord) -> str:
    lost_from = keys.lost_from(record.public_key.key_id)
    if lost_from is None:
        return "in force" if record.valid_until is None else "ended"
    doubted = any(each.key_id == record.public_key.key_id for each in keys.doubts())
    return f"lost from {lost_from}, {'in doubt' if doubted else 'reaffirmed'}"


def _say_verifier_key(key: PublicKey) -> None:
    note_key = NoteKey(bootstrap.home().origin(), key)
    say(f"verifier key from then on: {note_key.vkey()}")
    say("Write it down, and give it to the witnesses and to the auditors, by another way than this")
    say("machine. The founding key id, by which packs are checked, stays what it was.")


def _say_doubt(key_id: str, counts_from: int) -> None:
    say(f"what key {key_id} signed from position {counts_from} on proves nothing by itself")
    say("Tell the auditors (经审). Compare those entries with what witnesses and others hold; then")
    say("`nuanzhang key recover` has them count again, when two approvers have signed it.")

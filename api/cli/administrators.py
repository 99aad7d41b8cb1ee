"""The first administrators' keys, held against those that they showed to whoever checks."""

from collections.abc import Collection, Mapping, Sequence
from typing import Annotated, Any

import typer

from api.cli.printing import say
from ledger.evidence.vouching import (
    KEYRING,
    RELIABLE,
    SERVICE_ALONE,
    UNVOUCHED,
    VOUCHING_ROLES,
    FirstKey,
)

Shown = Annotated[
    list[str] | None,
    typer.Option(help="Key id of a first administrator, as they showed it: each, or none."),
]

OTHER_KEY = "ANOTHER ADMINISTRATOR'S KEY 管理员密钥与所给不符"

ATTESTED = (RELIABLE, UNVOUCHED, KEYRING, SERVICE_ALONE)
"""How an event may be signed, the most that it may prove first."""


def difference(first: Sequence[FirstKey], shown: Collection[str], *, are_all: bool) -> str | None:
    """Say which first key was not given, or which key that was given is none of them.

    None: there is no difference, or none was given, and there is nothing to compare with.

    Args:
        first: The keys of the first administrators.
        shown: The ids that were given.
        are_all: Whether `first` are all of the log's: a pack holds those alone that its own keys
            descend from, and another that was given may be one all the same.
    """
    if not shown:
        return None
    for each in first:
        if each.key_id not in shown:
            return f"{each.key_id}, the key of the first {each.role}, is none that you gave."
    strange = sorted(set(shown) - {each.key_id for each in first}) if are_all else ()
    if strange:
        roles = " or ".join(VOUCHING_ROLES)
        return f"{strange[0]}, which you gave, is not the first key of the first {roles}."
    return None


def detail(other: str | None) -> str | None:
    """Return what a verdict's `detail` says of a difference."""
    return None if other is None else f"another administrator's key: {other}"


def say_first_keys(first: Sequence[FirstKey], of: str = "") -> None:
    """Say from which keys the officers' own descend: to be compared with who holds them.

    Args:
        first: The keys of the first administrators.
        of: Begins each line, where several logs are checked.
    """
    for each in first:
        say(
            f"{of}COMPARE 请核对: key {each.key_id} is that of the first {each.role}, on the"
            f" operator's word (position {each.position}); officers' own keys descend from it."
        )


def carried(attested: Mapping[str, int]) -> str:
    """Say how many of some entries carry what kind of signature."""
    own, unvouched, keyring, alone = (attested.get(each, 0) for each in ATTESTED)
    return (
        f"{own} carry the officer's own signature, {unvouched} one by a key that is an officer's on"
        f" the operator's word alone, {keyring} one from the operator's keyring, {alone} the"
        " service's alone."
    )


def vouching_json(attested: Mapping[str, int], first: Sequence[FirstKey]) -> dict[str, Any]:
    """Tell both; `attested` is null where nobody looked whose the keys are."""
    return {
        "attested": dict(sorted(attested.items())) or None,
        "first_keys": [each._asdict() for each in first] if attested else None,
    }


def say_held(size: int) -> None:
    """Print up to where officers' own keys hold the log, if they do."""
    if size:
        say(
            f"Officers' own keys signed upon the first {size} entries as they stand: nobody without"
            f" such a key wrote them anew. 经办人本人密钥已连同前 {size} 条记录一并签名。"
        )

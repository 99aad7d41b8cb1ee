"""What commands ask of whoever runs them."""

import os
from pathlib import Path
from typing import Annotated

import typer

from api import bootstrap
from ledger.domain.officer import officer_id
from ledger.store.act import CommandAct
from ledger.store.key_files import read_key_file
from ledger.store.signing import KeyHolder

PassphraseFd = Annotated[
    int | None, typer.Option(help="File descriptor to read the passphrase from; else asked for.")
]

KeyFile = Annotated[Path, typer.Option("--key-file", help="That officer's key file.")]


def ask_passphrase(descriptor: int | None, *, confirm: bool) -> str:
    """Return a passphrase, from a descriptor or from the terminal."""
    if descriptor is None:
        asked: str = typer.prompt("Passphrase", hide_input=True, confirmation_prompt=confirm)
        return asked
    with os.fdopen(descriptor, encoding="utf-8") as file:
        return file.readline().rstrip("\n")


def signed_act(staff: str, key_file: Path, passphrase_fd: int | None) -> CommandAct:
    """Return the act of an officer who signs with a key file."""
    signer = read_key_file(key_file, ask_passphrase(passphrase_fd, confirm=False))
    actor = str(officer_id(staff))
    return CommandAct(actor, bootstrap.today(), bootstrap.now(), signer=KeyHolder(signer))

"""What commands ask of whoever runs them."""

import os
from typing import Annotated

import typer

PassphraseFd = Annotated[
    int | None, typer.Option(help="File descriptor to read the passphrase from; else asked for.")
]


def ask_passphrase(descriptor: int | None, *, confirm: bool) -> str:
    """Return a passphrase, from a descriptor or from the terminal."""
    if descriptor is None:
        asked: str = typer.prompt("Passphrase", hide_input=True, confirmation_prompt=confirm)
        return asked
    with os.fdopen(descriptor, encoding="utf-8") as file:
        return file.readline().rstrip("\n")

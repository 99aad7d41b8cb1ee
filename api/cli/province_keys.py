"""Commands of the two keys by which people are compared across cities: who has which, and why."""

from pathlib import Path
from typing import Annotated

import typer

from api import bootstrap
from api.cli.printing import say
from ledger.store.province_keys import take_province_key, write_new
from ledger.vault.province_key import OpeningKey, ProvinceKey, ProvinceKeyUnreadable

KeyFileArgument = Annotated[Path, typer.Argument(help="The key file.")]


def make_key(
    path: KeyFileArgument,
    edition: Annotated[int, typer.Option(min=1, help="One more than the edition before.")] = 1,
) -> None:
    """Make a province key, for the cities alone: whoever compares their tags may not have it."""
    key = ProvinceKey.make(edition)
    write_new(path, key.text())
    say(f"province key {key.name} in {path}")
    say("Hand it to every city and to nobody else; the province writes its name down, not the key.")


def take_key(path: KeyFileArgument) -> None:
    """Keep the province key with this ledger's keys, in place of an earlier edition."""
    try:
        key = ProvinceKey.from_text(path.read_bytes())
    except OSError:
        raise ProvinceKeyUnreadable("province key") from None
    take_province_key(bootstrap.home(), key)
    say(f"province key {key.name} is held; destroy the file that brought it")


def make_opening_key(path: KeyFileArgument) -> None:
    """Make the key that opens what cities seal for the province: it stays with the province."""
    key = OpeningKey.make()
    write_new(path, key.text())
    say(f"opening key in {path}; tell the cities: --recipient {key.recipient}")

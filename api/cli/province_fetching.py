"""The command that fetches what cities publish, before it is put together or compared."""

import ssl
from pathlib import Path
from typing import Annotated

import httpx2
import typer

from api.cities import Cities, read_cities
from api.cli.printing import REFUSED, say
from api.fetching import FetchFailed, fetch
from ledger.errors import Kind, LedgerError
from ledger.files.tag_lists import BYTES_MAX as TAGS_BYTES_MAX
from ledger.packs.file import BYTES_MAX as PACK_BYTES_MAX


class AuthoritiesUnreadable(LedgerError):
    """The file of those who certify the cities' servers is none."""

    code = "province.authorities_unreadable"
    kind = Kind.INVALID

    def __init__(self) -> None:
        super().__init__("this is no file of certificates in PEM form")


def fetch_files(
    file: Annotated[Path, typer.Argument(help="TOML file of the cities: …, pack_at, tags_at.")],
    authorities: Annotated[
        Path | None, typer.Option(help="PEM file of who certifies the cities' servers, if known.")
    ] = None,
) -> None:
    """Fetch each city's pack and list of tags, from where the file of the cities says.

    Each takes the place of the one before only when it is whole. A city that cannot be had is
    named, its file stays, and the others go on; the exit status is 1 then.
    """
    cities = read_cities(file)
    try:
        tls = ssl.create_default_context(cafile=authorities)
    except (OSError, ssl.SSLError):
        raise AuthoritiesUnreadable from None
    with httpx2.Client(verify=tls, follow_redirects=False) as client:
        whole = _fetch_all(client, cities)
    if not whole:
        raise typer.Exit(REFUSED)


def _fetch_all(client: httpx2.Client, cities: Cities) -> bool:
    whole = True
    for each in cities.cities:
        name, pack = each.city.name, each.city.file
        for what, url, place, bytes_max, archive in (
            ("pack", each.pack_at, pack, PACK_BYTES_MAX, True),
            ("tags", each.tags_at, each.tags, TAGS_BYTES_MAX, False),
        ):
            if not url:
                continue
            try:
                size = fetch(client, url, place, bytes_max, archive=archive)
            except FetchFailed as cause:
                whole = False
                say(f"{name}: no {what}: {cause}")
            else:
                say(f"{name}: {what} of {size} bytes")
    return whole

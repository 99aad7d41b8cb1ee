"""Fetches what cities publish: packs and sealed lists, each put in place only when it is whole.

What is fetched is believed for nothing: whoever reads it checks it as if it had come on a stick.
"""

import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import httpx2

from ledger.errors import Kind, LedgerError

SILENCE_S, TOTAL_S = 20.0, 1800.0
"""How long a server may say nothing, and how long one file may take: a large pack, a slow line."""


class FetchFailed(LedgerError):
    """A city's file could not be had; the one that was there stays."""

    code = "province.fetch_failed"
    kind = Kind.UNREACHABLE

    def __init__(self, cause: str) -> None:
        super().__init__(cause)


def fetch(
    client: httpx2.Client,
    url: str,
    place: Path,
    bytes_max: int,
    *,
    archive: bool,
    total_s: float = TOTAL_S,
    clock: Callable[[], float] = time.monotonic,
) -> int:
    """Fetch a file over HTTPS in place of the one before; return how many bytes it has.

    Args:
        client: Follows no redirects: where a file is, the province's own list says.
        url: Of the file.
        place: Where it is to lie.
        bytes_max: What it may have at the most.
        archive: Whether it has to be a ZIP file, so that a page that says "not now" is not kept.
        total_s: How many seconds it may take in all.
        clock: Tells seconds.

    Raises:
        FetchFailed: It is not to be had, or not whole; nothing was replaced.
    """
    draft = place.with_name(place.name + ".new")
    try:
        if urlsplit(url).scheme != "https":
            raise FetchFailed("its address is no https address")
        try:
            size = _write(client, url, draft, bytes_max, clock, clock() + total_s)
            if archive and not zipfile.is_zipfile(draft):
                raise FetchFailed("what it answered is no pack")
            draft.replace(place)
        finally:
            draft.unlink(missing_ok=True)
    except (httpx2.HTTPError, httpx2.InvalidURL, ValueError) as cause:
        # By its kind alone: addresses may hold what lets one in.
        raise FetchFailed(f"it cannot be reached ({type(cause).__name__})") from None
    except OSError as cause:
        told = cause.strerror or type(cause).__name__
        raise FetchFailed(f"it cannot be put in its place ({told})") from None
    return size


def _write(
    client: httpx2.Client,
    url: str,
    draft: Path,
    bytes_max: int,
    clock: Callable[[], float],
    end: float,
) -> int:
    size = 0
    # Bare, so that what is counted is what was sent.
    headers = {"Accept-Encoding": "identity"}
    with (
        client.stream("GET", url, headers=headers, timeout=SILENCE_S) as answer,
        draft.open("wb") as file,
    ):
        if answer.is_redirect:
            raise FetchFailed("it has moved; the list of the cities has to say where to")
        if answer.status_code != httpx2.codes.OK:
            raise FetchFailed(f"it answered with status {answer.status_code}")
        for chunk in answer.iter_raw():
            size += len(chunk)
            if size > bytes_max:
                raise FetchFailed(f"it is larger than {bytes_max} bytes")
            if clock() > end:
                raise FetchFailed("it took too long")
            file.write(chunk)
    return size

"""Codes printed on signature sheets: which row of which batch stands there, said by nobody else."""

import hmac
from base64 import b32decode, b32encode
from dataclasses import dataclass
from uuid import UUID

EDITION = 1
"""Of the layout: where on the page things stand. Another layout makes another edition."""

TAG_BYTES = 8
PAGE_BYTES, PLACE_BYTES, NUMBER_BYTES = 2, 1, 3
MAC_BYTES = 8
BODY_BYTES = 1 + TAG_BYTES + PAGE_BYTES + PLACE_BYTES + NUMBER_BYTES
CODE_LENGTH = 37
"""Letters and digits: as many as the second smallest QR code holds with a quarter of it torn."""

PAGE_ITSELF = 0
"""In place of a row's number: the code that stands for the whole page."""


@dataclass(frozen=True, slots=True)
class SheetCode:
    """A row of a page, or the page itself; `batch_tag` tells batches apart, and says nothing.

    `place` is where on the page the row stands, counted from 0. It is not computed when a scan
    comes in: a row may have been withdrawn from the list since the sheet was printed.
    """

    batch_tag: bytes
    page: int
    place: int
    number: int

    def is_of(self, batch: UUID) -> bool:
        return self.batch_tag == tag_of(batch)


def tag_of(batch: UUID) -> bytes:
    return batch.bytes[:TAG_BYTES]


def code_text(key: bytes, batch: UUID, page: int, place: int = 0, number: int = PAGE_ITSELF) -> str:
    """Return what a code says: numbers alone, and a MAC that only we can make."""
    body = b"".join(
        (
            bytes([EDITION]),
            tag_of(batch),
            page.to_bytes(PAGE_BYTES, "big"),
            place.to_bytes(PLACE_BYTES, "big"),
            number.to_bytes(NUMBER_BYTES, "big"),
        )
    )
    return b32encode(body + _mac(key, body)).decode().rstrip("=")


def read_code(key: bytes, text: str) -> SheetCode | None:
    """Read a code; None for one that we did not make."""
    if len(text) != CODE_LENGTH:
        return None
    try:
        raw = b32decode(text + "=" * (-CODE_LENGTH % 8))
    except ValueError:
        return None
    body, mac = raw[:BODY_BYTES], raw[BODY_BYTES:]
    if not hmac.compare_digest(mac, _mac(key, body)) or body[0] != EDITION:
        return None
    parts, at = [], 1 + TAG_BYTES
    for size in (PAGE_BYTES, PLACE_BYTES, NUMBER_BYTES):
        parts.append(int.from_bytes(body[at : at + size], "big"))
        at += size
    page, place, number = parts
    return SheetCode(body[1 : 1 + TAG_BYTES], page, place, number)


def _mac(key: bytes, body: bytes) -> bytes:
    return hmac.digest(key, body, "sha256")[:MAC_BYTES]

"""Receipts as C2SP tlog-proofs: a text that stands alone and that other tools read.

Source: C2SP tlog-proof.
"""

import binascii
from base64 import b64decode

from ledger.evidence.canonical import base64_text
from ledger.evidence.merkle import HASH_BYTES, PATH_MAX, ProofBroken
from ledger.evidence.proofs import Receipt

HEADER = "c2sp.org/tlog-proof@v1"
EXTRA, INDEX = "extra ", "index "


def write_tlog_proof(receipt: Receipt) -> str:
    """Write a receipt as a tlog-proof; its extra data is the leaf hash."""
    lines = [
        HEADER,
        EXTRA + base64_text(receipt.leaf),
        f"{INDEX}{receipt.position}",
        *(base64_text(each) for each in receipt.path),
        "",
        receipt.checkpoint,
    ]
    return "\n".join(lines)


def read_tlog_proof(text: str) -> Receipt:
    """Read a tlog-proof of ours. What it claims is checked by `verify_receipt`, with the entry.

    Raises:
        ProofBroken: It is none, or not written in its one form.
    """
    head, blank, checkpoint = text.partition("\n\n")
    lines = head.split("\n")
    if not blank or len(lines) < 3 or len(lines) > PATH_MAX + 3:  # noqa: PLR2004 - three lines first
        raise ProofBroken("no tlog-proof")
    header, extra, index, *path = lines
    if header != HEADER or not extra.startswith(EXTRA) or not index.startswith(INDEX):
        raise ProofBroken("no tlog-proof of a receipt")
    try:
        receipt = Receipt(
            int(index.removeprefix(INDEX)),
            _hash(extra.removeprefix(EXTRA)),
            tuple(map(_hash, path)),
            checkpoint,
        )
    except (ValueError, binascii.Error):
        raise ProofBroken("a line of it cannot be read") from None
    if receipt.position < 0 or write_tlog_proof(receipt) != text:
        raise ProofBroken("it is not written in its one form")
    return receipt


def _hash(text: str) -> bytes:
    raw = b64decode(text, validate=True)
    if len(raw) != HASH_BYTES:
        raise ValueError
    return raw

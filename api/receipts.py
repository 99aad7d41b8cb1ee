"""Addresses of recipients' receipts: nobody finds one who was not given it."""

import hmac
import re
from uuid import UUID

from ledger.errors import Kind, LedgerError
from ledger.store.home import Home

PURPOSE = "receipt addresses"
MAC_BYTES = 16
TOKEN = re.compile("[0-9a-f]{64}")


class ReceiptUnknown(LedgerError):
    """No receipt has this address, or what it showed is gone: both are answered alike."""

    code = "receipt.unknown"
    kind = Kind.ABSENT

    def __init__(self) -> None:
        super().__init__("no receipt has this address")


def token_of(home: Home, payment: UUID) -> str:
    """Return the end of a receipt's address: the payment's id, and a MAC that only we can make."""
    return payment.hex + _mac(home, payment).hex()


def payment_id_of(home: Home, token: str) -> UUID:
    """Return the payment that a receipt is of.

    Raises:
        ReceiptUnknown: We did not make this token.
    """
    # One spelling alone is taken, so that a token cannot be told in several ways.
    if TOKEN.fullmatch(token) is None:
        raise ReceiptUnknown
    payment, mac = UUID(hex=token[:32]), bytes.fromhex(token[32:])
    if not hmac.compare_digest(mac, _mac(home, payment)):
        raise ReceiptUnknown
    return payment


def _mac(home: Home, payment: UUID) -> bytes:
    return hmac.digest(home.derived_key(PURPOSE), payment.bytes, "sha256")[:MAC_BYTES]

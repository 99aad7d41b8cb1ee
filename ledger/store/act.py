"""An act as a command receives it: who, when, under which key, and whether only to try."""

from dataclasses import dataclass
from typing import Protocol

from ledger.domain.aggregate import Act
from ledger.evidence.envelope import Signature


class OfficerSigner(Protocol):
    """Signs a payload with an officer's own key, somewhere outside the ledger."""

    def sign(self, payload: bytes) -> Signature:
        """Return the officer's signature over the payload (DSSE pre-authentication encoding)."""


@dataclass(frozen=True, slots=True)
class CommandAct(Act):
    """`idempotency_key` makes a repetition harmless; `dry_run` stops before the store."""

    idempotency_key: str | None = None
    signer: OfficerSigner | None = None
    dry_run: bool = False

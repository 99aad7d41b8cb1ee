"""An act as a command receives it: who, when, under which key, and whether only to try."""

from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from ledger.domain.aggregate import Act
from ledger.evidence.envelope import Signature
from ledger.evidence.tree_heads import TreeHead


class OfficerSigner(Protocol):
    """Signs a payload with an officer's own key, somewhere outside the ledger.

    `signed_upon` is the log as the officer was shown it, where they have signed already; None where
    they sign upon the log as it is.
    """

    @property
    def signed_upon(self) -> TreeHead | None: ...

    def sign(self, payload: bytes) -> Signature:
        """Return the officer's signature over the payload (DSSE pre-authentication encoding)."""


@dataclass(frozen=True, slots=True)
class CommandAct(Act):
    """What a command is told beside its order.

    `idempotency_key` makes a repetition harmless; `dry_run` stops before the store. `signed_in`
    says that the actor is here and was recognised, and is asked for their post; what is entered
    from the files of a past campaign was done by whom the files name. `expected` is a stream and
    the version that it is thought to have: another one, and nothing is decided. `dated` says that
    the day was asked for, and so belongs to what a repetition has to repeat.
    """

    idempotency_key: str | None = None
    signer: OfficerSigner | None = None
    dry_run: bool = False
    signed_in: bool = False
    expected: tuple[UUID, int] | None = None
    dated: bool = False

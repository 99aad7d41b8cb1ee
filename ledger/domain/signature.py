"""Signatures have one giver: what was drawn once is nobody else's signature."""

from uuid import UUID

from ledger.domain.aggregate import Act, Event, Root
from ledger.domain.values import stable_id
from ledger.errors import Kind, LedgerError


class SignatureReused(LedgerError):
    """The very same signature stands for another payment: one hand cannot draw it twice."""

    code = "signature.reused"
    kind = Kind.FORBIDDEN

    def __init__(self, disbursement_id: UUID) -> None:
        super().__init__(f"this signature was given for payment {disbursement_id} already")


class SignatureClaim(Root):
    """A stream of its own for each picture, so that no second payment can be signed for with it."""

    TOPIC = "signature"

    class Claimed(Event, frozen=True):
        TOPIC = "signature.claimed"
        image_sha256: str
        disbursement_id: UUID

        def apply(self, aggregate: "SignatureClaim") -> None:
            aggregate.disbursement_id = self.disbursement_id

    disbursement_id: UUID

    @classmethod
    def claim(cls, act: Act, *, image_sha256: str, disbursement_id: UUID) -> "SignatureClaim":
        return cls.begin(
            cls.Claimed,
            act,
            signature_id(image_sha256),
            image_sha256=image_sha256,
            disbursement_id=disbursement_id,
        )

    def require_of(self, disbursement_id: UUID) -> None:
        """Check that it is this payment's.

        Raises:
            SignatureReused: It is another's.
        """
        if self.disbursement_id != disbursement_id:
            raise SignatureReused(self.disbursement_id)


def signature_id(image_sha256: str) -> UUID:
    return stable_id("signature", image_sha256)

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
            aggregate.image_sha256 = self.image_sha256
            aggregate.disbursement_id = self.disbursement_id
            aggregate.alike = frozenset()

    class FoundAlike(Event, frozen=True):
        """It looks like another signature that was given for another person: a doubt, no proof.

        It names pictures and payments, and says nothing of how anybody writes. `distance` is in
        the measure of what was compared (`by`), `comparison` the version of how.
        """

        TOPIC = "signature.found_alike"
        image_sha256: str
        disbursement_id: UUID
        other_sha256: str
        other_id: UUID
        by: str
        distance: int
        comparison: int

        def apply(self, aggregate: "SignatureClaim") -> None:
            aggregate.alike = aggregate.alike | {(self.other_sha256, self.by)}

    image_sha256: str
    disbursement_id: UUID
    alike: frozenset[tuple[str, str]]
    """Pictures that it was found to look like, and by what."""

    @classmethod
    def claim(cls, act: Act, *, image_sha256: str, disbursement_id: UUID) -> "SignatureClaim":
        return cls.begin(
            cls.Claimed,
            act,
            signature_id(image_sha256),
            image_sha256=image_sha256,
            disbursement_id=disbursement_id,
        )

    def find_alike(
        self, act: Act, *, other: "SignatureClaim", by: str, distance: int, comparison: int
    ) -> None:
        """Record that it looks like another's; once, whichever of the two is compared first."""
        if (other.image_sha256, by) in self.alike or (self.image_sha256, by) in other.alike:
            return
        self.trigger_event(
            self.FoundAlike,
            act,
            image_sha256=self.image_sha256,
            disbursement_id=self.disbursement_id,
            other_sha256=other.image_sha256,
            other_id=other.disbursement_id,
            by=by,
            distance=distance,
            comparison=comparison,
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

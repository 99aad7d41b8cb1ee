"""Recorded refusals: who tried what, and which rule stopped it."""

from uuid import UUID

from ledger.domain.aggregate import Act, Event, Root


class Refusal(Root):
    """An attempt that touched no other stream. One on a batch stands in the batch's own stream."""

    TOPIC = "refusal"

    class Recorded(Event, frozen=True):
        TOPIC = "refusal.recorded"
        tried: str
        refusal_code: str
        subject_id: UUID
        explanation: str

    @classmethod
    def record(
        cls,
        act: Act,
        refusal_id: UUID,
        *,
        tried: str,
        refusal_code: str,
        subject_id: UUID,
        explanation: str,
    ) -> "Refusal":
        """Keep an attempt on record. `explanation` names ids and amounts, never personal data."""
        return cls.begin(
            cls.Recorded,
            act,
            refusal_id,
            tried=tried,
            refusal_code=refusal_code,
            subject_id=subject_id,
            explanation=explanation,
        )

"""Exports: files with personal data in clear that were handed to somebody."""

from uuid import UUID

from ledger.domain.aggregate import Act, Event, Root
from ledger.domain.clear_text import require_no_personal_data


class Export(Root):
    TOPIC = "export"

    class HandedOver(Event, frozen=True):
        """A file that shows personal data in clear was made; its hash tells copies apart.

        `people` is how many people's data stands in it; the data itself does not stand here.
        """

        TOPIC = "export.handed_over"
        kind: str
        subject_id: UUID
        people: int
        file_sha256: str
        reason: str
        made_for: str

    @classmethod
    def hand_over(
        cls,
        act: Act,
        export_id: UUID,
        *,
        kind: str,
        subject_id: UUID,
        people: int,
        file_sha256: str,
        reason: str,
        made_for: str,
    ) -> "Export":
        """Record that a file was made.

        Raises:
            PersonalDataInText: Why, or for whom, names somebody by a number.
        """
        require_no_personal_data(reason, made_for)
        return cls.begin(
            cls.HandedOver,
            act,
            export_id,
            kind=kind,
            subject_id=subject_id,
            people=people,
            file_sha256=file_sha256,
            reason=reason,
            made_for=made_for,
        )

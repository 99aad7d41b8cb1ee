"""Files with personal data in clear: who has one made says why, and it is on record first."""

from dataclasses import dataclass, replace
from uuid import UUID, uuid4

from ledger.commands.duties import require_post
from ledger.commands.recipients import MAY_UNMASK
from ledger.domain.export import Export
from ledger.errors import Kind, LedgerError
from ledger.store.act import CommandAct
from ledger.store.application import Answer, Ledger, Work


class ReasonMissing(LedgerError):
    """Whoever sees personal data in clear says why, and for whom."""

    code = "export.reason_missing"
    kind = Kind.INVALID

    def __init__(self) -> None:
        super().__init__("personal data in clear needs a reason, and for whom the file is")


@dataclass(frozen=True, slots=True)
class HandOut:
    """A file that shows people in clear: what kind, about what, of which union, why, for whom.

    `people` is how many people's data stands in it.
    """

    kind: str
    subject_id: UUID
    organisation_id: UUID
    people: int
    file_sha256: str
    reason: str
    made_for: str


def hand_out(ledger: Ledger, act: CommandAct, order: HandOut) -> Answer:
    """Put on record that a file was made, before anybody has it.

    A repetition is handed over again, so it is another event.

    Raises:
        ReasonMissing: It is not said why, or for whom.
        RoleMissing: Whoever asks may not see people in clear there.
    """
    if not order.reason.strip() or not order.made_for.strip():
        raise ReasonMissing

    def decide(work: Work) -> None:
        require_post(work, act, MAY_UNMASK, order.organisation_id)
        work.save(
            Export.hand_over(
                act,
                uuid4(),
                kind=order.kind,
                subject_id=order.subject_id,
                people=order.people,
                file_sha256=order.file_sha256,
                reason=order.reason,
                made_for=order.made_for,
            )
        )

    return ledger.perform(replace(act, idempotency_key=None), "export.hand_out", order, decide)

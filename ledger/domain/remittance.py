"""A remittance: money from this ledger to another, or from another to this one.

Each side records it in its own ledger, under one id, and takes in the other's proof. Neither waits
for the other, and nothing is written in both at once.

Where it is to go says once whether it came: it was taken in, or refused. Only on the proof that it
was refused is it taken back, so it is never in two ledgers.
"""

from collections.abc import Sequence
from enum import StrEnum
from uuid import UUID

import msgspec

from ledger.domain.aggregate import Act, Event, Root
from ledger.domain.clear_text import holds_personal_data
from ledger.domain.lots import Part
from ledger.domain.values import Money, stable_id, yuan_text
from ledger.errors import Kind, LedgerError

REASON_CHARACTERS_MAX = 500
"""Of why a remittance is refused: it stands in an entry that another ledger reads."""


class State(StrEnum):
    """Where a remittance stands: the first three of one that was sent, the others at its end."""

    ON_ITS_WAY = "on_its_way"
    ACKNOWLEDGED = "acknowledged"
    TAKEN_BACK = "taken_back"
    RECEIVED = "received"
    REFUSED = "refused"


class RemittedPart(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A piece of a lot on its way to another ledger, with all that is to be kept of it there."""

    lot_id: UUID
    origin_id: UUID
    vintage: int
    source: str
    document: str
    amount_fen: Money

    def part(self) -> Part:
        return Part(
            lot_id=self.lot_id,
            origin_id=self.origin_id,
            vintage=self.vintage,
            amount_fen=self.amount_fen,
        )


class RemittedLot(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A lot made here from a piece of another ledger's lot.

    For this ledger it came in from outside, so it is its own origin. `sent_as` is the lot's id in
    the ledger that it left, without hyphens: two ledgers may use one id for two lots.
    """

    lot_id: UUID
    origin_id: UUID
    vintage: int
    source: str
    document: str
    amount_fen: Money
    sent_as: str


class EntryElsewhere(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An entry of another ledger, and the published checkpoint under which it was proved.

    `leaf_hash` and `checkpoint_root` are base64.
    """

    key_id: str
    position: int
    leaf_hash: str
    checkpoint_size: int
    checkpoint_root: str


class RemittanceTaken(LedgerError):
    """A remittance arrives once."""

    code = "remittance.taken_before"
    kind = Kind.CONFLICT

    def __init__(self, remittance_id: UUID) -> None:
        super().__init__(f"remittance {remittance_id} was taken in before")


class RemittanceRefused(LedgerError):
    """What was refused is never taken in: its sender takes it back on the strength of that."""

    code = "remittance.refused_before"
    kind = Kind.CONFLICT

    def __init__(self, remittance_id: UUID) -> None:
        super().__init__(f"remittance {remittance_id} was refused before; it has to be sent anew")


class RemittanceTakenBack(LedgerError):
    """What was taken back is with its sender again, for good."""

    code = "remittance.taken_back_before"
    kind = Kind.CONFLICT

    def __init__(self, remittance_id: UUID) -> None:
        super().__init__(f"remittance {remittance_id} was taken back before")


class RefusalReasonUnfit(LedgerError):
    """Why it is refused is said in clear, to another ledger: in some words that name nobody."""

    code = "remittance.reason_unfit"
    kind = Kind.INVALID

    def __init__(self, length: int) -> None:
        super().__init__(
            f"a reason of {length} characters: 1 to {REASON_CHARACTERS_MAX} are needed,"
            " without ID, phone or card numbers"
        )


class RemittanceAcknowledged(LedgerError):
    """The other ledger's word is taken in once."""

    code = "remittance.acknowledged_before"
    kind = Kind.CONFLICT

    def __init__(self, remittance_id: UUID) -> None:
        super().__init__(f"the receipt of remittance {remittance_id} was taken in before")


class RemittanceForOthers(LedgerError):
    """The file is about a remittance between other ledgers or organisations."""

    code = "remittance.for_others"
    kind = Kind.INVALID

    def __init__(self, remittance_id: UUID, whose: str) -> None:
        super().__init__(f"remittance {remittance_id} is for {whose}, not for this ledger")


class RemittanceAmountDiffers(LedgerError):
    """What one side says was sent, and what arrived, are to be equal to the fen."""

    code = "remittance.amount_differs"
    kind = Kind.CONFLICT

    def __init__(self, remittance_id: UUID, said: Money, got: Money) -> None:
        super().__init__(
            f"remittance {remittance_id} is of {yuan_text(said)} yuan, not of {yuan_text(got)}"
        )


class RemittanceProofDiffers(LedgerError):
    """The other ledger answers to another entry than the one that stands here."""

    code = "remittance.proof_differs"
    kind = Kind.INVALID

    def __init__(self, remittance_id: UUID, cause: str) -> None:
        super().__init__(f"the word on remittance {remittance_id}: {cause}")


class Remittance(Root):
    """One remittance as one of its two ledgers has it."""

    TOPIC = "remittance"

    class Sent(Event, frozen=True):
        """Passed on to an organisation of another ledger; who answers for it signs this event."""

        TOPIC = "remittance.sent"
        COMMITS = True
        organisation_id: UUID
        fund_id: UUID
        from_code: str
        earmark: str
        to_key_id: str
        to_code: str
        document: str
        amount_fen: Money
        parts: tuple[RemittedPart, ...]

        def apply(self, aggregate: "Remittance") -> None:
            aggregate.organisation_id, aggregate.fund_id = self.organisation_id, self.fund_id
            aggregate.other_key_id, aggregate.other_code = self.to_key_id, self.to_code
            aggregate.amount, aggregate.parts = self.amount_fen, self.parts
            aggregate.state = State.ON_ITS_WAY

    class Acknowledged(Event, frozen=True):
        """The other ledger has it, as its own proof shows."""

        TOPIC = "remittance.acknowledged"
        organisation_id: UUID
        fund_id: UUID
        amount_fen: Money
        parts: tuple[Part, ...]
        received: EntryElsewhere
        acknowledged_by: UUID

        def apply(self, aggregate: "Remittance") -> None:
            aggregate.state = State.ACKNOWLEDGED

    class TakenBack(Event, frozen=True):
        """It was refused, as the other ledger's own proof shows, and is in its lots again."""

        TOPIC = "remittance.taken_back"
        organisation_id: UUID
        fund_id: UUID
        amount_fen: Money
        reason: str
        refused: EntryElsewhere
        taken_back_by: UUID

        def apply(self, aggregate: "Remittance") -> None:
            aggregate.state = State.TAKEN_BACK

    class Received(Event, frozen=True):
        """Taken in from another ledger, on the proof that it stands there as sent."""

        TOPIC = "remittance.received"
        organisation_id: UUID
        fund_id: UUID
        earmark: str
        from_code: str
        document: str
        amount_fen: Money
        sent: EntryElsewhere
        received_by: UUID

        def apply(self, aggregate: "Remittance") -> None:
            aggregate.organisation_id, aggregate.fund_id = self.organisation_id, self.fund_id
            aggregate.other_key_id, aggregate.other_code = self.sent.key_id, self.from_code
            aggregate.amount, aggregate.parts = self.amount_fen, ()
            aggregate.state = State.RECEIVED

    class Refused(Event, frozen=True):
        """Not taken in, now or ever; who answers for it signs this event.

        `organisation_id` is whom it is for, or where that is nobody here, for whom it was refused.
        """

        TOPIC = "remittance.refused"
        COMMITS = True
        organisation_id: UUID
        from_code: str
        to_code: str
        document: str
        amount_fen: Money
        reason: str
        sent: EntryElsewhere

        def apply(self, aggregate: "Remittance") -> None:
            aggregate.organisation_id, aggregate.fund_id = self.organisation_id, None
            aggregate.other_key_id, aggregate.other_code = self.sent.key_id, self.from_code
            aggregate.amount, aggregate.parts = self.amount_fen, ()
            aggregate.state = State.REFUSED

    organisation_id: UUID
    fund_id: UUID | None
    other_key_id: str
    other_code: str
    amount: Money
    parts: tuple[RemittedPart, ...]
    state: State

    @classmethod
    def send(
        cls,
        act: Act,
        remittance_id: UUID,
        *,
        organisation_id: UUID,
        fund_id: UUID,
        from_code: str,
        earmark: str,
        to_key_id: str,
        to_code: str,
        document: str,
        amount: Money,
        parts: Sequence[RemittedPart],
    ) -> "Remittance":
        """Record that these pieces are on their way to another ledger."""
        return cls.begin(
            cls.Sent,
            act,
            remittance_id,
            organisation_id=organisation_id,
            fund_id=fund_id,
            from_code=from_code,
            earmark=earmark,
            to_key_id=to_key_id,
            to_code=to_code,
            document=document,
            amount_fen=amount,
            parts=tuple(parts),
        )

    @classmethod
    def receive(
        cls,
        act: Act,
        remittance_id: UUID,
        *,
        organisation_id: UUID,
        fund_id: UUID,
        earmark: str,
        from_code: str,
        document: str,
        amount: Money,
        sent: EntryElsewhere,
        received_by: UUID,
    ) -> "Remittance":
        """Record that it arrived here."""
        return cls.begin(
            cls.Received,
            act,
            remittance_id,
            organisation_id=organisation_id,
            fund_id=fund_id,
            earmark=earmark,
            from_code=from_code,
            document=document,
            amount_fen=amount,
            sent=sent,
            received_by=received_by,
        )

    @classmethod
    def refuse(
        cls,
        act: Act,
        remittance_id: UUID,
        *,
        organisation_id: UUID,
        from_code: str,
        to_code: str,
        document: str,
        amount: Money,
        reason: str,
        sent: EntryElsewhere,
    ) -> "Remittance":
        """Record that it is not taken in here, and never will be.

        Raises:
            RefusalReasonUnfit: It is none, too long, or holds personal data.
        """
        text = reason.strip()
        if not 1 <= len(text) <= REASON_CHARACTERS_MAX or holds_personal_data(text):
            raise RefusalReasonUnfit(len(text))
        return cls.begin(
            cls.Refused,
            act,
            remittance_id,
            organisation_id=organisation_id,
            from_code=from_code,
            to_code=to_code,
            document=document,
            amount_fen=amount,
            reason=text,
            sent=sent,
        )

    def require_new(self) -> None:
        """Say why it cannot come a second time.

        Raises:
            RemittanceRefused: It was refused.
            RemittanceTaken: It is here.
        """
        if self.state is State.REFUSED:
            raise RemittanceRefused(self.id)
        raise RemittanceTaken(self.id)

    def acknowledge(
        self, act: Act, *, amount: Money, received: EntryElsewhere, acknowledged_by: UUID
    ) -> None:
        """Record that the other ledger has it.

        Raises:
            RemittanceForOthers: It was not sent from here, or another ledger answers.
            RemittanceAmountDiffers: It has another amount there.
            RemittanceAcknowledged: That was recorded before.
            RemittanceTakenBack: It was taken back, since it was refused.
        """
        self._require_open(received, amount)
        self.trigger_event(
            self.Acknowledged,
            act,
            organisation_id=self.organisation_id,
            fund_id=self.fund_id,
            amount_fen=amount,
            parts=tuple(each.part() for each in self.parts),
            received=received,
            acknowledged_by=acknowledged_by,
        )

    def take_back(
        self,
        act: Act,
        *,
        amount: Money,
        reason: str,
        refused: EntryElsewhere,
        taken_back_by: UUID,
    ) -> tuple[Part, ...]:
        """Record that it was refused and is back; return the pieces of lots that it was made of.

        Raises:
            RemittanceForOthers: It was not sent from here, or another ledger answers.
            RemittanceAmountDiffers: Another amount was refused, or came back.
            RemittanceAcknowledged: The other ledger has it.
            RemittanceTakenBack: That was recorded before.
        """
        self._require_open(refused, amount)
        self.trigger_event(
            self.TakenBack,
            act,
            organisation_id=self.organisation_id,
            fund_id=self.fund_id,
            amount_fen=amount,
            reason=reason,
            refused=refused,
            taken_back_by=taken_back_by,
        )
        return tuple(each.part() for each in self.parts)

    def _require_open(self, answer: EntryElsewhere, amount: Money) -> None:
        """Check that it is on its way, and that it is this one that the other ledger speaks of."""
        is_sent = self.state not in (State.RECEIVED, State.REFUSED)
        if not is_sent or answer.key_id != self.other_key_id:
            raise RemittanceForOthers(self.id, f"the ledger that key {answer.key_id} founded")
        if amount != self.amount:
            raise RemittanceAmountDiffers(self.id, self.amount, amount)
        if self.state is State.ACKNOWLEDGED:
            raise RemittanceAcknowledged(self.id)
        if self.state is State.TAKEN_BACK:
            raise RemittanceTakenBack(self.id)


def remittance_id(key_id: str, fund_id: UUID, version: int) -> UUID:
    """Return the id of what a fund account of the ledger that a key founded sends with an event."""
    return stable_id("remittance", key_id, fund_id, version)

"""A remittance: money from this ledger to another, or from another to this one.

Each side records it in its own ledger, under one id, and takes in the other's proof. Neither waits
for the other, and nothing is written in both at once.
"""

from collections.abc import Sequence
from uuid import UUID

import msgspec

from ledger.domain.aggregate import Act, Event, Root
from ledger.domain.lots import Part
from ledger.domain.values import Money, stable_id, yuan_text
from ledger.errors import Kind, LedgerError


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
        super().__init__(f"the receipt of remittance {remittance_id}: {cause}")


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
            aggregate.is_sent, aggregate.is_acknowledged = True, False

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
            aggregate.is_acknowledged = True

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
            aggregate.is_sent, aggregate.is_acknowledged = False, False

    organisation_id: UUID
    fund_id: UUID
    other_key_id: str
    other_code: str
    amount: Money
    parts: tuple[RemittedPart, ...]
    is_sent: bool
    is_acknowledged: bool

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

    def acknowledge(
        self, act: Act, *, amount: Money, received: EntryElsewhere, acknowledged_by: UUID
    ) -> None:
        """Record that the other ledger has it.

        Raises:
            RemittanceForOthers: It was not sent from here, or another ledger answers.
            RemittanceAmountDiffers: It has another amount there.
            RemittanceAcknowledged: That was recorded before.
        """
        if not self.is_sent or received.key_id != self.other_key_id:
            raise RemittanceForOthers(self.id, f"the ledger that key {received.key_id} founded")
        if amount != self.amount:
            raise RemittanceAmountDiffers(self.id, self.amount, amount)
        if self.is_acknowledged:
            raise RemittanceAcknowledged(self.id)
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


def remittance_id(key_id: str, fund_id: UUID, version: int) -> UUID:
    """Return the id of what a fund account of the ledger that a key founded sends with an event."""
    return stable_id("remittance", key_id, fund_id, version)

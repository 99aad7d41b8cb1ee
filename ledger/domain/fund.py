"""A fund account: lots in, draws out, oldest vintage first."""

from bisect import bisect_left, insort
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

from ledger.domain.aggregate import Act, Event, Root
from ledger.domain.lots import LotIn, Part
from ledger.domain.remittance import RemittedLot, RemittedPart
from ledger.domain.values import Money, require_positive, require_writable, stable_id, yuan_text
from ledger.errors import Kind, LedgerError


@dataclass(slots=True, eq=False)
class Lot:
    """Money that came in by one appropriation, and what is left of it here.

    `days` are those on which it moved, in order, and `moved` the fen that each of them added (below
    zero: took): a day that is entered late draws on what had come in by then.
    """

    lot_id: UUID
    origin_id: UUID
    vintage: int
    arrival: int
    source: str
    document: str
    remaining: Money
    carried_into: int | None = None
    receipts: tuple[int, ...] = ()  # versions that recorded it as coming from outside, or corrected
    last_drawn_on: date | None = None
    came_back: bool = False  # something of it, from another ledger that refused it
    days: list[date] = field(default_factory=list)
    moved: list[int] = field(default_factory=list)

    def __lt__(self, other: "Lot") -> bool:
        return (self.vintage, self.arrival) < (other.vintage, other.arrival)

    def move(self, day: date, amount: int) -> None:
        """Remember what a day added to it, in fen; below zero, what it took."""
        self.remaining = Money(self.remaining + amount)
        if self.days and self.days[-1] == day:
            self.moved[-1] += amount
            return
        place = bisect_left(self.days, day)
        if place < len(self.days) and self.days[place] == day:
            self.moved[place] += amount
        else:
            self.days.insert(place, day)
            self.moved.insert(place, amount)

    def available(self, day: date) -> Money:
        """Return what can be taken on a day so that at no day's end from then on it is below zero.

        What came in later is not there yet, and what was taken later cannot be taken twice; of a
        day's own movements only what they come to counts.
        """
        least = standing = int(self.remaining)
        for place in range(len(self.days) - 1, -1, -1):
            if self.days[place] <= day:
                break
            standing -= self.moved[place]
            least = min(least, standing)
        return Money(max(0, least))


class FundInsufficient(LedgerError):
    """The account holds less than is to be paid or passed on, or held less on the day of that."""

    code = "fund.insufficient"
    kind = Kind.CONFLICT

    def __init__(
        self,
        fund_id: UUID,
        needed: Money,
        available: Money,
        day: date,
        enough_on: date | None,
        sources: Collection[str] = (),
    ) -> None:
        from_when = "" if enough_on is None else f"; there is enough from {enough_on} on"
        of = f" of {', '.join(sources)}" if sources else ""
        super().__init__(
            f"fund account {fund_id} needs {yuan_text(needed)} yuan,"
            f" has {yuan_text(available)} on {day}{from_when}{of}"
        )


class SourcesInsufficient(FundInsufficient):
    """There is enough in the account, and too little of the sources that may pay for this."""

    code = "fund.sources_insufficient"


class LotUnknown(LedgerError):
    """No lot of this id ever came into the account."""

    code = "fund.lot_unknown"
    kind = Kind.ABSENT

    def __init__(self, fund_id: UUID, lot_id: UUID) -> None:
        super().__init__(f"fund account {fund_id} never held lot {lot_id}")


class NoSuchReceipt(LedgerError):
    """The version named did not record money that came in from outside as this lot."""

    code = "fund.no_such_receipt"
    kind = Kind.INVALID

    def __init__(self, fund_id: UUID, lot_id: UUID, version: int) -> None:
        super().__init__(
            f"version {version} of fund account {fund_id} is no receipt of lot {lot_id}"
        )


class NothingToAdd(LedgerError):
    """A correction by nothing corrects nothing."""

    code = "fund.nothing_to_add"
    kind = Kind.INVALID

    def __init__(self, fund_id: UUID, lot_id: UUID) -> None:
        super().__init__(f"lot {lot_id} of fund account {fund_id} would be corrected by 0.00 yuan")


class CorrectedBeforeReceipt(LedgerError):
    """A correction adds to a lot on or after the day on which the lot came in.

    As of a day between the two there would otherwise be money of a receipt that was not there yet.
    """

    code = "fund.corrected_before_receipt"
    kind = Kind.INVALID

    def __init__(self, fund_id: UUID, lot_id: UUID, came_on: date, happened_on: date) -> None:
        super().__init__(
            f"lot {lot_id} of fund account {fund_id} came in on {came_on}:"
            f" {happened_on} is before that"
        )


class NothingToAcknowledge(LedgerError):
    """No allocation of this id waits to be acknowledged by this account."""

    code = "allocation.nothing_to_acknowledge"
    kind = Kind.CONFLICT

    def __init__(self, fund_id: UUID, allocation_id: UUID) -> None:
        super().__init__(
            f"fund account {fund_id} has no allocation {allocation_id} that waits for a word"
        )


class FundKeptElsewhere(LedgerError):
    """An account's money stands in one bank account; where, is said once."""

    code = "fund.kept_elsewhere"
    kind = Kind.CONFLICT

    def __init__(self, fund_id: UUID, bank_account_id: UUID) -> None:
        super().__init__(f"fund account {fund_id} is kept in bank account {bank_account_id}")


class FundAccount(Root):
    """Organisation × earmark. Sources and vintages stay with the money wherever it goes."""

    TOPIC = "fund"

    class Opened(Event, frozen=True):
        TOPIC = "fund.opened"
        organisation_id: UUID
        earmark: str

        def apply(self, aggregate: "FundAccount") -> None:
            aggregate.organisation_id = self.organisation_id
            aggregate.earmark = self.earmark
            aggregate.balance = Money(0)
            aggregate.lots = {}
            aggregate.live = []
            aggregate.unacknowledged = {}
            aggregate.bank_account_id = None

    class Received(Event, frozen=True):
        """Money from outside. `carried_into` is the fiscal year whose opening surplus it is."""

        TOPIC = "fund.received"
        organisation_id: UUID
        earmark: str
        lot_id: UUID
        source: str
        document: str
        vintage: int
        carried_into: int | None
        amount_fen: Money

        def apply(self, aggregate: "FundAccount") -> None:
            lot = aggregate.remember_lot(
                self.lot_id,
                self.lot_id,
                self.vintage,
                self.source,
                self.document,
                self.amount_fen,
                self.happened_on,
            )
            lot.carried_into = self.carried_into
            lot.receipts = (self.originator_version,)

    class Allocated(Event, frozen=True):
        """Passed down; the officer who answers for it signs this event."""

        TOPIC = "fund.allocated"
        COMMITS = True
        organisation_id: UUID
        allocation_id: UUID
        to_fund_id: UUID
        to_organisation_id: UUID
        document: str
        amount_fen: Money
        parts: tuple[Part, ...]

        def apply(self, aggregate: "FundAccount") -> None:
            aggregate.forget_parts(self.parts, self.happened_on)

    class AllocationReceived(Event, frozen=True):
        TOPIC = "fund.allocation_received"
        organisation_id: UUID
        allocation_id: UUID
        from_fund_id: UUID
        from_organisation_id: UUID
        document: str
        amount_fen: Money
        lots: tuple[LotIn, ...]

        def apply(self, aggregate: "FundAccount") -> None:
            aggregate.remember_lots(self.lots, self.happened_on)
            aggregate.unacknowledged[self.allocation_id] = self.amount_fen

    class AllocationAcknowledged(Event, frozen=True):
        """The receiver says that the money is there, and how much of it."""

        TOPIC = "fund.allocation_acknowledged"
        organisation_id: UUID
        allocation_id: UUID
        amount_fen: Money
        acknowledged_by: UUID

        def apply(self, aggregate: "FundAccount") -> None:
            aggregate.unacknowledged.pop(self.allocation_id, None)

    class Remitted(Event, frozen=True):
        """Sent to another ledger; `remittance.sent` says where, and carries the signature."""

        TOPIC = "fund.remitted"
        organisation_id: UUID
        remittance_id: UUID
        amount_fen: Money
        parts: tuple[Part, ...]

        def apply(self, aggregate: "FundAccount") -> None:
            aggregate.forget_parts(self.parts, self.happened_on)

    class RemittanceReceived(Event, frozen=True):
        """Came from another ledger; sources, documents and vintages are those that it had there."""

        TOPIC = "fund.remittance_received"
        organisation_id: UUID
        remittance_id: UUID
        document: str
        amount_fen: Money
        lots: tuple[RemittedLot, ...]

        def apply(self, aggregate: "FundAccount") -> None:
            aggregate.remember_lots(self.lots, self.happened_on)

    class RemittanceTakenBack(Event, frozen=True):
        """Another ledger refused what was sent there: it is in the lots that it came from."""

        TOPIC = "fund.remittance_taken_back"
        organisation_id: UUID
        remittance_id: UUID
        amount_fen: Money
        parts: tuple[Part, ...]

        def apply(self, aggregate: "FundAccount") -> None:
            aggregate.bring_back(self.parts, self.happened_on)
            for part in self.parts:
                aggregate.lots[part.lot_id].came_back = True

    class Drawn(Event, frozen=True):
        TOPIC = "fund.drawn"
        organisation_id: UUID
        disbursement_id: UUID
        batch_id: UUID
        amount_fen: Money
        parts: tuple[Part, ...]

        def apply(self, aggregate: "FundAccount") -> None:
            aggregate.forget_parts(self.parts, self.happened_on)
            for part in self.parts:
                lot = aggregate.lots[part.lot_id]
                lot.last_drawn_on = max(lot.last_drawn_on or date.min, self.happened_on)

    class Restored(Event, frozen=True):
        TOPIC = "fund.restored"
        organisation_id: UUID
        disbursement_id: UUID
        amount_fen: Money
        parts: tuple[Part, ...]

        def apply(self, aggregate: "FundAccount") -> None:
            aggregate.bring_back(self.parts, self.happened_on)

    class KeptAt(Event, frozen=True):
        """Its money stands in this bank account: what it moves, the bank moves."""

        TOPIC = "fund.kept_at"
        organisation_id: UUID
        bank_account_id: UUID

        def apply(self, aggregate: "FundAccount") -> None:
            aggregate.bank_account_id = self.bank_account_id

    class ReceiptCorrected(Event, frozen=True):
        """A receipt was entered wrongly: the difference is added, the first entry stays."""

        TOPIC = "fund.receipt_corrected"
        organisation_id: UUID
        lot_id: UUID
        vintage: int
        carried_into: int | None
        corrects_version: int
        difference_fen: Money
        reason: str

        def apply(self, aggregate: "FundAccount") -> None:
            part = Part(
                lot_id=self.lot_id,
                origin_id=self.lot_id,
                vintage=self.vintage,
                amount_fen=self.difference_fen,
            )
            aggregate.bring_back((part,), self.happened_on)
            aggregate.lots[self.lot_id].receipts += (self.originator_version,)

    organisation_id: UUID
    earmark: str
    balance: Money
    lots: dict[UUID, Lot]
    live: list[Lot]  # lots with money left, oldest vintage first, then by arrival
    unacknowledged: dict[UUID, Money]  # allocations that came in, until the receiver says so
    bank_account_id: UUID | None

    @classmethod
    def open(cls, act: Act, fund_id: UUID, organisation_id: UUID, earmark: str) -> "FundAccount":
        return cls.begin(cls.Opened, act, fund_id, organisation_id=organisation_id, earmark=earmark)

    def receive(
        self,
        act: Act,
        *,
        source: str,
        document: str,
        vintage: int,
        carried_into: int | None,
        amount: Money,
    ) -> UUID:
        """Take in money from outside as a new lot; return the lot's id."""
        require_positive(amount)
        lot_id = self._next_lot_id(0)
        self.trigger_event(
            self.Received,
            act,
            organisation_id=self.organisation_id,
            earmark=self.earmark,
            lot_id=lot_id,
            source=source,
            document=document,
            vintage=vintage,
            carried_into=carried_into,
            amount_fen=amount,
        )
        return lot_id

    def allocate(
        self, act: Act, *, allocation_id: UUID, to: "FundAccount", document: str, amount: Money
    ) -> None:
        """Pass money down. Both accounts are saved together, so it never hangs between them."""
        require_positive(amount)
        parts = self.choose(amount, act.happened_on)
        self.trigger_event(
            self.Allocated,
            act,
            organisation_id=self.organisation_id,
            allocation_id=allocation_id,
            to_fund_id=to.id,
            to_organisation_id=to.organisation_id,
            document=document,
            amount_fen=amount,
            parts=parts,
        )
        to._take(act, allocation_id, self, document, amount, parts)  # noqa: SLF001 - same class

    def acknowledge(self, act: Act, *, allocation_id: UUID, acknowledged_by: UUID) -> None:
        """Record that money which was passed down has arrived.

        Raises:
            NothingToAcknowledge: No such allocation came here, or it was acknowledged before.
        """
        amount = self.unacknowledged.get(allocation_id)
        if amount is None:
            raise NothingToAcknowledge(self.id, allocation_id)
        self.trigger_event(
            self.AllocationAcknowledged,
            act,
            organisation_id=self.organisation_id,
            allocation_id=allocation_id,
            amount_fen=amount,
            acknowledged_by=acknowledged_by,
        )

    def remit(self, act: Act, *, remittance_id: UUID, amount: Money) -> tuple[RemittedPart, ...]:
        """Take the money of a remittance from the oldest lots; return the pieces with their past.

        Raises:
            FundInsufficient: The account holds less, or held less on the day of the act.
        """
        require_positive(amount)
        parts = self.choose(amount, act.happened_on)
        self.trigger_event(
            self.Remitted,
            act,
            organisation_id=self.organisation_id,
            remittance_id=remittance_id,
            amount_fen=amount,
            parts=parts,
        )
        return tuple(
            RemittedPart(
                lot_id=part.lot_id,
                origin_id=part.origin_id,
                vintage=part.vintage,
                source=self.lots[part.lot_id].source,
                document=self.lots[part.lot_id].document,
                amount_fen=part.amount_fen,
            )
            for part in parts
        )

    def receive_remittance(
        self, act: Act, *, remittance_id: UUID, document: str, parts: Sequence[RemittedPart]
    ) -> None:
        """Take in what another ledger sent, each piece as a lot of its own."""
        self.trigger_event(
            self.RemittanceReceived,
            act,
            organisation_id=self.organisation_id,
            remittance_id=remittance_id,
            document=document,
            amount_fen=Money(sum(part.amount_fen for part in parts)),
            lots=tuple(
                RemittedLot(
                    lot_id=(lot_id := self._next_lot_id(index)),
                    origin_id=lot_id,
                    vintage=part.vintage,
                    source=part.source,
                    document=part.document,
                    amount_fen=part.amount_fen,
                    sent_as=part.lot_id.hex,
                )
                for index, part in enumerate(parts)
            ),
        )

    def take_remittance_back(self, act: Act, *, remittance_id: UUID, parts: Sequence[Part]) -> None:
        """Put what another ledger refused back into the lots that it came from."""
        self.trigger_event(
            self.RemittanceTakenBack,
            act,
            organisation_id=self.organisation_id,
            remittance_id=remittance_id,
            amount_fen=Money(sum(part.amount_fen for part in parts)),
            parts=tuple(parts),
        )

    def keep_at(self, act: Act, *, bank_account_id: UUID) -> None:
        """Say in which bank account its money stands.

        Raises:
            FundKeptElsewhere: That was said before.
        """
        if self.bank_account_id is not None:
            raise FundKeptElsewhere(self.id, self.bank_account_id)
        self.trigger_event(
            self.KeptAt,
            act,
            organisation_id=self.organisation_id,
            bank_account_id=bank_account_id,
        )

    def draw(
        self,
        act: Act,
        *,
        disbursement_id: UUID,
        batch_id: UUID,
        amount: Money,
        sources: Collection[str] = (),
    ) -> tuple[Part, ...]:
        """Take the money of one payment from the oldest lots; return the pieces taken.

        Of these sources alone, where any are named.
        """
        require_positive(amount)
        parts = self.choose(amount, act.happened_on, sources)
        return self._draw(act, disbursement_id, batch_id, parts)

    def draw_again(
        self,
        act: Act,
        *,
        disbursement_id: UUID,
        batch_id: UUID,
        parts: tuple[Part, ...],
        sources: Collection[str] = (),
    ) -> tuple[Part, ...]:
        """Take what was put back by mistake, of its own lots if it is there; return the pieces.

        Else of the oldest lots, as `draw` does.
        """
        day = act.happened_on
        if any(self.lots[each.lot_id].available(day) < each.amount_fen for each in parts):
            amount = Money(sum(each.amount_fen for each in parts))
            parts = self.choose(amount, day, sources)
        return self._draw(act, disbursement_id, batch_id, parts)

    def _draw(
        self, act: Act, disbursement_id: UUID, batch_id: UUID, parts: tuple[Part, ...]
    ) -> tuple[Part, ...]:
        self.trigger_event(
            self.Drawn,
            act,
            organisation_id=self.organisation_id,
            disbursement_id=disbursement_id,
            batch_id=batch_id,
            amount_fen=Money(sum(part.amount_fen for part in parts)),
            parts=parts,
        )
        return parts

    def restore(self, act: Act, *, disbursement_id: UUID, parts: Sequence[Part]) -> None:
        """Put a returned payment back into the lots that it came from."""
        self.trigger_event(
            self.Restored,
            act,
            organisation_id=self.organisation_id,
            disbursement_id=disbursement_id,
            amount_fen=Money(sum(part.amount_fen for part in parts)),
            parts=tuple(parts),
        )

    def correct_receipt(
        self,
        act: Act,
        *,
        lot_id: UUID,
        corrects_version: int,
        difference: Money,
        reason: str,
    ) -> None:
        """Add (or take off) what a receipt, or a correction of it, was entered too low (high) by.

        Args:
            lot_id: The lot that the receipt made.
            corrects_version: The version of this stream that holds the wrong entry.
            difference: Fen to add; below zero, to take off.
            reason: Why, for those who read the history.

        Raises:
            LotUnknown: The lot never came in here.
            NoSuchReceipt: That version did not record this lot as money from outside.
            NothingToAdd: The difference is zero.
            CorrectedBeforeReceipt: It is dated before the day on which the lot came in.
            FundInsufficient: More is to be taken off than is left, or was there on that day.
            AmountTooLarge: The lot would hold more than an event can say.
        """
        lot = self.lots.get(lot_id)
        if lot is None:
            raise LotUnknown(self.id, lot_id)
        if corrects_version not in lot.receipts:
            raise NoSuchReceipt(self.id, lot_id, corrects_version)
        if not difference:
            raise NothingToAdd(self.id, lot_id)
        if act.happened_on < lot.days[0]:
            raise CorrectedBeforeReceipt(self.id, lot_id, lot.days[0], act.happened_on)
        if difference < 0:
            self._require_held(Money(-difference), act.happened_on, (lot,))
        require_writable(Money(lot.remaining + difference))
        self.trigger_event(
            self.ReceiptCorrected,
            act,
            organisation_id=self.organisation_id,
            lot_id=lot_id,
            vintage=lot.vintage,
            carried_into=lot.carried_into,  # whatever year it counted for, the difference does too
            corrects_version=corrects_version,
            difference_fen=difference,
            reason=reason,
        )

    def choose(self, amount: Money, day: date, sources: Collection[str] = ()) -> tuple[Part, ...]:
        """Say which pieces a draw of `amount` fen would take: oldest vintage first, then arrival.

        Of each lot what had come in by the day of the draw and was not taken since: whatever is
        entered late leaves the account at no day with less than nothing. Where sources are named,
        of lots of these alone.

        Raises:
            FundInsufficient: The account holds less, or held less on that day.
            SourcesInsufficient: It holds less of these sources.
        """
        parts = []
        open_amount: int = amount
        for lot in self.live:
            if sources and lot.source not in sources:
                continue
            taken = min(open_amount, lot.available(day))
            if taken:
                parts.append(_part_of(lot, Money(taken)))
                open_amount -= taken
            if not open_amount:
                return tuple(parts)
        self._require_held(amount, day, self.live)
        of_sources = Money(amount - open_amount)
        raise SourcesInsufficient(self.id, amount, of_sources, day, None, sorted(sources))

    def require_covered(self, needs: Sequence[tuple[Collection[str], Money]], day: date) -> None:
        """Check that draws of these sources (none named: of any) can be made one after another.

        Raises:
            FundInsufficient: The account holds less than all of them, or held less on that day.
            SourcesInsufficient: It holds less of the sources that may pay for some of them.
        """
        self._require_held(Money(sum(amount for _, amount in needs)), day, self.live)
        left = [(lot.source, int(lot.available(day))) for lot in self.live]
        for sources, amount in needs:
            open_amount: int = amount
            for at, (source, held) in enumerate(left):
                taken = min(open_amount, held) if not sources or source in sources else 0
                left[at] = source, held - taken
                open_amount -= taken
            if open_amount:
                of_sources = Money(amount - open_amount)
                raise SourcesInsufficient(self.id, amount, of_sources, day, None, sorted(sources))

    def old_lots(self, year: int) -> list[Lot]:
        """Return the lots of vintages before a year that may not have reached people whole.

        With money left, or drawn from in this year or the one before it, so that some of it may
        still be on its way, or come back. What was drawn long before and comes back is left out.
        """
        return [
            lot
            for lot in self.lots.values()
            if lot.vintage < year
            and (lot.remaining or (lot.last_drawn_on and lot.last_drawn_on.year >= year - 1))
        ]

    # What `apply` uses to remember.

    def remember_lot(
        self,
        lot_id: UUID,
        origin_id: UUID,
        vintage: int,
        source: str,
        document: str,
        amount: Money,
        day: date,
    ) -> Lot:
        lot = Lot(lot_id, origin_id, vintage, len(self.lots), source, document, Money(0))
        lot.move(day, amount)
        self.lots[lot_id] = lot
        insort(self.live, lot)
        self.balance = Money(self.balance + amount)
        return lot

    def remember_lots(self, lots: Iterable[LotIn | RemittedLot], day: date) -> None:
        for lot in lots:
            self.remember_lot(
                lot.lot_id,
                lot.origin_id,
                lot.vintage,
                lot.source,
                lot.document,
                lot.amount_fen,
                day,
            )

    def forget_parts(self, parts: Iterable[Part], day: date) -> None:
        for part in parts:
            lot = self.lots[part.lot_id]
            lot.move(day, -part.amount_fen)
            self.balance = Money(self.balance - part.amount_fen)
            if not lot.remaining:
                self.live.remove(lot)

    def bring_back(self, parts: Iterable[Part], day: date) -> None:
        for part in parts:
            lot = self.lots[part.lot_id]
            was_empty = not lot.remaining
            lot.move(day, part.amount_fen)
            self.balance = Money(self.balance + part.amount_fen)
            if was_empty and lot.remaining:
                insort(self.live, lot)
            elif not was_empty and not lot.remaining:
                self.live.remove(lot)

    def _take(
        self,
        act: Act,
        allocation_id: UUID,
        giver: "FundAccount",
        document: str,
        amount: Money,
        parts: Sequence[Part],
    ) -> None:
        self.trigger_event(
            self.AllocationReceived,
            act,
            organisation_id=self.organisation_id,
            allocation_id=allocation_id,
            from_fund_id=giver.id,
            from_organisation_id=giver.organisation_id,
            document=document,
            amount_fen=amount,
            lots=tuple(
                LotIn(
                    lot_id=self._next_lot_id(index),
                    parent_id=part.lot_id,
                    origin_id=part.origin_id,
                    vintage=part.vintage,
                    source=giver.lots[part.lot_id].source,
                    document=giver.lots[part.lot_id].document,
                    amount_fen=part.amount_fen,
                )
                for index, part in enumerate(parts)
            ),
        )

    def _require_held(self, amount: Money, day: date, lots: Sequence[Lot]) -> None:
        if amount > sum(lot.available(day) for lot in lots):
            raise self._too_little(amount, day, lots)

    def _too_little(self, amount: Money, day: date, lots: Sequence[Lot]) -> FundInsufficient:
        """Say what there is of lots on a day, and from which later day on there is enough."""

        def held(on: date) -> Money:
            return Money(sum(lot.available(on) for lot in lots))

        later = sorted({each for lot in lots for each in lot.days if each > day})
        enough_on = next((each for each in later if held(each) >= amount), None)
        return FundInsufficient(self.id, amount, held(day), day, enough_on)

    def _next_lot_id(self, index: int) -> UUID:
        return stable_id("lot", self.id, self.version + 1, index)


def fund_id(organisation_id: UUID, earmark: str) -> UUID:
    """Return the id of the one account that an organisation has for an earmark."""
    return stable_id("fund", organisation_id, earmark)


def _part_of(lot: Lot, amount: Money) -> Part:
    return Part(lot_id=lot.lot_id, origin_id=lot.origin_id, vintage=lot.vintage, amount_fen=amount)

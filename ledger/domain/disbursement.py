"""One payment to one recipient in one campaign: instructed, settled or returned, signed for."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import lru_cache
from typing import Any
from uuid import UUID

from ledger.domain.aggregate import OPERATOR, Act, Event, Root
from ledger.domain.clear_text import require_no_personal_data
from ledger.domain.lots import Part
from ledger.domain.sealed import Sealed
from ledger.domain.values import Money, day_in_china, read_moment, stable_id
from ledger.errors import Kind, LedgerError

DAY = len("2017-01-31")


class Status(StrEnum):
    """Where a payment stands. ISO 20022 would say PDNG, ACSC, ACSC by hand, RJCT and CANC."""

    IN_TRANSIT = "in_transit"
    SETTLED = "settled"
    SIGNED = "signed"
    RETURNED = "returned"
    WITHDRAWN = "withdrawn"


NOT_PAID = frozenset({Status.RETURNED, Status.WITHDRAWN})
"""Its money is in its lots again, and it may be paid again."""


class Ground(StrEnum):
    """What ties a name that was put right to the person: the archive, or one slip in it.

    Or an attempt before, whose name it was: it is put back.
    """

    ON_FILE = "on_file"
    SLIP = "slip"
    BEFORE = "before"


class Manner(StrEnum):
    """How a signature was taken down: drawn on a screen, or written on the sheet and scanned."""

    DRAWN = "drawn"
    SCANNED = "scanned"


class NotInTransit(LedgerError):
    """The bank's answer or the signature is for a payment that is not on its way."""

    code = "disbursement.not_in_transit"
    kind = Kind.CONFLICT

    def __init__(self, disbursement_id: UUID, status: str) -> None:
        super().__init__(f"payment {disbursement_id} is {status}, not in transit")


class PaymentWithdrawn(NotInTransit):
    """Its money is in its lots again: it is made again before anybody signs for it."""

    code = "disbursement.withdrawn"


class PaymentObjected(NotInTransit):
    """An objection against it was upheld: it is withdrawn, and nobody is paid it before that."""

    code = "disbursement.objection_upheld"

    def __init__(self, disbursement_id: UUID, held_on: date) -> None:
        super().__init__(disbursement_id, f"objected to, as was upheld on {held_on}")


class AlreadySent(LedgerError):
    """What the bank was sent is decided by the bank's answer; only what was not is withdrawn."""

    code = "disbursement.already_sent"
    kind = Kind.CONFLICT

    def __init__(self, disbursement_id: UUID) -> None:
        super().__init__(f"payment {disbursement_id} may have been in a file for the bank")


class SignatureWaits(LedgerError):
    """Who signed for their money has it: the signature is certified, not passed over."""

    code = "disbursement.signature_waits"
    kind = Kind.CONFLICT

    def __init__(self, disbursement_id: UUID) -> None:
        super().__init__(f"payment {disbursement_id} was signed for, its witness has to certify it")


class SignatureUndone(LedgerError):
    """Whoever undid a signature does not put its money back into the fund as well.

    Taken back as a mistake or discarded as none, it is the word of one officer against what another
    saw given. Who took part in the list does not withdraw what was certified and taken back either.
    """

    code = "disbursement.signature_undone"
    kind = Kind.FORBIDDEN

    def __init__(self, disbursement_id: UUID, officer_id: UUID) -> None:
        super().__init__(
            f"officer {officer_id} had a part in what payment {disbursement_id} was signed for,"
            " another one withdraws it"
        )


class NotReturned(LedgerError):
    """Only a payment that came back can be paid again."""

    code = "disbursement.not_returned"
    kind = Kind.CONFLICT

    def __init__(self, disbursement_id: UUID, status: str) -> None:
        super().__init__(f"payment {disbursement_id} is {status}, it did not come back")


class HasArrived(LedgerError):
    """The bank says that an earlier account got the money after all: no other is paid as well."""

    code = "reissue.has_arrived"
    kind = Kind.CONFLICT

    def __init__(self, disbursement_id: UUID, attempt: int) -> None:
        super().__init__(
            f"payment {disbursement_id} arrived, says the bank, at the account that it was sent to"
            f" at version {attempt}: it is made again to that account"
        )


class DatedBackwards(LedgerError):
    """What happens to a payment happens on or after the day of what was recorded of it before.

    As of a day between the two it would otherwise have been paid before it was sent.
    """

    code = "disbursement.dated_backwards"
    kind = Kind.INVALID

    def __init__(self, disbursement_id: UUID, last_on: date, happened_on: date) -> None:
        super().__init__(
            f"payment {disbursement_id} stands as of {last_on}: {happened_on} is before that"
        )


class SignedForByAnother(LedgerError):
    """Nobody signs for another (不允许代签代领)."""

    code = "signature.not_own"
    kind = Kind.FORBIDDEN

    def __init__(self, disbursement_id: UUID) -> None:
        super().__init__(f"payment {disbursement_id} was signed for by another than its recipient")


class SignedTooEarly(LedgerError):
    """Nobody signs for what was not approved yet: sheets are not signed ahead (不得预签)."""

    code = "signature.before_approval"
    kind = Kind.INVALID

    def __init__(self, disbursement_id: UUID, signed_at: str, since: date) -> None:
        super().__init__(
            f"payment {disbursement_id} is approved since {since}, the signature is of {signed_at}"
        )


class SignedAhead(LedgerError):
    """What is recorded has happened, and so has a signature."""

    code = "signature.ahead"
    kind = Kind.INVALID

    def __init__(self, disbursement_id: UUID, signed_at: str, recorded_at: str) -> None:
        super().__init__(
            f"the signature for payment {disbursement_id} is of {signed_at},"
            f" and is recorded at {recorded_at}"
        )


class NotCaptured(LedgerError):
    """Nobody has signed for it yet, so there is nothing to certify."""

    code = "signature.not_captured"
    kind = Kind.CONFLICT

    def __init__(self, disbursement_id: UUID) -> None:
        super().__init__(f"payment {disbursement_id} has not been signed for")


class AnotherWitness(LedgerError):
    """A signature is certified by the officer under whose eyes it was given."""

    code = "signature.another_witness"
    kind = Kind.FORBIDDEN

    def __init__(self, disbursement_id: UUID, witness_id: UUID) -> None:
        super().__init__(f"payment {disbursement_id} was signed for under {witness_id}'s eyes")


@dataclass(frozen=True, slots=True)
class Arrived:
    """An attempt before the last that arrived, as a return file said after another followed it."""

    attempt: int
    card_index: str | None
    statement_id: UUID
    told_at: int  # version at which that was told


@dataclass(frozen=True, slots=True)
class Captured:
    """A signature that waits for its witness to certify it; the last one counts."""

    manner: str
    drawing: Sealed
    image_sha256: str
    sheet_sha256: str | None
    ended_at: str
    witness_id: UUID


class NothingToCorrect(LedgerError):
    """The version named does not hold an outcome that a correction could take back."""

    code = "disbursement.nothing_to_correct"
    kind = Kind.INVALID

    def __init__(self, disbursement_id: UUID, version: int) -> None:
        super().__init__(f"version {version} of payment {disbursement_id} is not its last outcome")


class Disbursement(Root):
    """Its id follows from campaign and person, so that nobody is paid twice in one campaign."""

    TOPIC = "disbursement"

    class Instructed(Event, frozen=True):
        TOPIC = "disbursement.instructed"
        campaign_id: UUID
        batch_id: UUID
        number: int
        organisation_id: UUID
        fund_id: UUID
        person_id: UUID
        category: str
        channel: str
        amount_fen: Money
        parts: tuple[Part, ...]
        payee: Sealed
        card_index: str | None

        def apply(self, aggregate: "Disbursement") -> None:
            aggregate.campaign_id = self.campaign_id
            aggregate.batch_id = self.batch_id
            aggregate.number = self.number
            aggregate.category = self.category
            aggregate.organisation_id = self.organisation_id
            aggregate.fund_id = self.fund_id
            aggregate.person_id = self.person_id
            aggregate.amount = self.amount_fen
            aggregate.parts = self.parts
            aggregate.payee, aggregate.card_index = self.payee, self.card_index
            aggregate.outcomes = []
            aggregate.captured = None
            aggregate.unknown = aggregate.was_unknown = aggregate.was_answered = False
            aggregate.reissuers = aggregate.undone_by = frozenset()
            aggregate.earlier, aggregate.arrived, aggregate.on_word = (), (), False
            aggregate.taken_back = False
            aggregate.withdrawn_by = aggregate.doubted = None
            aggregate.attempt = self.originator_version
            aggregate.instructed_on = self.happened_on
            aggregate.held_on, aggregate.held_at = None, ""
            aggregate.answered = False
            aggregate.status = Status.IN_TRANSIT

    class Settled(Event, frozen=True):
        """The bank confirms that the money reached the recipient's card."""

        TOPIC = "disbursement.settled"
        statement_id: UUID
        organisation_id: UUID
        fund_id: UUID
        amount_fen: Money
        parts: tuple[Part, ...]

        def apply(self, aggregate: "Disbursement") -> None:
            aggregate.answered = True
            words = (each for each in aggregate.arrived if each.told_at < aggregate.attempt)
            aggregate.on_word = (aggregate.card_index, self.statement_id) in {
                (each.card_index, each.statement_id) for each in words
            }
            aggregate.remember_outcome(self.originator_version, Status.SETTLED)

    class Returned(Event, frozen=True):
        """The bank sent the money back; `was` is settled when it came after a success (退票)."""

        TOPIC = "disbursement.returned"
        statement_id: UUID
        organisation_id: UUID
        fund_id: UUID
        amount_fen: Money
        parts: tuple[Part, ...]
        reason: str
        raw_code: str | None
        was: str

        def apply(self, aggregate: "Disbursement") -> None:
            aggregate.was_answered, aggregate.answered = aggregate.answered, True
            aggregate.was_unknown = aggregate.unknown
            aggregate.forget_arrival()
            aggregate.remember_outcome(self.originator_version, Status.RETURNED)

    class Withdrawn(Event, frozen=True):
        """It was never paid out (撤销付款): not sent to the bank, or nobody came to sign for it."""

        TOPIC = "disbursement.withdrawn"
        organisation_id: UUID
        fund_id: UUID
        amount_fen: Money
        parts: tuple[Part, ...]
        reason: str

        def apply(self, aggregate: "Disbursement") -> None:
            aggregate.withdrawn_by = self.actor
            aggregate.forget_arrival()
            aggregate.remember_outcome(self.originator_version, Status.WITHDRAWN)

    class Unresolved(Event, frozen=True):
        """The bank does not know yet: ask again, never send again."""

        TOPIC = "disbursement.unresolved"
        statement_id: UUID
        amount_fen: Money
        reason: str
        raw_code: str | None

        def apply(self, aggregate: "Disbursement") -> None:
            aggregate.answered = aggregate.unknown = True
            aggregate.doubted = (self.originator_version, self.reason)

    class ArrivedBefore(Event, frozen=True):
        """The bank says that an attempt arrived, or may have, that it had sent back before.

        It had been made again to another account by then, so that its recipient may be paid twice.
        `attempt` is the version at which it was instructed, `outcome` what the bank says of it now.
        """

        TOPIC = "disbursement.arrived_before"
        batch_id: UUID
        organisation_id: UUID
        statement_id: UUID
        amount_fen: Money
        attempt: int
        line: int
        outcome: str
        reason: str | None
        raw_code: str | None

        def apply(self, aggregate: "Disbursement") -> None:
            """Where the payment stands is said of its last attempt."""
            if self.outcome == Status.SETTLED:
                index = dict(aggregate.earlier)[self.attempt]
                told_at = self.originator_version
                aggregate.arrived += (Arrived(self.attempt, index, self.statement_id, told_at),)

    class ObjectionUpheld(Event, frozen=True):
        """An objection to its row was upheld after the approval: nobody is paid it as it is.

        Made again after it was withdrawn or came back, it was decided anew.
        """

        TOPIC = "disbursement.objection_upheld"
        notice_id: UUID
        objection_number: int

        def apply(self, aggregate: "Disbursement") -> None:
            aggregate.held_on, aggregate.held_at = self.happened_on, self.recorded_at

    class SignatureCaptured(Event, frozen=True):
        """The recipient signed under a witness's eyes. It counts once the witness certifies it.

        `started_at` and `ended_at` are what the device's clock said, or the day on the paper.
        `stopped`: an upheld objection had stopped the payment; it is kept, and waits for nobody.
        """

        TOPIC = "disbursement.signature_captured"
        batch_id: UUID
        number: int
        organisation_id: UUID
        manner: str
        drawing: Sealed
        image_sha256: str
        strokes_sha256: str | None
        sheet_sha256: str | None
        device: str
        started_at: str
        ended_at: str
        witness_id: UUID
        stopped: bool = False

        def apply(self, aggregate: "Disbursement") -> None:
            if self.stopped:
                return
            aggregate.captured = Captured(
                self.manner,
                self.drawing,
                self.image_sha256,
                self.sheet_sha256,
                self.ended_at,
                self.witness_id,
            )

    class SignatureDiscarded(Event, frozen=True):
        """What waited to be certified is no signature, says its witness; it is awaited still.

        Where its witness has left, another one says so.
        """

        TOPIC = "disbursement.signature_discarded"
        batch_id: UUID
        number: int
        organisation_id: UUID
        image_sha256: str
        witness_id: UUID
        reason: str

        def apply(self, aggregate: "Disbursement") -> None:
            aggregate.captured = None
            aggregate.undone_by |= {self.actor}

    class Signed(Event, frozen=True):
        """The recipient signed the sheet under a witness's eyes, by their own name."""

        TOPIC = "disbursement.signed"
        organisation_id: UUID
        fund_id: UUID
        amount_fen: Money
        parts: tuple[Part, ...]
        signed_at: str
        image_sha256: str
        sheet_sha256: str
        witness_id: UUID

        def apply(self, aggregate: "Disbursement") -> None:
            aggregate.remember_outcome(self.originator_version, Status.SIGNED)

    class Reissued(Event, frozen=True):
        """Paid again after it came back, from lots drawn anew.

        `name_put_right`: under another spelling of its name, and what ties that to the person; None
        where the name stays.
        """

        TOPIC = "disbursement.reissued"
        batch_id: UUID
        organisation_id: UUID
        fund_id: UUID
        amount_fen: Money
        parts: tuple[Part, ...]
        payee: Sealed
        card_index: str | None
        reason: str
        name_put_right: str | None = None

        def apply(self, aggregate: "Disbursement") -> None:
            aggregate.parts = self.parts
            aggregate.earlier += ((aggregate.attempt, aggregate.card_index),)
            aggregate.payee, aggregate.card_index = self.payee, self.card_index
            aggregate.outcomes = []
            aggregate.captured = None
            aggregate.unknown = False
            aggregate.reissuers |= {self.actor}
            aggregate.undone_by = frozenset()
            aggregate.taken_back = False
            aggregate.withdrawn_by = None
            aggregate.attempt = self.originator_version
            aggregate.instructed_on = self.happened_on
            aggregate.held_on = None
            aggregate.on_word = False
            aggregate.status = Status.IN_TRANSIT

    class Corrected(Event, frozen=True):
        """Takes back the outcome (or the correction) that `corrects_version` recorded wrongly.

        Where that is a return, its money was drawn again (`draws_again`), and `was` says where it
        stood then: in transit.
        """

        TOPIC = "disbursement.corrected"
        corrects_version: int
        organisation_id: UUID
        fund_id: UUID
        amount_fen: Money
        parts: tuple[Part, ...]
        was: str
        now: str
        reason: str
        draws_again: bool = False

        def apply(self, aggregate: "Disbursement") -> None:
            # What was certified by mistake is not certified again: they sign anew.
            aggregate.captured = None
            if self.was == Status.SIGNED:
                aggregate.undone_by |= {self.actor}
                aggregate.taken_back = True
            aggregate.remember_outcome(self.originator_version, Status(self.now))
            # The bank was sent it before: it is asked again, and never sent again.
            sent = self.was == Status.SETTLED and not aggregate.on_word
            aggregate.unknown = self.now == Status.IN_TRANSIT and sent
            if self.draws_again:
                aggregate.parts, aggregate.unknown = self.parts, aggregate.was_unknown
                aggregate.answered = aggregate.was_answered

    campaign_id: UUID
    batch_id: UUID
    number: int
    category: str
    organisation_id: UUID
    fund_id: UUID
    person_id: UUID
    amount: Money
    parts: tuple[Part, ...]
    payee: Sealed
    card_index: str | None
    outcomes: list[tuple[int, Status]]  # version that recorded it, what it was before
    captured: Captured | None
    reissuers: frozenset[str]  # who had it paid again, and where to
    undone_by: frozenset[str]  # who took a signature back since it was instructed, or discarded one
    taken_back: bool  # one that had been certified
    withdrawn_by: str | None  # who withdrew it last
    attempt: int  # version at which it was last instructed
    earlier: tuple[tuple[int, str | None], ...]  # attempts before the last, and their cards' index
    arrived: tuple[Arrived, ...]  # those of them that arrived after all
    on_word: bool  # settled by what was said of an earlier attempt: nothing was sent
    instructed_on: date  # the day of that
    held_on: date | None  # since when an upheld objection stops it
    held_at: str  # the moment at which that was recorded
    answered: bool  # the bank ever said anything of it
    unknown: bool  # the bank said that it does not know: asked again, never sent again
    doubted: tuple[int, str] | None  # version at which the bank last said so, and why
    was_unknown: bool  # the same, when it was returned last
    was_answered: bool  # as `answered`, when it was returned last
    status: Status

    @classmethod
    def instruct(
        cls,
        act: Act,
        *,
        campaign_id: UUID,
        batch_id: UUID,
        number: int,
        organisation_id: UUID,
        fund_id: UUID,
        person_id: UUID,
        category: str,
        channel: str,
        amount: Money,
        parts: tuple[Part, ...],
        payee: Sealed,
        card_index: str | None,
    ) -> "Disbursement":
        return cls.begin(
            cls.Instructed,
            act,
            disbursement_id(campaign_id, person_id),
            campaign_id=campaign_id,
            batch_id=batch_id,
            number=number,
            organisation_id=organisation_id,
            fund_id=fund_id,
            person_id=person_id,
            category=category,
            channel=channel,
            amount_fen=amount,
            parts=parts,
            payee=payee,
            card_index=card_index,
        )

    def trigger_event(self, event: type[Event], act: Act, **facts: Any) -> None:
        """Record a decision that was already checked.

        Raises:
            DatedBackwards: It is dated before what was recorded of the payment last.
        """
        if act.happened_on < self.last_on:
            raise DatedBackwards(self.id, self.last_on, act.happened_on)
        super().trigger_event(event, act, **facts)

    def settle(self, act: Act, *, statement_id: UUID) -> None:
        self._require_in_transit()
        self.trigger_event(self.Settled, act, statement_id=statement_id, **self._money())

    def return_(
        self, act: Act, *, statement_id: UUID, reason: str, raw_code: str | None
    ) -> Sequence[Part]:
        """Record that the bank sent the money back; return the pieces that go back to the lots.

        A success is not final: 退票 may follow it, so a settled payment can come back too.
        """
        if self.status not in (Status.IN_TRANSIT, Status.SETTLED):
            raise NotInTransit(self.id, self.status)
        self.trigger_event(
            self.Returned,
            act,
            statement_id=statement_id,
            reason=reason,
            raw_code=raw_code,
            was=self.status.value,
            **self._money(),
        )
        return self.parts

    def withdraw(
        self,
        act: Act,
        *,
        reason: str,
        listed_by: Collection[str] = (),
        in_doubt: bool | None = None,
    ) -> Sequence[Part]:
        """Record that it will not be paid out; return the pieces that go back to the lots.

        That the bank was sent nothing of it is for the caller to know.

        Args:
            listed_by: Who drafted, reviewed and approved the list that it stands on.
            in_doubt: Whether what the bank does not know of it still stands in the way; None: it
                does if the bank ever said so.

        Raises:
            NotInTransit: It arrived, or came back before.
            AlreadySent: The bank said that it does not know what became of it.
            SignatureWaits: Its recipient signed for it.
            SignatureUndone: The same officer undid a signature, or had a part in the list of what
                was certified and taken back.
            PersonalDataInText: The reason names somebody by a number.
        """
        self._require_in_transit()
        if act.actor != OPERATOR and (
            act.actor in self.undone_by or (self.taken_back and act.actor in listed_by)
        ):
            raise SignatureUndone(self.id, UUID(act.actor))
        if self.unknown if in_doubt is None else in_doubt:
            raise AlreadySent(self.id)
        if self.captured is not None:
            raise SignatureWaits(self.id)
        require_no_personal_data(reason)
        self.trigger_event(self.Withdrawn, act, reason=reason, **self._money())
        return self.parts

    def uphold_objection(self, act: Act, *, notice_id: UUID, number: int) -> None:
        """Record that an objection to its row was upheld, on its last day or later.

        Whoever has not signed for it by then does not any more; that it is paid again once it was
        withdrawn, or came back, is decided anew.
        """
        self.trigger_event(self.ObjectionUpheld, act, notice_id=notice_id, objection_number=number)

    def leave_unresolved(
        self, act: Act, *, statement_id: UUID, reason: str, raw_code: str | None
    ) -> None:
        self._require_in_transit()
        self.trigger_event(
            self.Unresolved,
            act,
            statement_id=statement_id,
            amount_fen=self.amount,
            reason=reason,
            raw_code=raw_code,
        )

    def told_of_earlier(
        self,
        act: Act,
        *,
        statement_id: UUID,
        attempt: int,
        line: int,
        outcome: str,
        reason: str | None,
        raw_code: str | None,
    ) -> None:
        """Record that the bank takes back that an attempt before the last had failed."""
        self.trigger_event(
            self.ArrivedBefore,
            act,
            batch_id=self.batch_id,
            organisation_id=self.organisation_id,
            statement_id=statement_id,
            amount_fen=self.amount,
            attempt=attempt,
            line=line,
            outcome=outcome,
            reason=reason,
            raw_code=raw_code,
        )

    def capture_signature(
        self,
        act: Act,
        *,
        own_name: bool,
        manner: Manner,
        drawing: Sealed,
        image_sha256: str,
        strokes_sha256: str | None,
        sheet_sha256: str | None,
        device: str,
        started_at: str,
        ended_at: str,
        witness_id: UUID,
        sure: bool = True,
        late: bool = False,
    ) -> None:
        """Keep a signature until its witness certifies it; drawn again, the last one counts.

        Args:
            own_name: Whether the signer says to be the recipient, by the recipient's own name;
                compared by the caller, who alone may open the sealed name.
            sure: Whether it looks like a signature; what does not takes no other's place.
            late: What it was given for is not to be paid any more (`stopped_by`). It is kept and
                counts for nothing: made again, the payment is signed for anew.

        Raises:
            SignedForByAnother: They do not.
            NotInTransit: Signed for before, or never on its way.
            PaymentObjected: As it says.
            AnotherWitness: One waits that was given under another's eyes.
            SignatureWaits: One waits, and this may be none.
        """
        if not late:
            self._require_in_transit()
            self._require_unobjected(ended_at)
        if not own_name:
            raise SignedForByAnother(self.id)
        self._require_no_other_witness(witness_id)
        if self.captured is not None and not sure:
            raise SignatureWaits(self.id)
        self.trigger_event(
            self.SignatureCaptured,
            act,
            batch_id=self.batch_id,
            number=self.number,
            organisation_id=self.organisation_id,
            manner=manner.value,
            drawing=drawing,
            image_sha256=image_sha256,
            strokes_sha256=strokes_sha256,
            sheet_sha256=sheet_sha256,
            device=device,
            started_at=started_at,
            ended_at=ended_at,
            witness_id=witness_id,
            stopped=late and self.status is Status.IN_TRANSIT,
        )

    @property
    def is_stopped(self) -> bool:
        """Whether an upheld objection keeps it from being paid until it is withdrawn."""
        on_its_way = self.status is Status.IN_TRANSIT and self.captured is None
        return on_its_way and self.held_on is not None

    def stopped_by(self, signed_at: str) -> NotInTransit | None:
        """Return why a signature of then is for what is not to be paid any more, if it is.

        The payment was withdrawn, or an objection upheld by then; who had signed has the money.
        """
        if self.status is Status.WITHDRAWN:
            return PaymentWithdrawn(self.id, self.status)
        held_on = self.held_on
        if held_on is None or not self.is_stopped or self._signed_before(held_on, signed_at):
            return None
        return PaymentObjected(self.id, held_on)

    def discard_signature(
        self, act: Act, *, discarded_by: UUID, witness_left: bool, reason: str
    ) -> None:
        """Record that what waits to be certified is no signature.

        Args:
            discarded_by: Who says so: its witness, or another where they have left.
            witness_left: Whether its witness holds no post any more in which they could certify it.
            reason: Why; it stands in the log.

        Raises:
            NotInTransit: It was certified, or is not awaited any more.
            NotCaptured: Nothing waits.
            AnotherWitness: It waits for another, who is still there.
            PersonalDataInText: The reason names somebody by a number.
        """
        self._require_in_transit()
        captured = self.captured
        if captured is None:
            raise NotCaptured(self.id)
        if not witness_left:
            self._require_no_other_witness(discarded_by)
        require_no_personal_data(reason)
        self.trigger_event(
            self.SignatureDiscarded,
            act,
            batch_id=self.batch_id,
            number=self.number,
            organisation_id=self.organisation_id,
            image_sha256=captured.image_sha256,
            witness_id=captured.witness_id,
            reason=reason,
        )

    def require_captured_by(self, witness_id: UUID) -> Captured:
        """Return the signature that waits to be certified by this witness.

        Raises:
            NotInTransit: It was certified, or is not awaited any more.
            NotCaptured: Nobody signed.
            AnotherWitness: It was given under another's eyes.
        """
        self._require_in_transit()
        if self.captured is None:
            raise NotCaptured(self.id)
        self._require_no_other_witness(witness_id)
        return self.captured

    def sign(
        self,
        act: Act,
        *,
        own_name: bool,
        signed_at: str,
        image_sha256: str,
        sheet_sha256: str,
        witness_id: UUID,
    ) -> None:
        """Record the recipient's signature.

        Args:
            own_name: Whether the name that was signed is the recipient's; compared by the caller,
                who alone may open the sealed name.

        Raises:
            SignedForByAnother: It is another's name.
            NotInTransit: Signed for before, or never on its way.
            PaymentObjected: As it says.
            AnotherWitness: A signature waits that was given under another's eyes.
        """
        self._require_in_transit()
        self._require_unobjected(signed_at)
        if not own_name:
            raise SignedForByAnother(self.id)
        self._require_no_other_witness(witness_id)
        self.trigger_event(
            self.Signed,
            act,
            signed_at=signed_at,
            image_sha256=image_sha256,
            sheet_sha256=sheet_sha256,
            witness_id=witness_id,
            **self._money(),
        )

    def require_returned(self) -> None:
        if self.status not in NOT_PAID:
            raise NotReturned(self.id, self.status)

    def reissue(
        self,
        act: Act,
        *,
        parts: tuple[Part, ...],
        payee: Sealed,
        card_index: str | None,
        reason: str,
        name_put_right: Ground | None = None,
    ) -> None:
        """Record that it is paid again, with money drawn anew.

        Made again to the account that has the money already, as the bank says, it is settled by
        that word: nothing is sent to anybody a second time.

        Raises:
            NotReturned: It did not come back.
            HasArrived: The bank says that it arrived at another account before.
            PersonalDataInText: The reason names somebody by a number.
        """
        self.require_returned()
        there = [each for each in self.arrived if each.card_index == card_index]
        if self.arrived and not there:
            raise HasArrived(self.id, self.arrived[-1].attempt)
        require_no_personal_data(reason)
        self.trigger_event(
            self.Reissued,
            act,
            batch_id=self.batch_id,
            organisation_id=self.organisation_id,
            fund_id=self.fund_id,
            amount_fen=self.amount,
            parts=parts,
            payee=payee,
            card_index=card_index,
            reason=reason,
            name_put_right=None if name_put_right is None else name_put_right.value,
        )
        if there:
            self.settle(act, statement_id=there[-1].statement_id)

    def correct(self, act: Act, *, corrects_version: int, reason: str) -> None:
        """Take back the last outcome: a settlement or signature recorded by mistake.

        A correction is itself an outcome, so it can be corrected in turn. A return or a withdrawal
        is not taken back this way: its money is in the lots again, so the payment is reissued, or
        the money is drawn again first (`return_never_was`).

        Raises:
            NothingToCorrect: `corrects_version` is not the last outcome, or money came back by it.
            PersonalDataInText: The reason names somebody by a number.
        """
        before = self._before(corrects_version)
        if not NOT_PAID.isdisjoint({self.status, before}):
            raise NothingToCorrect(self.id, corrects_version)
        require_no_personal_data(reason)
        self.trigger_event(
            self.Corrected,
            act,
            corrects_version=corrects_version,
            was=self.status.value,
            now=before.value,
            reason=reason,
            **self._money(),
        )

    def return_never_was(
        self, act: Act, *, corrects_version: int, parts: tuple[Part, ...], reason: str
    ) -> None:
        """Take back a return that was recorded by mistake, with the money that was drawn again.

        Raises:
            NothingToCorrect: `corrects_version` is not the last outcome, or is no return.
            PersonalDataInText: The reason names somebody by a number.
        """
        before = self._before(corrects_version)
        if self.status is not Status.RETURNED:
            raise NothingToCorrect(self.id, corrects_version)
        require_no_personal_data(reason)
        self.trigger_event(
            self.Corrected,
            act,
            corrects_version=corrects_version,
            was=Status.IN_TRANSIT.value,
            now=before.value,
            reason=reason,
            draws_again=True,
            **{**self._money(), "parts": parts},
        )

    def _before(self, version: int) -> Status:
        if not self.outcomes or self.outcomes[-1][0] != version:
            raise NothingToCorrect(self.id, version)
        return self.outcomes[-1][1]

    def remember_outcome(self, version: int, status: Status) -> None:
        self.outcomes.append((version, self.status))
        self.unknown, self.doubted = False, None
        self.status = status

    def forget_arrival(self) -> None:
        """Remember that its account does not have the money, if it was made again on that word."""
        self.arrived = tuple(
            each
            for each in self.arrived
            if each.card_index != self.card_index or each.told_at > self.attempt
        )

    def _money(self) -> dict[str, object]:
        return {
            "organisation_id": self.organisation_id,
            "fund_id": self.fund_id,
            "amount_fen": self.amount,
            "parts": self.parts,
        }

    def _require_no_other_witness(self, witness_id: UUID) -> None:
        if self.captured is not None and self.captured.witness_id != witness_id:
            raise AnotherWitness(self.id, self.captured.witness_id)

    def _require_in_transit(self) -> None:
        if self.status is Status.WITHDRAWN:
            raise PaymentWithdrawn(self.id, self.status)
        if self.status is not Status.IN_TRANSIT:
            raise NotInTransit(self.id, self.status)

    def _signed_before(self, held_on: date, signed_at: str) -> bool:
        """Say whether a signature was given before an objection was upheld.

        Of an answer of the day on which it was recorded the moment is known. Of one that was
        recorded later, and of a signature without a time, only the day is: China's.
        """
        if len(signed_at) == DAY or day_in_china(self.held_at) != held_on:
            return day_in_china(signed_at) < held_on
        return read_moment(signed_at) < read_moment(self.held_at)

    def _require_unobjected(self, signed_at: str) -> None:
        stopped = self.stopped_by(signed_at)
        if stopped is not None:
            raise stopped


@lru_cache(maxsize=1)  # a payment that is instructed is asked for twice in a row
def disbursement_id(campaign_id: UUID, person_id: UUID) -> UUID:
    return stable_id("disbursement", campaign_id, person_id)

"""A case: what became of a finding, from doubt (疑点) to rectification and closing (销号)."""

from datetime import date
from enum import StrEnum
from uuid import UUID

import msgspec

from ledger.domain.aggregate import Act, Event, Root
from ledger.domain.clear_text import require_no_personal_data
from ledger.domain.values import Money, require_positive, require_writable, stable_id, yuan_text
from ledger.errors import Kind, LedgerError

TEXT_CHARACTERS_MAX = 1_000
DOCUMENTS_MAX = 20
"""Of one report: their hashes stand in one entry of the log."""


class Stage(StrEnum):
    """Where a case stands. `RECTIFIED` waits for somebody else to look, and to close it."""

    OPENED = "opened"
    VERIFYING = "verifying"
    DISMISSED = "dismissed"
    CONFIRMED = "confirmed"
    RECTIFYING = "rectifying"
    RECTIFIED = "rectified"
    CLOSED = "closed"


LIVE = frozenset(Stage) - {Stage.DISMISSED, Stage.CLOSED}
"""Stages in which something is still to be done."""

UNOWNED = frozenset({Stage.OPENED, Stage.CONFIRMED})
"""Stages in which somebody is to be named who does it."""

DATED = frozenset({Stage.VERIFYING, Stage.RECTIFYING})
"""Stages in which an officer owes something by a day."""

REDEMANDABLE = frozenset({Stage.CONFIRMED, Stage.RECTIFYING, Stage.RECTIFIED})


class CaseOpened(LedgerError):
    """A finding has one case, however often its rule is asked."""

    code = "case.opened_already"
    kind = Kind.CONFLICT

    def __init__(self, case_id: UUID) -> None:
        super().__init__(f"case {case_id} of this finding is there already")


class NotAtStage(LedgerError):
    """Each step of a case has its turn."""

    code = "case.not_at_stage"
    kind = Kind.CONFLICT

    def __init__(self, case_id: UUID, stage: str, wanted: str) -> None:
        super().__init__(f"case {case_id} is {stage}; for this it has to be {wanted}")


class DueDayPassed(LedgerError):
    """Whoever is asked for something is given time for it."""

    code = "case.due_day_passed"
    kind = Kind.INVALID

    def __init__(self, due_on: date, day: date) -> None:
        super().__init__(f"{due_on} lies before {day}")


class TextEmpty(LedgerError):
    """A ground or a measure says something, within bounds."""

    code = "case.text_empty"
    kind = Kind.INVALID

    def __init__(self, length: int) -> None:
        super().__init__(f"{length} characters, 1 to {TEXT_CHARACTERS_MAX} are needed")


class DocumentsTooMany(LedgerError):
    """A report names a bounded number of documents."""

    code = "case.documents_too_many"
    kind = Kind.INVALID

    def __init__(self, count: int) -> None:
        super().__init__(f"{count} documents, {DOCUMENTS_MAX} at most")


class NotOwner(LedgerError):
    """What was asked of one officer, another does not report as done."""

    code = "case.not_owner"
    kind = Kind.FORBIDDEN

    def __init__(self, case_id: UUID, officer: str) -> None:
        super().__init__(f"officer {officer} was not asked to rectify case {case_id}")


class SamePersonCloses(LedgerError):
    """Whoever rectified does not say that it is well done, nor writes off what was to come back.

    Source: 行政事业单位内部控制规范(试行) (财会〔2012〕21号), 不相容岗位相互分离.
    """

    code = "case.same_person"
    kind = Kind.FORBIDDEN

    def __init__(self, case_id: UUID, officer: str) -> None:
        super().__init__(f"officer {officer} had the rectification of case {case_id}")


class RecoveryOpen(LedgerError):
    """A case is closed once all that was to be paid back has come, or was written off."""

    code = "case.recovery_open"
    kind = Kind.CONFLICT

    def __init__(self, case_id: UUID, open_fen: Money) -> None:
        super().__init__(f"of case {case_id} {yuan_text(open_fen)} yuan are still to come back")


class MoreThanDemanded(LedgerError):
    """No more comes back of a case, or is written off, than was to be paid back."""

    code = "case.more_than_demanded"
    kind = Kind.INVALID

    def __init__(self, case_id: UUID, amount: Money, open_fen: Money) -> None:
        super().__init__(
            f"{yuan_text(amount)} yuan for case {case_id}, of which {yuan_text(open_fen)} are open"
        )


class DemandBelow(LedgerError):
    """What is demanded in all is no less than what came back or was written off."""

    code = "case.demand_below"
    kind = Kind.INVALID

    def __init__(self, case_id: UUID, demanded: Money, answered: Money) -> None:
        super().__init__(
            f"{yuan_text(demanded)} yuan demanded of case {case_id},"
            f" {yuan_text(answered)} were answered for"
        )


class Subject(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a finding is about. `organisation_id` is None for the ledger as a whole.

    How much was found is no part of it: it changes, and the case stays the same.
    """

    rule: str
    organisation_id: UUID | None
    campaign_id: UUID | None = None
    batch_id: UUID | None = None
    detail: str | None = None
    year: int | None = None
    position: int | None = None


class Extent(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """How much a finding came to: so many things since a day, and of money where it has an amount.

    A count of 0 says that the rule found it no more.
    """

    count: int
    amount_fen: Money | None
    since: str | None


class Case(Root):
    TOPIC = "case"

    class Opened(Event, frozen=True):
        """Somebody takes a finding up. `organisation_id` is who answers for it."""

        TOPIC = "case.opened"
        organisation_id: UUID
        subject: Subject
        severity: str
        extent: Extent
        note: str

        def apply(self, aggregate: "Case") -> None:
            aggregate.organisation_id = self.organisation_id
            aggregate.subject = self.subject
            aggregate.stage = Stage.OPENED
            aggregate.owner_id = None
            aggregate.rectified_by = None
            aggregate.demanded = aggregate.recovered = aggregate.written_off = Money(0)

    class Assigned(Event, frozen=True):
        """This officer is to find out by a day what is behind it (核实)."""

        TOPIC = "case.assigned"
        organisation_id: UUID
        owner_id: UUID
        due_on: date

        def apply(self, aggregate: "Case") -> None:
            aggregate.stage = Stage.VERIFYING
            aggregate.owner_id = self.owner_id

    class Dismissed(Event, frozen=True):
        """It is no problem, and why. `standing` is what the rule found at that moment."""

        TOPIC = "case.dismissed"
        organisation_id: UUID
        ground: str
        standing: Extent

        def apply(self, aggregate: "Case") -> None:
            aggregate.stage = Stage.DISMISSED
            aggregate.owner_id = None

    class Confirmed(Event, frozen=True):
        """It is a problem (问题), and why."""

        TOPIC = "case.confirmed"
        organisation_id: UUID
        ground: str

        def apply(self, aggregate: "Case") -> None:
            aggregate.stage = Stage.CONFIRMED
            aggregate.owner_id = None

    class RectificationDemanded(Event, frozen=True):
        """What is to be put right (整改), by whom and when; `recover_fen` in all is to come back.

        Once more where what was reported does not do.
        """

        TOPIC = "case.rectification_demanded"
        organisation_id: UUID
        measures: str
        owner_id: UUID
        due_on: date
        recover_fen: Money

        def apply(self, aggregate: "Case") -> None:
            aggregate.stage = Stage.RECTIFYING
            aggregate.owner_id = self.owner_id
            aggregate.demanded = self.recover_fen

    class Rectified(Event, frozen=True):
        """The officer who was asked says what was done; documents are named by their SHA-256."""

        TOPIC = "case.rectified"
        organisation_id: UUID
        report: str
        documents: tuple[str, ...]

        def apply(self, aggregate: "Case") -> None:
            aggregate.stage = Stage.RECTIFIED
            aggregate.rectified_by = self.actor
            aggregate.owner_id = None

    class Recovered(Event, frozen=True):
        """Money came back (追回): it stands in a fund account, as a lot of its own."""

        TOPIC = "case.recovered"
        organisation_id: UUID
        fund_id: UUID
        lot_id: UUID
        document: str
        amount_fen: Money

        def apply(self, aggregate: "Case") -> None:
            aggregate.recovered = Money(aggregate.recovered + self.amount_fen)

    class RecoveryWrittenOff(Event, frozen=True):
        """An approver gives up so much of what was to come back, and signs for it."""

        TOPIC = "case.recovery_written_off"
        COMMITS = True
        organisation_id: UUID
        amount_fen: Money
        ground: str

        def apply(self, aggregate: "Case") -> None:
            aggregate.written_off = Money(aggregate.written_off + self.amount_fen)

    class Closed(Event, frozen=True):
        """Somebody else looked at what was done, and it does (销号)."""

        TOPIC = "case.closed"
        organisation_id: UUID
        ground: str
        standing: Extent

        def apply(self, aggregate: "Case") -> None:
            aggregate.stage = Stage.CLOSED

    class Reopened(Event, frozen=True):
        """It came again, or more of it."""

        TOPIC = "case.reopened"
        organisation_id: UUID
        ground: str
        standing: Extent

        def apply(self, aggregate: "Case") -> None:
            aggregate.stage = Stage.OPENED
            aggregate.owner_id = None
            aggregate.rectified_by = None

    organisation_id: UUID
    subject: Subject
    stage: Stage
    owner_id: UUID | None
    rectified_by: str | None
    demanded: Money
    recovered: Money
    written_off: Money

    @property
    def open_recovery(self) -> Money:
        """What is still to come back."""
        return Money(self.demanded - self.recovered - self.written_off)

    @classmethod
    def open(
        cls,
        act: Act,
        *,
        organisation_id: UUID,
        subject: Subject,
        severity: str,
        extent: Extent,
        note: str,
    ) -> "Case":
        return cls.begin(
            cls.Opened,
            act,
            case_id(subject),
            organisation_id=organisation_id,
            subject=subject,
            severity=severity,
            extent=extent,
            note=_text(note) if note.strip() else "",
        )

    def assign(self, act: Act, *, owner_id: UUID, due_on: date) -> None:
        """Have an officer look into it, or another one instead.

        Raises:
            NotAtStage, DueDayPassed: As they say.
        """
        self._require(Stage.OPENED, Stage.VERIFYING)
        _require_ahead(act, due_on)
        self._record(self.Assigned, act, owner_id=owner_id, due_on=due_on)

    def dismiss(self, act: Act, *, ground: str, standing: Extent) -> None:
        self._require(Stage.VERIFYING)
        self._record(self.Dismissed, act, ground=_text(ground), standing=standing)

    def confirm(self, act: Act, *, ground: str) -> None:
        self._require(Stage.VERIFYING)
        self._record(self.Confirmed, act, ground=_text(ground))

    def demand(
        self, act: Act, *, measures: str, owner_id: UUID, due_on: date, recover: Money
    ) -> None:
        """Ask an officer to put it right, or once more; `recover` fen in all are to come back.

        Raises:
            NotAtStage, DueDayPassed, TextEmpty, PersonalDataInText, AmountTooLarge: As they say.
            DemandBelow: More than that came back already or was written off.
        """
        self._require(*REDEMANDABLE)
        _require_ahead(act, due_on)
        require_writable(recover)
        answered = Money(self.recovered + self.written_off)
        if recover < answered:
            raise DemandBelow(self.id, recover, answered)
        self._record(
            self.RectificationDemanded,
            act,
            measures=_text(measures),
            owner_id=owner_id,
            due_on=due_on,
            recover_fen=recover,
        )

    def rectify(self, act: Act, *, report: str, documents: tuple[str, ...]) -> None:
        """Say what was done.

        Raises:
            NotOwner: Another officer was asked.
            NotAtStage, TextEmpty, PersonalDataInText, DocumentsTooMany: As they say.
        """
        self._require(Stage.RECTIFYING)
        if act.actor != str(self.owner_id):
            raise NotOwner(self.id, act.actor)
        if len(documents) > DOCUMENTS_MAX:
            raise DocumentsTooMany(len(documents))
        self._record(self.Rectified, act, report=_text(report), documents=documents)

    def recover(
        self, act: Act, *, fund_id: UUID, lot_id: UUID, document: str, amount: Money
    ) -> None:
        """Record money that came back; the fund account takes it in with the same act.

        Raises:
            AmountNotPositive, AmountTooLarge, MoreThanDemanded: As they say.
        """
        self._require_open(amount)
        self._record(
            self.Recovered,
            act,
            fund_id=fund_id,
            lot_id=lot_id,
            document=document,
            amount_fen=amount,
        )

    def write_off(self, act: Act, *, amount: Money, ground: str) -> None:
        """Give up a part of what was to come back.

        Raises:
            SamePersonCloses: Whoever has or had the rectification does not.
            AmountNotPositive, AmountTooLarge, MoreThanDemanded: As they say.
        """
        self._require_another(act)
        self._require_open(amount)
        self._record(self.RecoveryWrittenOff, act, amount_fen=amount, ground=_text(ground))

    def close(self, act: Act, *, ground: str, standing: Extent) -> None:
        """Say that it was put right.

        Raises:
            NotAtStage, TextEmpty, PersonalDataInText: As they say.
            SamePersonCloses: Whoever rectified does not.
            RecoveryOpen: Money is still to come back.
        """
        self._require(Stage.RECTIFIED)
        self._require_another(act)
        if self.open_recovery:
            raise RecoveryOpen(self.id, self.open_recovery)
        self._record(self.Closed, act, ground=_text(ground), standing=standing)

    def reopen(self, act: Act, *, ground: str, standing: Extent) -> None:
        self._require(Stage.DISMISSED, Stage.CLOSED)
        self._record(self.Reopened, act, ground=_text(ground), standing=standing)

    def _record(self, event: type[Event], act: Act, **facts: object) -> None:
        self.trigger_event(event, act, organisation_id=self.organisation_id, **facts)

    def _require(self, *stages: Stage) -> None:
        if self.stage not in stages:
            raise NotAtStage(self.id, self.stage, "|".join(sorted(stages)))

    def _require_another(self, act: Act) -> None:
        if act.actor in (self.rectified_by, str(self.owner_id)):
            raise SamePersonCloses(self.id, act.actor)

    def _require_open(self, amount: Money) -> None:
        require_positive(amount)
        if amount > self.open_recovery:
            raise MoreThanDemanded(self.id, amount, self.open_recovery)


def case_id(subject: Subject) -> UUID:
    """Return the id of the one case of what a finding is about.

    It follows from the finding, so that both meet again whenever its rule is asked.
    """
    return stable_id("case", *(getattr(subject, name) for name in SUBJECT_ORDER))


SUBJECT_ORDER = (
    "rule",
    "organisation_id",
    "campaign_id",
    "batch_id",
    "year",
    "detail",
    "position",
)
"""Never to be changed: the ids of cases come from it."""


def _text(written: str) -> str:
    """Return what was written, without blanks around it.

    Raises:
        TextEmpty, PersonalDataInText: As they say.
    """
    text = written.strip()
    if not 1 <= len(text) <= TEXT_CHARACTERS_MAX:
        raise TextEmpty(len(text))
    require_no_personal_data(text)
    return text


def _require_ahead(act: Act, due_on: date) -> None:
    if due_on < act.happened_on:
        raise DueDayPassed(due_on, act.happened_on)

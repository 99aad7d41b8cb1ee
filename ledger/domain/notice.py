"""A public notice (公示) of a batch: what hangs where and how long, and who objected to it."""

from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum
from uuid import UUID

from ledger.domain.aggregate import Act, Event, Root
from ledger.domain.clear_text import require_no_personal_data
from ledger.domain.sealed import Sealed
from ledger.domain.values import Money, stable_id
from ledger.errors import Kind, LedgerError

DAYS_MAX = 60
"""A notice that hangs longer than two months is a slip of the finger."""

SHOWN_DAYS_MAX = 30
"""People are shown no longer than this after the period: the shortest time that the purpose needs.

Source: 个人信息保护法, article 19.
"""

OPEN_OBJECTIONS_MAX = 200
"""Anybody may object, and nothing in the log is ever deleted: a flood of them is stopped."""

TEXT_CHARACTERS_MAX = 1_000
WHO_CHARACTERS_MAX = 60


class DayUnit(StrEnum):
    """Which days a rule counts. Which days are worked is decided anew each year (国办发明电)."""

    NATURAL = "natural"
    WORKING = "working"


class NoticeRunning(LedgerError):
    """A batch has one notice at a time."""

    code = "notice.running"
    kind = Kind.CONFLICT

    def __init__(self, notice_id: UUID) -> None:
        super().__init__(f"notice {notice_id} of this batch is neither closed nor withdrawn")


class NothingToShow(LedgerError):
    """No row of the list stands, so there is nobody to show."""

    code = "notice.nothing_to_show"
    kind = Kind.INVALID

    def __init__(self, batch_id: UUID) -> None:
        super().__init__(f"batch {batch_id} has no row that stands")


class PutUpTooEarly(LedgerError):
    """A list hangs from the day on which it was drawn up, at the earliest."""

    code = "notice.before_list"
    kind = Kind.INVALID

    def __init__(self, batch_id: UUID, drafted_on: date, happened_on: date) -> None:
        super().__init__(f"batch {batch_id} was drafted on {drafted_on}: {happened_on} is before")


class PeriodWrong(LedgerError):
    """A period is some days long, and its last day follows from them or is not before they are up.

    Which days are worked stands in no table here: whoever counts working days says the last one.
    """

    code = "notice.period_wrong"
    kind = Kind.INVALID

    def __init__(self, days: int, unit: str, last_day: date | None) -> None:
        super().__init__(f"{days} {unit} days do not end on {last_day}")


class ShownTooLong(LedgerError):
    """People are shown no longer than objections can still come of it."""

    code = "notice.shown_too_long"
    kind = Kind.INVALID

    def __init__(self, days: int) -> None:
        super().__init__(f"{days} days after the period, {SHOWN_DAYS_MAX} at most")


class NotRunning(LedgerError):
    """Objections are raised while the notice hangs."""

    code = "notice.not_running"
    kind = Kind.CONFLICT

    def __init__(self, notice_id: UUID, last_day: date) -> None:
        super().__init__(f"notice {notice_id} takes no objections any more; it ran to {last_day}")


class NoticeEnded(LedgerError):
    """What was closed or withdrawn stays so."""

    code = "notice.ended"
    kind = Kind.CONFLICT

    def __init__(self, notice_id: UUID) -> None:
        super().__init__(f"notice {notice_id} was closed or withdrawn")


class PeriodRuns(LedgerError):
    """A notice hangs for the whole of its period."""

    code = "notice.period_runs"
    kind = Kind.CONFLICT

    def __init__(self, notice_id: UUID, last_day: date, day: date) -> None:
        super().__init__(f"notice {notice_id} runs to the end of {last_day}, today is {day}")


class ObjectionsOpen(LedgerError):
    """Every objection is answered before a notice is closed."""

    code = "notice.objections_open"
    kind = Kind.CONFLICT

    def __init__(self, notice_id: UUID, count: int) -> None:
        super().__init__(f"objections to notice {notice_id} that nobody has answered: {count}")


class ObjectionUnknown(LedgerError):
    """The notice has no objection of this number."""

    code = "notice.objection_unknown"
    kind = Kind.ABSENT

    def __init__(self, notice_id: UUID, number: int) -> None:
        super().__init__(f"notice {notice_id} has no objection {number}")


class AnsweredAlready(LedgerError):
    """An objection is answered once."""

    code = "notice.objection_answered"
    kind = Kind.CONFLICT

    def __init__(self, notice_id: UUID, number: int) -> None:
        super().__init__(f"objection {number} to notice {notice_id} was answered")


class ObjectionEmpty(LedgerError):
    """An objection says something."""

    code = "notice.objection_empty"
    kind = Kind.INVALID

    def __init__(self) -> None:
        super().__init__("the objection has no text")


class ObjectionTooLong(LedgerError):
    """An objection is bounded: what needs more room is handed in on paper."""

    code = "notice.objection_too_long"
    kind = Kind.INVALID

    def __init__(self, length: int, most: int) -> None:
        super().__init__(f"{length} characters, {most} at most")


class ObjectionsTooMany(LedgerError):
    """So many wait for an answer that no more are taken here; they are handed in on paper."""

    code = "notice.objections_too_many"
    kind = Kind.CONFLICT

    def __init__(self, notice_id: UUID) -> None:
        super().__init__(f"{OPEN_OBJECTIONS_MAX} objections to notice {notice_id} are unanswered")


class SamePersonAnswers(LedgerError):
    """Whoever drew up the list or put it up neither reads nor judges what is said against it.

    Source: 行政事业单位内部控制规范(试行) (财会〔2012〕21号), 不相容岗位分离.
    """

    code = "notice.same_person"
    kind = Kind.FORBIDDEN

    def __init__(self, notice_id: UUID, officer_id: UUID) -> None:
        super().__init__(f"officer {officer_id} drew up or put up the list of notice {notice_id}")


@dataclass(frozen=True, slots=True)
class Period:
    """How long a notice hangs, as the rule it follows counts it.

    `last_day` is named where working days are counted; `shown_days` is how many days after it the
    people are still shown.
    """

    days: int
    unit: DayUnit
    last_day: date | None
    shown_days: int
    source: str
    confidence: str

    def ends(self, opened_on: date) -> date:
        """Return the last day; the day on which it is put up does not count.

        Raises:
            PeriodWrong: No such period.
            ShownTooLong: As it says.

        Source: 民法典, article 201.
        """
        if not 0 <= self.shown_days <= SHOWN_DAYS_MAX:
            raise ShownTooLong(self.shown_days)
        if not 1 <= self.days <= DAYS_MAX:
            raise PeriodWrong(self.days, self.unit, self.last_day)
        earliest = opened_on + timedelta(days=self.days)
        if self.unit is DayUnit.NATURAL:
            if self.last_day not in (None, earliest):
                raise PeriodWrong(self.days, self.unit, self.last_day)
            return earliest
        latest = opened_on + timedelta(days=2 * DAYS_MAX)
        if self.last_day is None or not earliest <= self.last_day <= latest:
            raise PeriodWrong(self.days, self.unit, self.last_day)
        return self.last_day


@dataclass(frozen=True, slots=True)
class Listed:
    """The list that is shown, as it stood: its hash is over number, person and amount."""

    batch_id: UUID
    organisation_id: UUID
    campaign_id: UUID
    drafted_on: date
    list_sha256: str
    count: int
    total: Money


@dataclass(frozen=True, slots=True)
class Objection:
    number: int
    row_number: int | None
    subject_id: UUID
    details: Sealed
    upheld: bool | None = None
    answered_as: UUID | None = None  # whose key seals the answer: another's, once it was erased
    answer: Sealed | None = None


class Notice(Root):
    """One notice of a batch; its `number` counts them. A batch has one at a time."""

    TOPIC = "notice"

    class Opened(Event, frozen=True):
        """The list was put up: which, where, from when to when, and by which rule."""

        TOPIC = "notice.opened"
        batch_id: UUID
        organisation_id: UUID
        campaign_id: UUID
        number: int
        list_sha256: str
        listed_count: int
        listed_total_fen: Money
        period_days: int
        period_unit: str
        last_day: date
        shown_until: date
        source: str
        confidence: str
        place: str
        contact: str
        opened_by: UUID

        def apply(self, aggregate: "Notice") -> None:
            aggregate.batch_id = self.batch_id
            aggregate.organisation_id = self.organisation_id
            aggregate.opened_on = self.happened_on
            aggregate.last_day = self.last_day
            aggregate.shown_until = self.shown_until
            aggregate.opened_by = self.opened_by
            aggregate.objections = {}
            aggregate.ended = False

    class ObjectionRaised(Event, frozen=True):
        """Somebody objects. Who, and what they say, is sealed under a key of its own."""

        TOPIC = "notice.objection_raised"
        batch_id: UUID
        organisation_id: UUID
        number: int
        row_number: int | None
        anonymous: bool
        entered_by: UUID | None
        subject_id: UUID
        details: Sealed

        def apply(self, aggregate: "Notice") -> None:
            aggregate.objections[self.number] = Objection(
                self.number, self.row_number, self.subject_id, self.details
            )

    class ObjectionRead(Event, frozen=True):
        """An officer read an objection in clear, to answer it or to look into it."""

        TOPIC = "notice.objection_read"
        number: int
        subject_id: UUID
        read_by: UUID
        reason: str

    class ObjectionAnswered(Event, frozen=True):
        """Upheld: its row falls, where the batch was not approved yet. Or dismissed. Why is sealed.

        `row_withdrawn` says whether the row fell with it; where it did not, money is under way.
        """

        TOPIC = "notice.objection_answered"
        batch_id: UUID
        organisation_id: UUID
        number: int
        upheld: bool
        row_number: int | None
        row_withdrawn: bool
        answered_by: UUID
        subject_id: UUID
        answer: Sealed

        def apply(self, aggregate: "Notice") -> None:
            aggregate.objections[self.number] = replace(
                aggregate.objections[self.number],
                upheld=self.upheld,
                answered_as=self.subject_id,
                answer=self.answer,
            )

    class Closed(Event, frozen=True):
        """The period is over, and no objection is open."""

        TOPIC = "notice.closed"
        batch_id: UUID
        organisation_id: UUID
        objections_count: int
        upheld_count: int
        closed_by: UUID

        def apply(self, aggregate: "Notice") -> None:
            aggregate.ended = True

    class Withdrawn(Event, frozen=True):
        """Taken down before its time; it does not count."""

        TOPIC = "notice.withdrawn"
        batch_id: UUID
        organisation_id: UUID
        withdrawn_by: UUID
        reason: str

        def apply(self, aggregate: "Notice") -> None:
            aggregate.ended = True

    batch_id: UUID
    organisation_id: UUID
    opened_on: date
    last_day: date
    shown_until: date
    opened_by: UUID
    objections: dict[int, Objection]
    ended: bool

    @classmethod
    def open(
        cls,
        act: Act,
        listed: Listed,
        period: Period,
        *,
        number: int,
        place: str,
        contact: str,
        opened_by: UUID,
    ) -> "Notice":
        """Put a list up.

        Raises:
            NothingToShow, PutUpTooEarly, PeriodWrong, ShownTooLong: As they say.
        """
        if not listed.count:
            raise NothingToShow(listed.batch_id)
        if act.happened_on < listed.drafted_on:
            raise PutUpTooEarly(listed.batch_id, listed.drafted_on, act.happened_on)
        last_day = period.ends(act.happened_on)
        return cls.begin(
            cls.Opened,
            act,
            notice_id(listed.batch_id, number),
            batch_id=listed.batch_id,
            organisation_id=listed.organisation_id,
            campaign_id=listed.campaign_id,
            number=number,
            list_sha256=listed.list_sha256,
            listed_count=listed.count,
            listed_total_fen=listed.total,
            period_days=period.days,
            period_unit=period.unit.value,
            last_day=last_day,
            shown_until=last_day + timedelta(days=period.shown_days),
            source=period.source,
            confidence=period.confidence,
            place=place,
            contact=contact,
            opened_by=opened_by,
        )

    @property
    def next_number(self) -> int:
        return len(self.objections) + 1

    def require_objectable(self, day: date, entered_by: UUID | None = None) -> None:
        """Check that objections are taken on a day; how many wait does not bind an officer.

        Raises:
            NotRunning: The notice has ended, or its period is over.
            ObjectionsTooMany: As it says.
        """
        if self.ended or not self.opened_on <= day <= self.last_day:
            raise NotRunning(self.id, self.last_day)
        if entered_by is None and self._unanswered >= OPEN_OBJECTIONS_MAX:
            raise ObjectionsTooMany(self.id)

    def raise_objection(
        self,
        act: Act,
        *,
        row_number: int | None,
        anonymous: bool,
        entered_by: UUID | None,
        subject_id: UUID,
        details: Sealed,
    ) -> None:
        self.require_objectable(act.happened_on, entered_by)
        self.trigger_event(
            self.ObjectionRaised,
            act,
            batch_id=self.batch_id,
            organisation_id=self.organisation_id,
            number=self.next_number,
            row_number=row_number,
            anonymous=anonymous,
            entered_by=entered_by,
            subject_id=subject_id,
            details=details,
        )

    def read_objection(self, act: Act, *, number: int, read_by: UUID, reason: str) -> None:
        subject_id = self.objection(number).subject_id
        require_no_personal_data(reason)
        self.trigger_event(
            self.ObjectionRead,
            act,
            number=number,
            subject_id=subject_id,
            read_by=read_by,
            reason=reason,
        )

    def objection(self, number: int) -> Objection:
        """Return an objection.

        Raises:
            ObjectionUnknown: There is none of this number.
        """
        found = self.objections.get(number)
        if found is None:
            raise ObjectionUnknown(self.id, number)
        return found

    def unanswered(self, number: int) -> Objection:
        """Return an objection that waits for its answer, though its notice was taken down since.

        Raises:
            ObjectionUnknown, AnsweredAlready: As they say.
        """
        found = self.objection(number)
        if found.upheld is not None:
            raise AnsweredAlready(self.id, number)
        return found

    def require_another(self, officer: UUID, drafted_by: UUID) -> None:
        """Check that whoever reads or judges objections neither drew the list up nor put it up.

        Raises:
            SamePersonAnswers: They did.
        """
        if officer in (self.opened_by, drafted_by):
            raise SamePersonAnswers(self.id, officer)

    def answer_objection(
        self,
        act: Act,
        *,
        number: int,
        upheld: bool,
        row_number: int | None,
        row_withdrawn: bool,
        answered_by: UUID,
        subject_id: UUID,
        answer: Sealed,
    ) -> None:
        self.unanswered(number)
        self.trigger_event(
            self.ObjectionAnswered,
            act,
            batch_id=self.batch_id,
            organisation_id=self.organisation_id,
            number=number,
            upheld=upheld,
            row_number=row_number,
            row_withdrawn=row_withdrawn,
            answered_by=answered_by,
            subject_id=subject_id,
            answer=answer,
        )

    def close(self, act: Act, *, closed_by: UUID) -> None:
        """End the notice.

        Raises:
            NoticeEnded, PeriodRuns, ObjectionsOpen: As they say.
        """
        self._require_going_on()
        if act.happened_on <= self.last_day:
            raise PeriodRuns(self.id, self.last_day, act.happened_on)
        if self._unanswered:
            raise ObjectionsOpen(self.id, self._unanswered)
        self.trigger_event(
            self.Closed,
            act,
            batch_id=self.batch_id,
            organisation_id=self.organisation_id,
            objections_count=len(self.objections),
            upheld_count=sum(bool(each.upheld) for each in self.objections.values()),
            closed_by=closed_by,
        )

    def withdraw(self, act: Act, *, withdrawn_by: UUID, drafted_by: UUID, reason: str) -> None:
        """Take the notice down; objections to it wait for their answers all the same.

        Raises:
            NoticeEnded: As it says.
            SamePersonAnswers: Some are open, and they are against a list of one's own.
            PersonalDataInText: The reason names somebody by a number.
        """
        self._require_going_on()
        require_no_personal_data(reason)
        if self._unanswered:
            self.require_another(withdrawn_by, drafted_by)
        self.trigger_event(
            self.Withdrawn,
            act,
            batch_id=self.batch_id,
            organisation_id=self.organisation_id,
            withdrawn_by=withdrawn_by,
            reason=reason,
        )

    @property
    def _unanswered(self) -> int:
        return sum(each.upheld is None for each in self.objections.values())

    def _require_going_on(self) -> None:
        if self.ended:
            raise NoticeEnded(self.id)


def require_sayable(text: str, *who: str) -> None:
    """Check what an objector wrote: something, and not too much.

    Raises:
        ObjectionEmpty, ObjectionTooLong: As they say.
    """
    if not text.strip():
        raise ObjectionEmpty
    for written, most in (
        (text, TEXT_CHARACTERS_MAX),
        *((each, WHO_CHARACTERS_MAX) for each in who),
    ):
        if len(written) > most:
            raise ObjectionTooLong(len(written), most)


def notice_id(batch_id: UUID, number: int) -> UUID:
    return stable_id("notice", batch_id, number)

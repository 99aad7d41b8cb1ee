"""Public notices: their period, who may object, who answers, and what ends them."""

from dataclasses import replace
from datetime import date, timedelta
from uuid import UUID, uuid5

import pytest

from ledger.domain.clear_text import PersonalDataInText
from ledger.domain.filing import Filing
from ledger.domain.notice import (
    OPEN_OBJECTIONS_MAX,
    TEXT_CHARACTERS_MAX,
    AnsweredAlready,
    DayUnit,
    Listed,
    NothingToShow,
    Notice,
    NoticeEnded,
    NotRunning,
    ObjectionEmpty,
    ObjectionsOpen,
    ObjectionsTooMany,
    ObjectionTooLong,
    ObjectionUnknown,
    Period,
    PeriodRuns,
    PeriodWrong,
    PutUpTooEarly,
    SamePersonAnswers,
    ShownTooLong,
    require_sayable,
)
from ledger.domain.sealed import Sealed
from ledger.domain.values import Money
from ledger.errors import LedgerError
from tests.domain.acting import memory, on, replayed

HANDLER, REVIEWER, DRAFTER = (uuid5(UUID(int=0), name) for name in "HRD")
SEALED = Sealed(ciphertext="c", commitment="00" * 32)
SUBJECT = uuid5(UUID(int=0), "objector")
OPENED = date(2017, 1, 9)
LISTED = Listed(UUID(int=1), UUID(int=2), UUID(int=3), OPENED, "ab" * 32, 2, Money(1_000))


def period(
    days: int = 5, unit: DayUnit = DayUnit.NATURAL, last: date | None = None, shown: int = 3
) -> Period:
    return Period(days, unit, last, shown, "公示办法 第三条", "stated")


def opened(asked: Period | None = None, listed: Listed = LISTED) -> Notice:
    return Notice.open(
        on(OPENED),
        listed,
        asked or period(),
        number=1,
        place="门户网站",
        contact="0551-00000000",
        opened_by=HANDLER,
    )


def objected(notice: Notice, day: date = OPENED, entered_by: UUID | None = None) -> int:
    number = notice.next_number
    notice.raise_objection(
        on(day),
        row_number=1,
        anonymous=True,
        entered_by=entered_by,
        subject_id=SUBJECT,
        details=SEALED,
    )
    return number


def answer(notice: Notice, number: int, *, upheld: bool = False) -> None:
    notice.answer_objection(
        on(OPENED),
        number=number,
        upheld=upheld,
        row_number=None,
        row_withdrawn=False,
        answered_by=REVIEWER,
        subject_id=SUBJECT,
        answer=SEALED,
    )


def test_the_day_on_which_it_is_put_up_does_not_count() -> None:
    [event] = opened().collect_events()

    assert isinstance(event, Notice.Opened)
    assert (event.last_day, event.shown_until) == (date(2017, 1, 14), date(2017, 1, 17))
    assert (event.period_days, event.period_unit) == (5, "natural")
    assert (event.source, event.confidence) == ("公示办法 第三条", "stated")


def test_whoever_counts_working_days_says_which_is_the_last() -> None:
    notice = opened(period(5, DayUnit.WORKING, date(2017, 1, 16)))

    assert notice.last_day == date(2017, 1, 16)


@pytest.mark.parametrize(
    ("asked", "refusal"),
    [
        (period(0), PeriodWrong),
        (period(61), PeriodWrong),
        (period(5, last=date(2017, 1, 13)), PeriodWrong),
        (period(5, DayUnit.WORKING), PeriodWrong),
        (period(5, DayUnit.WORKING, date(2017, 1, 13)), PeriodWrong),
        (period(5, DayUnit.WORKING, date(2018, 1, 13)), PeriodWrong),
        (period(shown=-1), ShownTooLong),
        (period(shown=31), ShownTooLong),
    ],
)
def test_a_period_that_is_none_is_refused(asked: Period, refusal: type[LedgerError]) -> None:
    with pytest.raises(refusal):
        opened(asked)


def test_a_list_without_rows_is_not_put_up() -> None:
    with pytest.raises(NothingToShow):
        opened(listed=replace(LISTED, count=0, total=Money(0)))


def test_a_list_does_not_hang_before_it_was_drawn_up() -> None:
    with pytest.raises(PutUpTooEarly, match="2017-01-09"):
        opened(listed=replace(LISTED, drafted_on=date(2017, 1, 10)))


def test_objections_are_taken_to_the_end_of_the_last_day() -> None:
    notice = opened()
    objected(notice, date(2017, 1, 14))

    for day in (date(2017, 1, 15), OPENED - timedelta(days=1)):
        with pytest.raises(NotRunning):
            objected(notice, day)

    notice.withdraw(on(OPENED), withdrawn_by=REVIEWER, drafted_by=DRAFTER, reason="名单有误")
    with pytest.raises(NotRunning):
        objected(notice)


def test_a_flood_of_objections_is_stopped() -> None:
    notice = opened()
    for _ in range(OPEN_OBJECTIONS_MAX):
        objected(notice)

    with pytest.raises(ObjectionsTooMany):
        objected(notice)

    told = notice.next_number
    objected(notice, entered_by=HANDLER)
    assert notice.objection(told).upheld is None, "an officer enters it all the same"
    answer(notice, 1)
    answer(notice, 2)
    assert objected(notice) == told + 1


def test_a_notice_is_closed_when_its_period_is_over_and_nothing_is_open() -> None:
    notice = opened()
    number = objected(notice)

    with pytest.raises(PeriodRuns):
        notice.close(on(date(2017, 1, 14)), closed_by=HANDLER)
    with pytest.raises(ObjectionsOpen):
        notice.close(on(date(2017, 1, 15)), closed_by=HANDLER)
    answer(notice, number, upheld=True)
    notice.close(on(date(2017, 1, 15)), closed_by=HANDLER)

    closed = notice.collect_events()[-1]
    assert isinstance(closed, Notice.Closed)
    assert (closed.objections_count, closed.upheld_count) == (1, 1)
    with pytest.raises(NoticeEnded):
        notice.close(on(date(2017, 1, 15)), closed_by=HANDLER)
    with pytest.raises(NoticeEnded):
        notice.withdraw(on(OPENED), withdrawn_by=HANDLER, drafted_by=DRAFTER, reason="名单有误")


def test_an_objection_is_answered_once_and_after_it_was_taken_down_too() -> None:
    notice = opened()
    first, second = objected(notice), objected(notice)
    answer(notice, first)

    with pytest.raises(AnsweredAlready):
        answer(notice, first)
    with pytest.raises(ObjectionUnknown):
        answer(notice, 9)
    notice.withdraw(on(OPENED), withdrawn_by=REVIEWER, drafted_by=DRAFTER, reason="名单有误")
    answer(notice, second)
    with pytest.raises(AnsweredAlready):
        answer(notice, second)


def test_whose_list_it_is_does_not_take_it_down_over_open_objections() -> None:
    notice = opened()
    number = objected(notice)

    for officer in (HANDLER, DRAFTER):
        with pytest.raises(SamePersonAnswers):
            notice.withdraw(on(OPENED), withdrawn_by=officer, drafted_by=DRAFTER, reason="有误")
    answer(notice, number)
    notice.withdraw(on(OPENED), withdrawn_by=HANDLER, drafted_by=DRAFTER, reason="有误")
    assert notice.ended


def test_no_reason_that_stands_in_clear_names_anybody_by_a_number() -> None:
    notice = opened()
    objected(notice)
    told = "核对 340103199001011234"
    filing = Filing.begin_with(
        on(OPENED),
        campaign_id=LISTED.campaign_id,
        organisation_id=LISTED.organisation_id,
        name="签字表",
        due_on=OPENED,
        document_sha256="ab" * 32,
        handed_in_by=HANDLER,
    )

    with pytest.raises(PersonalDataInText):
        notice.read_objection(on(OPENED), number=1, read_by=REVIEWER, reason=told)
    with pytest.raises(PersonalDataInText):
        notice.withdraw(on(OPENED), withdrawn_by=REVIEWER, drafted_by=DRAFTER, reason=told)
    with pytest.raises(PersonalDataInText):
        filing.send_back(on(OPENED), sent_back_by=REVIEWER, reason=told)


def test_neither_who_drew_it_up_nor_who_put_it_up_answers() -> None:
    notice = opened()

    for officer in (HANDLER, DRAFTER):
        with pytest.raises(SamePersonAnswers):
            notice.require_another(officer, DRAFTER)
    notice.require_another(REVIEWER, DRAFTER)


def test_an_objection_says_something_and_not_too_much() -> None:
    require_sayable("有异议", "张三", "")
    for empty in ("", " \n "):
        with pytest.raises(ObjectionEmpty):
            require_sayable(empty)
    with pytest.raises(ObjectionTooLong):
        require_sayable("字" * (TEXT_CHARACTERS_MAX + 1))
    with pytest.raises(ObjectionTooLong):
        require_sayable("有异议", "名" * 61)


def test_a_replayed_notice_remembers_what_the_living_one_does() -> None:
    notice = opened()
    answer(notice, objected(notice), upheld=True)
    notice.read_objection(on(OPENED), number=1, read_by=REVIEWER, reason="答复异议")

    assert memory(replayed(list(notice.pending))) == memory(notice)

"""Rules over people, cards, amounts, bank lines, decisions, the log: what fires, what must not."""

from dataclasses import replace
from datetime import date, timedelta
from uuid import UUID

import msgspec
import pytest

from ledger.commands import (
    bank_matching,
    batches,
    disbursements,
    officer_keys,
    policies,
    recipients,
)
from ledger.commands.bank_matching import LineChosen
from ledger.commands.filings import HandingIn, hand_in
from ledger.commands.notices import (
    Answering,
    Opening,
    Raising,
    answer_objection,
    open_notice,
    raise_objection,
)
from ledger.commands.statements import ReturnFile, receive_statement
from ledger.domain.bank_statement import AsideByOneself, BankStatement, LineDecided, LineState
from ledger.domain.batch import batch_id
from ledger.domain.notice import DayUnit, Period, notice_id
from ledger.domain.officer import Role
from ledger.domain.organisation import organisation_id
from ledger.domain.policy import Channel, Deadline
from ledger.files.archive import ArchiveRow
from ledger.files.bank import BankReturn, Lists
from ledger.store.application import Work
from projections.asked import NOW, Moment
from projections.findings.aside import ASIDE, in_order
from projections.findings.asked import Patience, Verification
from projections.findings.catalogue import RULES_KNOWN
from projections.findings.finding import Finding, Severity
from projections.findings.integrity import broken
from projections.findings.rules import Evaluated, findings
from projections.findings.versions import EARLIER
from projections.runner import catch_up
from tests.commands.banking import BEGINS, Bank, entry, statement
from tests.projections.test_findings import asked_of
from tests.world import (
    CAMPAIGN,
    CARD_CLASS,
    DAY,
    EARMARK,
    MODEL_CLASS,
    POLICY,
    Person,
    World,
    failed,
    roster,
    roster_row,
    settled,
    terms,
)

ONE, TWO, THREE = Person(1), Person(2), Person(3)
X01, X02 = organisation_id("X01"), organisation_id("X02")
LATER, MONTH_END = date(2017, 2, 20), date(2017, 1, 31)
SUMMER = "2017-summer"


@pytest.fixture
def world(world: World) -> World:
    world.receive("X01", 10_000_000)
    world.file(ONE, TWO, THREE)
    return world


def found(
    world: World,
    rule: str,
    day: date = LATER,
    moment: Moment = NOW,
    patience: Patience | None = None,
) -> list[Finding]:
    with catch_up(world.ledger, world.home.read_models).asking() as model:
        asked = replace(asked_of(world, model, day, moment), patience=patience or Patience())
        return [each for each in findings(asked) if each.rule == rule]


def told(found: list[Finding]) -> list[tuple[UUID | None, int, int | None]]:
    return [(each.organisation_id, each.count, each.amount_fen) for each in found]


def next_campaign(world: World, starts: date) -> None:
    opening = policies.CampaignOpening(
        SUMMER, "夏送清凉", starts, starts + timedelta(days=30), 2017, POLICY
    )
    policies.open_campaign(world.ledger, world.act(), opening)


def pay_in_summer(
    world: World,
    person: Person,
    amount: int,
    day: date,
    union: str = "X01",
    category: str = CARD_CLASS,
    code: str = "SUMMER",
) -> None:
    order = batches.Draft(
        code,
        SUMMER,
        union,
        EARMARK,
        Channel.BANK_CARD,
        "unionpay-df",
        f"H-{union}",
        replace(roster(roster_row(1, person, amount, category)), sha256="cc" * 32),
    )
    batches.draft_batch(world.ledger, world.act(f"H-{union}", day), order)
    world.review(code, f"R-{union}", day)
    world.approve(code, f"A-{union}", day)


def enter(world: World, person: Person, number: str, union: str, opened: date, card: str) -> None:
    row = ArchiveRow(
        line=1,
        file_number=number,
        organisation_code=union,
        category=CARD_CLASS,
        opened_on=opened,
        closed_on=None,
        monthly_income_fen=100_000,
        name=person.name,
        id_number=person.id_number,
        phone=person.phone,
        reason="大病",
        bank_name="徽商银行",
        card_number=card,
    )
    recipients.enter_archive(world.ledger, world.act(), [row])


def test_one_person_in_two_live_files_is_told_to_both_unions(world: World) -> None:
    assert found(world, "A9") == []
    enter(world, ONE, "OTHER", "X02", date(2016, 6, 1), ONE.card)
    known = Moment(at=world.ledger.size() - 1)

    assert set(told(found(world, "A9"))) == {(X01, 2, None), (X02, 2, None)}
    assert found(world, "A9", date(2016, 5, 1)) == []
    person = world.ledger.vault.subject_id("id_number", ONE.id_number)
    recipients.close_file(world.ledger, world.act(), person, "OTHER", "重复建档")
    assert found(world, "A9") == []
    assert len(found(world, "A9", moment=known)) == 2


def test_what_a_person_got_in_a_year_counts_over_campaigns_and_not_what_came_back(
    world: World,
) -> None:
    world.pay("B1", roster_row(1, ONE, 400_000), roster_row(2, TWO, 500_000))
    next_campaign(world, date(2017, 7, 1))
    assert found(world, "B3") == []
    pay_in_summer(world, ONE, 300_000, date(2017, 7, 2))

    [over] = found(world, "B3")
    assert told([over]) == [(X01, 2, 700_000)]
    assert (over.severity, over.year, len(over.payment_ids)) == (Severity.ERROR, 2017, 2)
    assert found(world, "B3", patience=Patience(yearly_maximum_fen=700_000)) == []
    world.answer("B1", failed(1, ONE, 400_000), settled(2, TWO, 500_000))
    assert found(world, "B3") == []


def test_paid_again_in_a_short_time_from_elsewhere_is_a_doubt(world: World) -> None:
    world.pay("B1", roster_row(1, ONE, 60_000), roster_row(2, TWO, 60_000))
    next_campaign(world, date(2017, 2, 1))
    world.receive("X02", 500_000)
    pay_in_summer(world, ONE, 70_000, date(2017, 2, 2), "X02")

    assert set(told(found(world, "E2"))) == {(X01, 2, 130_000), (X02, 2, 130_000)}
    assert found(world, "E2", patience=Patience(again_days=20)) == []
    assert found(world, "E2", moment=Moment(date(2017, 2, 1))) == []


def test_paid_twice_for_the_same_by_one_union_is_a_doubt_also_out_of_the_same_money(
    world: World,
) -> None:
    world.pay("B1", roster_row(1, ONE, 60_000))
    next_campaign(world, DAY)
    pay_in_summer(world, ONE, 70_000, DAY)

    [again] = found(world, "E2")
    assert (told([again]), again.since) == ([(X01, 2, 130_000)], DAY.isoformat())
    assert (again.severity, len(again.payment_ids)) == (Severity.WARNING, 2)
    assert as_it_was(world, "E2") == []
    disbursements.withdraw_payment(world.ledger, world.act(), world.payment_id(ONE), "本人已调离")
    assert found(world, "E2") == []


def test_two_kinds_of_help_by_one_union_out_of_the_same_money_are_none(world: World) -> None:
    """因困施助: somebody in need, and once more as a model worker; and a season later."""
    world.pay("B1", roster_row(1, ONE, 60_000), roster_row(2, TWO, 60_000))
    next_campaign(world, date(2017, 2, 1))
    pay_in_summer(world, ONE, 95_000, date(2017, 2, 2), category=MODEL_CLASS)
    pay_in_summer(world, TWO, 70_000, date(2017, 3, 20), code="AUTUMN")

    assert found(world, "E2", date(2017, 3, 31)) == []
    assert told(found(world, "E2", patience=Patience(again_days=90))) == [(X01, 2, 130_000)]


def test_what_was_paid_again_counts_in_the_year_in_which_it_was(world: World) -> None:
    december = date(2016, 12, 20)
    world.receive("X01", 300_000, day=december)
    world.draft("B1", roster_row(1, ONE, 300_000), day=december)
    world.review("B1", day=december)
    world.approve("B1", day=december)
    next_campaign(world, date(2017, 7, 1))
    pay_in_summer(world, ONE, 400_000, date(2017, 7, 2))
    assert found(world, "B3") == []
    world.answer("B1", failed(1, ONE, 300_000))
    before = Moment(at=world.ledger.size() - 1)
    reissue(world, ONE, ONE.card, date(2017, 1, 12))

    [over] = found(world, "B3")
    assert (told([over]), over.year) == ([(X01, 2, 700_000)], 2017)
    assert set(over.payment_ids) >= {world.payment_id(ONE)}
    assert found(world, "B3", moment=before) == []
    assert found(world, "B3", moment=Moment(date(2017, 1, 11))) == []
    assert as_it_was(world, "B3") == []


def test_what_was_paid_again_is_near_what_was_paid_then(world: World) -> None:
    world.receive("X02", 500_000)
    world.pay("B1", roster_row(1, ONE, 60_000))
    next_campaign(world, date(2017, 4, 1))
    pay_in_summer(world, ONE, 70_000, date(2017, 4, 2), "X02")
    assert found(world, "E2") == []
    world.answer("B1", failed(1, ONE, 60_000))
    reissue(world, ONE, ONE.card, date(2017, 3, 20))

    assert set(told(found(world, "E2"))) == {(X01, 2, 130_000), (X02, 2, 130_000)}
    assert as_it_was(world, "E2", 1) == []


def test_of_what_was_paid_again_the_money_of_the_last_time_counts(world: World) -> None:
    world.receive("X01", 60_000, 2015)
    world.pay("B1", roster_row(1, ONE, 60_000))
    world.answer("B1", failed(1, ONE, 60_000))
    world.pay("B2", roster_row(1, TWO, 60_000))
    next_campaign(world, date(2017, 2, 1))
    pay_in_summer(world, ONE, 95_000, date(2017, 2, 2), category=MODEL_CLASS)
    reissue(world, ONE, ONE.card, date(2017, 2, 3))

    assert found(world, "E2") == [], "what was left of the old money went to another"
    assert told(as_it_was(world, "E2", 1)) == [(X01, 2, 155_000)]


def as_it_was(world: World, rule: str, version: int = 0) -> list[Finding]:
    """Return what a version finds; none named: the one before the one that counts."""
    with catch_up(world.ledger, world.home.read_models).asking() as model:
        return list(EARLIER[rule][version - 1].find(asked_of(world, model, LATER)))


def test_one_card_for_two_people_is_found_also_when_one_was_paid_again(world: World) -> None:
    world.pay("B1", roster_row(1, ONE, 80_000), roster_row(2, TWO, 70_000, card_number=ONE.card))
    world.pay("B2", roster_row(1, THREE, 60_000))

    [shared] = found(world, "C3")
    assert told([shared]) == [(X01, 2, 150_000)]
    assert set(shared.payment_ids) == {world.payment_id(ONE), world.payment_id(TWO)}
    world.answer("B1", settled(1, ONE, 80_000), failed(2, replace_card(TWO, ONE.card), 70_000))
    assert found(world, "C3") == []
    reissue(world, TWO, THREE.card)
    assert told(found(world, "C3")) == [(X01, 2, 130_000)]
    lines = (settled(1, ONE, 80_000), failed(2, replace_card(TWO, THREE.card), 70_000))
    content = BankReturn("unionpay-df", "B1", Lists.ALL, lines, None, None, "0a" * 32)
    later = world.act(day=date(2017, 1, 26))
    receive_statement(world.ledger, later, ReturnFile("B1", "return.txt", content))
    reissue(world, TWO, "6299900000000000077", date(2017, 1, 27))
    assert found(world, "C3") == []  # in the end nothing went to that card


def replace_card(person: Person, card: str) -> Person:
    class Carded(Person):
        @property
        def card(self) -> str:
            return card

    return Carded(person.serial)


def reissue(world: World, person: Person, card: str, day: date = date(2017, 1, 25)) -> None:
    order = disbursements.Reissue(world.payment_id(person), "新卡", card)
    disbursements.reissue_payment(world.ledger, world.act("A-X01", day), order)


def test_another_card_than_was_on_file_is_a_doubt_and_a_known_one_is_none(world: World) -> None:
    other = "6299900000000000099"
    world.pay("B1", roster_row(1, ONE, 80_000), roster_row(2, TWO, 70_000, card_number=other))

    [changed] = found(world, "C5")
    assert changed.payment_ids == (world.payment_id(TWO),)
    world.answer("B1", failed(1, ONE, 80_000), settled(2, replace_card(TWO, other), 70_000))
    reissue(world, ONE, "6299900000000000088")
    assert told(found(world, "C5")) == [(X01, 2, 150_000)]


def test_a_card_that_was_filed_long_before_is_no_doubt(world: World) -> None:
    other = "6299900000000000099"
    enter(world, ONE, "NEW", "X01", date(2016, 9, 1), other)
    world.pay("B1", roster_row(1, ONE, 80_000, card_number=other))

    assert found(world, "C5") == []


def test_an_amount_that_hardly_anybody_got_is_a_doubt(world: World) -> None:
    people = [Person(10 + each) for each in range(6)]
    world.file(*people)
    rows = [roster_row(at, each, 60_000) for at, each in enumerate(people[:5], 1)]
    world.pay("B1", *rows, roster_row(6, people[5], 138_000))

    few = Patience(many=6, odd_share_bp=2_000)
    [odd] = found(world, "B4", patience=few)
    assert (odd.organisation_id, odd.count, odd.amount_fen, odd.detail) == (
        X01,
        1,
        138_000,
        CARD_CLASS,
    )
    assert odd.position is not None, "two amounts of one class are two cases"
    together = replace(few, odd_amounts=0)
    [several] = found(world, "B4", patience=together)
    assert (several.count, several.amount_fen, several.position) == (1, 138_000, None)
    assert found(world, "B4") == [], "of so few people nothing can be said"
    assert found(world, "B4", patience=replace(few, odd_share_bp=1_000)) == []


def test_one_amount_for_all_classes_is_told_and_for_one_class_is_not(world: World) -> None:
    rows = (roster_row(1, ONE, 90_000), roster_row(2, TWO, 90_000))
    world.pay("B1", *rows)
    few = Patience(many=2)
    assert found(world, "B5", patience=few) == []
    world.pay("B2", roster_row(1, THREE, 90_000, MODEL_CLASS))

    [even] = found(world, "B5", patience=few)
    assert (told([even]), even.severity) == ([(X01, 3, 270_000)], Severity.INFORMATION)


def test_what_the_bank_paid_and_nobody_knows_is_found_after_some_days(world: World) -> None:
    bank = Bank(world)
    bank.keep()
    day = date(2017, 1, 20)
    out, came = entry(day, -50_000, text="转账"), entry(day, 70_000, text="转账")
    bank.take(statement(date(2017, 1, 1), date(2017, 1, 31), 0, out, came))

    assert found(world, "F4", day + timedelta(days=9)) == []
    [debit] = found(world, "F4", day + timedelta(days=10))
    assert (told([debit]), debit.account_id) == ([(X01, 1, 50_000)], bank.account_id)


def test_money_out_that_one_officer_set_aside_stays_a_doubt_until_another_writes_it_off(
    world: World,
) -> None:
    bank = Bank(world)
    bank.keep()
    out = entry(date(2017, 1, 20), -50_000, text="转账")
    bank.take(statement(date(2017, 1, 1), date(2017, 1, 31), 0, out))
    [line] = bank.lines
    chosen = LineChosen(line.statement_id, line.line)
    world.appoint_without_key("H-X01", "X01", Role.APPROVER)
    before = Moment(at=world.ledger.size() - 1)

    def aside(staff: str, state: LineState) -> None:
        order = bank_matching.SettingAside(chosen, state, "代收代付")
        bank_matching.set_aside(world.ledger, world.act(staff, LATER), order)

    aside("H-X01", LineState.IGNORED)
    [doubt] = found(world, "F4")
    assert (told([doubt]), doubt.severity, doubt.detail) == (
        [(X01, 1, 50_000)],
        Severity.WARNING,
        "set_aside",
    )
    [stood] = found(world, "F4", moment=before)
    assert (stood.severity, stood.detail) == (Severity.ERROR, None)
    with catch_up(world.ledger, world.home.read_models).asking() as model:
        asked = asked_of(world, model, LATER)
        assert list(EARLIER["F4"][0].find(asked)) == [], "version 1 was content with anybody's word"

    told_then = Moment(at=world.ledger.size() - 1)
    with pytest.raises(AsideByOneself):
        aside("H-X01", LineState.WRITTEN_OFF)
    with pytest.raises(LineDecided):
        aside("A-X01", LineState.IGNORED)
    aside("A-X01", LineState.WRITTEN_OFF)
    assert found(world, "F4") == []
    assert found(world, "F4", moment=told_then) == [doubt]
    assert found(world, "F4", moment=before) == [stood]


@pytest.mark.parametrize(
    ("before", "alone"),
    [
        ([], True),
        ([("H-X01", LineState.IGNORED)], False),
        ([("A-X01", LineState.IGNORED)], True),
        ([("H-X01", LineState.IGNORED), ("H-X01", None)], True),
    ],
)
def test_money_out_that_one_approver_alone_wrote_off_is_a_doubt(
    world: World, before: list[tuple[str, LineState | None]], *, alone: bool
) -> None:
    """As it could be done up to now: these events are on record, and keep their meaning."""
    bank = Bank(world)
    bank.keep()
    bank.take(statement(BEGINS, MONTH_END, 0, entry(date(2017, 1, 20), -50_000, text="转账")))
    [line] = bank.lines

    def decided(staff: str, state: LineState | None) -> None:
        def decide(work: Work) -> None:
            found = work.get(BankStatement, line.statement_id)
            if state is None:
                found.take_up(work.act, number=1, reason="再看")
            else:
                found.trigger_event(
                    BankStatement.LineSetAside,
                    work.act,
                    account_id=bank.account_id,
                    organisation_id=X01,
                    file_sha256=found.file_sha256,
                    line=1,
                    line_index=found.line(1).index,
                    amount_fen=found.line(1).amount,
                    state=state,
                    reason="代收代付",
                )
            work.save(found)

        world.ledger.perform(world.act(staff, LATER), "bank_line.set_aside", None, decide)

    for staff, state in [*before, ("A-X01", LineState.WRITTEN_OFF)]:
        decided(staff, state)

    assert [each.detail for each in found(world, "F4")] == ["set_aside"] * alone
    with catch_up(world.ledger, world.home.read_models).asking() as model:
        second = EARLIER["F4"][1].find(asked_of(world, model, LATER))
        assert list(second) == [], "version 2 took an approver's word"


@pytest.mark.parametrize(
    ("back_on", "returned", "details"),
    [
        (date(2017, 1, 13), False, []),
        (date(2017, 1, 14), False, ["cancelled_late"]),
        (date(2017, 1, 30), True, []),
    ],
)
def test_money_that_was_away_for_days_is_told_though_it_came_back(
    world: World, back_on: date, returned: bool, details: list[str]
) -> None:
    bank = Bank(world)
    bank.keep()
    out = entry(date(2017, 1, 10), -50_000, text="借出")
    back = entry(back_on, 50_000, text="归还", returned=returned)
    bank.take(statement(date(2017, 1, 1), date(2017, 1, 31), 0, out, back))
    before = Moment(at=world.ledger.size() - 1)

    bank.match(bank.lines, [])

    assert [each.detail for each in found(world, "F4")] == details
    assert [each.detail for each in found(world, "F4", moment=before)] == [None]


def test_what_the_bank_return_calls_paid_and_the_statement_never_shows_is_found(
    world: World,
) -> None:
    bank = Bank(world)
    bank.keep()
    world.pay("B1", roster_row(1, ONE, 80_000))
    world.answer("B1", settled(1, ONE, 80_000))
    received = entry(date(2017, 1, 3), 10_000_000, text="收款")
    bank.take(statement(date(2017, 1, 1), date(2017, 1, 15), 0, received))
    assert found(world, "F6") == []
    bank.take(statement(date(2017, 1, 16), date(2017, 1, 31), 10_000_000), date(2017, 2, 12))

    [missing] = found(world, "F6")
    assert (told([missing]), missing.account_id) == ([(X01, 1, 80_000)], bank.account_id)
    paid = entry(date(2017, 2, 1), -80_000, batch_code="B1", text="代发")
    bank.take(statement(date(2017, 2, 1), date(2017, 2, 5), 10_000_000, paid), date(2017, 2, 13))
    bank.match([bank.lines[-1]], [each for each in bank.items if each.batch_code == "B1"])
    assert found(world, "F6") == []


@pytest.mark.parametrize("numbered", [False, True])
def test_days_without_a_statement_do_not_show_that_the_bank_never_paid(
    world: World, *, numbered: bool
) -> None:
    """Unless the bank numbered its statements one after the other: of those days it sends none."""
    bank = Bank(world)
    bank.keep()
    world.pay("B1", roster_row(1, ONE, 80_000))
    world.answer("B1", settled(1, ONE, 80_000))
    received = entry(date(2017, 1, 3), 10_000_000, text="收款")
    bank.take(statement(date(2017, 1, 1), date(2017, 1, 11), 0, received, number="7"))
    later = statement(
        date(2017, 1, 14), date(2017, 1, 31), 10_000_000, number="8" if numbered else "9"
    )
    bank.take(later, date(2017, 2, 12))

    assert [each.count for each in found(world, "F6")] == [1] * numbered
    with catch_up(world.ledger, world.home.read_models).asking() as model:
        before = list(EARLIER["F6"][0].find(asked_of(world, model, LATER)))
    assert [each.count for each in before] == [1], "version 1 looked at the last day alone"
    if not numbered:
        between = statement(date(2017, 1, 12), date(2017, 1, 13), 10_000_000)
        bank.take(between, date(2017, 2, 13))
        assert [each.count for each in found(world, "F6")] == [1]


def test_days_that_a_known_statement_covers_by_now_show_that_the_bank_never_paid(
    world: World,
) -> None:
    """Brought again with its days, the file itself is not taken in a second time."""
    bank, kept = Bank(world), Evaluated()
    bank.keep()
    world.pay("B1", roster_row(1, ONE, 80_000))
    world.answer("B1", settled(1, ONE, 80_000))
    received = entry(date(2017, 1, 3), 10_000_000, text="收款")
    seeming = statement(date(2017, 1, 1), date(2017, 1, 11), 0, received)

    def missing() -> list[int]:
        with catch_up(world.ledger, world.home.read_models).asking() as model:
            found = kept.found(asked_of(world, model, LATER)).findings
        return [each.count for each in found if each.rule == "F6"]

    bank.take(seeming)
    assert missing() == []

    bank.take(replace(seeming, closed_on=date(2017, 1, 31), days_stated=True), date(2017, 2, 12))

    assert missing() == [1]


def test_an_approval_outside_the_campaign_has_no_plan(world: World) -> None:
    world.pay("B1", roster_row(1, ONE, 60_000))
    assert found(world, "F7") == []
    late = date(2017, 2, 12)
    world.draft("B2", roster_row(1, TWO, 70_000), day=late)
    world.review("B2", day=late)
    world.approve("B2", day=late)

    [outside] = found(world, "F7")
    assert (told([outside]), outside.batch_id) == ([(X01, 1, 70_000)], batch_id("B2"))


def test_so_much_needs_the_minutes_of_a_meeting_where_the_policy_says_so(world: World) -> None:
    minutes = Deadline(source="方案", confidence="certain", name="会议纪要", due_on=LATER)
    deadlines = (*terms().deadlines, minutes)
    policies.adopt_policy(
        world.ledger, world.act("A-C01"), msgspec.structs.replace(terms(), deadlines=deadlines)
    )
    world.pay("B1", roster_row(1, ONE, 60_000))
    decided = Patience(minutes_above_fen=50_000)
    assert found(world, "H3") == []
    assert [each.batch_id for each in found(world, "H3", patience=decided)] == [batch_id("B1")]
    assert found(world, "H3", patience=Patience(minutes_above_fen=60_000)) == []
    order = HandingIn(CAMPAIGN, "X01", "会议纪要", "ab" * 32)
    hand_in(world.ledger, world.act("H-X01"), order)
    world.pay("B2", roster_row(1, TWO, 70_000))
    assert [each.batch_id for each in found(world, "H3", patience=decided)] == [batch_id("B1")]

    world.pay("B3", roster_row(1, THREE, 60_000))
    assert [each.batch_id for each in found(world, "H3", patience=decided)] == [
        batch_id("B1"),
        batch_id("B3"),
    ], "minutes are of what is approved next"
    [before] = EARLIER["H3"]
    with catch_up(world.ledger, world.home.read_models).asking() as model:
        asked = replace(asked_of(world, model, LATER), patience=decided)
        assert [each.batch_id for each in before.find(asked)] == [batch_id("B1")]
    hand_in(world.ledger, world.act("H-X01"), order)
    world.file(Person(7))
    world.pay("B4", roster_row(1, Person(7), 60_000))
    assert len(found(world, "H3", patience=decided)) == 2


def test_what_is_split_into_several_lists_is_added_up(world: World) -> None:
    for code, person in (("B1", ONE), ("B2", TWO), ("B3", THREE)):
        world.pay(code, roster_row(1, person, 60_000))
    limit = Patience(minutes_above_fen=120_000)

    [beyond] = found(world, "H3", patience=limit)

    assert (beyond.batch_id, beyond.count, beyond.amount_fen) == (batch_id("B3"), 3, 180_000)


def test_an_objection_that_nobody_answered_before_the_approval_is_a_doubt(world: World) -> None:
    for code, person in (("B1", ONE), ("B2", TWO)):
        world.draft(code, roster_row(1, person, 60_000))
        period = Period(5, DayUnit.NATURAL, None, 3, "公示办法 第三条", "stated")
        opening = Opening(batch_id(code), period, "单位公告栏", "工会办公室")
        open_notice(world.ledger, world.act("H-X01"), opening)
        raising = Raising(notice_id(batch_id(code), 1), 1, "已经退休")
        raise_objection(world.ledger, world.act(), raising)
    order = Answering(notice_id(batch_id("B2"), 1), 1, upheld=False, reason="查无此事")
    answer_objection(world.ledger, world.act("R-X01"), order)
    for code in ("B1", "B2"):
        world.review(code)
        world.approve(code)

    [objected] = found(world, "K3")
    assert objected.batch_id == batch_id("B1")
    late = replace(order, notice_id=notice_id(batch_id("B1"), 1))
    answer_objection(world.ledger, world.act("R-X01"), late)
    world.receive("X02", 100_000)
    world.draft("B3", roster_row(1, THREE, 60_000), union="X02")
    world.review("B3", "R-X02")
    assert found(world, "K3") == [objected], "whatever others do, it was open at its approval"
    [before] = EARLIER["K3"]
    with catch_up(world.ledger, world.home.read_models).asking() as model:
        assert list(before.find(asked_of(world, model, LATER))) == []


def test_a_broken_log_is_told_by_what_is_wrong_with_it(world: World) -> None:
    assert found(world, "L1") == []
    entry_broken = "verify.entry_broken"
    place = "position 7, stream s, version 2: "
    for code, detail, rule in (
        (entry_broken, place + "payload: other members than an event has", "L1"),
        ("verify.log_broken", "log_edge: is not the right edge of the entries' tree", "L1"),
        ("verify.cut_back", "the log holds 5 entries, and 9 were verified before", "L2"),
        ("verify.rewritten", "the first 9 entries are others than were verified before", "L3"),
        ("verify.checkpoint_differs", "another root", "L3"),
        (entry_broken, "position 7, stream unknown, version 0: position: expected 7, got 8", "L4"),
        (entry_broken, place + "version: expected 2, got 3", "L4"),
        (entry_broken, place + "signature by k: key k at position 7: not valid", "L5"),
    ):
        verified = Verification("2017-02-01", code, detail, 7)
        with catch_up(world.ledger, world.home.read_models).asking() as model:
            asked = replace(asked_of(world, model, DAY), verified=verified)
            [finding] = broken(asked)
            assert list(broken(replace(asked, moment=Moment(at=3)))) == []
        assert (finding.rule, finding.organisation_id, finding.detail) == (rule, None, code)


def test_a_key_that_was_in_other_hands_is_told(world: World) -> None:
    assert found(world, "L5") == []
    before = world.ledger.size()
    world.pay("B1", roster_row(1, ONE, 60_000))
    signer = world.officers["A-X01"]
    order = officer_keys.KeyRevocation("A-X01", signer.public_key.key_id, "丢失")
    officer_keys.give_up_key(world.ledger, world.act(), order, counts_from=before)

    [lost] = found(world, "L5")
    assert (lost.severity, lost.detail, lost.position) == (
        Severity.ERROR,
        signer.public_key.key_id,
        before,
    )


def test_every_rule_of_the_table_is_evaluated_or_told_why_not() -> None:
    last = {"A": 10, "B": 6, "C": 5, "D": 6, "E": 4, "F": 8, "G": 5, "H": 5, "I": 3, "J": 4}
    table = {f"{letter}{n}" for letter, most in last.items() for n in range(1, most + 1)}
    table |= {f"K{n}" for n in (1, 2, 3)} | {f"L{n}" for n in (1, 2, 3, 4, 5)}
    # Money between ledgers, readings of policies, late words of banks, upheld objections.
    table |= {"F9", "H6", "J5", "K4"}

    assert set(RULES_KNOWN) | set(ASIDE) == table
    assert not set(RULES_KNOWN) & set(ASIDE)
    assert sorted(["B1", "A10", "A9"], key=in_order) == ["A9", "A10", "B1"]

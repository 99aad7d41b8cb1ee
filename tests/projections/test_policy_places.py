"""Whose a policy is, where its limits count and since when, and what is told of a looser one."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from itertools import count
from uuid import UUID

import pytest
from msgspec import structs
from sqlalchemy import Connection
from sqlalchemy.event import listen

from ledger.commands import batches, funds, policies
from ledger.commands.filings import HandingIn, hand_in
from ledger.domain.campaign import Campaign, campaign_id
from ledger.domain.officer import Role
from ledger.domain.organisation import organisation_id
from ledger.domain.policy import (
    AmountRule,
    CategoryRule,
    Channel,
    LimitName,
    LimitRule,
    Policy,
    policy_id,
)
from ledger.domain.values import Money
from ledger.errors import LedgerError
from projections.batches import campaigns
from projections.findings.asked import Patience, Span
from projections.findings.finding import Finding, Severity
from projections.findings.rules import RULES
from projections.findings.supposing import Supposition
from projections.findings.versions import Compared
from projections.kept import Kept
from projections.policies import adoptions
from projections.runner import catch_up
from tests.projections.test_findings import asked_of
from tests.projections.test_policy_limits import ONE, TWO, adopt, known, limit
from tests.projections.test_rule_versions import supposed
from tests.world import (
    CAMPAIGN,
    DAY,
    EARMARK,
    POLICY,
    SHEET_CLASS,
    Person,
    World,
    roster,
    roster_row,
    terms,
)

C01, X01, X02 = (organisation_id(code) for code in ("C01", "X01", "X02"))
EARLY = date(2017, 1, 5)
OWN = "x01-own"


@pytest.fixture
def world(world: World) -> World:
    world.receive("X01", 10_000_000)
    world.receive("X02", 10_000_000)
    world.file(ONE)
    world.file(TWO, union="X02")
    return world


def of(rule: str, world: World, day: date = date(2017, 1, 31)) -> list[Finding]:
    return [each for each in known(world, day).findings if each.rule == rule]


def sheet(world: World, code: str, union: str, person: Person, day: date = DAY) -> None:
    row = roster_row(1, person, 30_000, SHEET_CLASS)
    world.draft(code, row, channel=Channel.SIGNATURE_SHEET, union=union, day=day)
    world.review(code, f"R-{union}", day)
    world.approve(code, f"A-{union}", day)


def codes_of(*tried: Callable[[], object]) -> list[str]:
    codes = []
    for each in tried:
        with pytest.raises(LedgerError) as refused:
            each()
        codes.append(refused.value.code)
    return codes


def test_only_where_it_was_adopted_first_or_above_is_a_policy_read_anew(world: World) -> None:
    policy = world.ledger.load(Policy, policy_id(POLICY))
    assert policy is not None
    assert policy.organisation_id == C01
    adopt(world, by="A-X01", code=OWN)

    def named(code: str, place: str) -> None:
        other = structs.replace(terms(), code=code)
        policies.adopt_policy(world.ledger, world.act("A-C01"), other, place)

    assert codes_of(
        lambda: adopt(world, by="A-X01"),
        lambda: adopt(world, by="A-X02", code=OWN),
        lambda: named(POLICY, "X01"),
        lambda: named("new", "nowhere"),
    ) == [
        "duty.role_missing",
        "duty.role_missing",
        "policy.of_another_union",
        "ledger.not_on_record",
    ]
    adopt(world, by="A-C01", code=OWN)
    named(OWN, "X01")
    own = world.ledger.load(Policy, policy_id(OWN))
    assert own is not None
    assert [each.organisation_id for each in own.adoptions] == [X01] * 3
    assert world.check_log().holds


def test_a_campaign_is_of_a_union_and_those_below_it(world: World) -> None:
    report = structs.replace(terms().deadlines[0], name="总结")
    both = structs.replace(terms(EARLY), code=OWN, deadlines=(*terms().deadlines, report))
    policies.adopt_policy(world.ledger, world.act("A-X01", EARLY), both)
    opening = policies.CampaignOpening("own", "本级", EARLY, date(2017, 2, 11), 2017, OWN)

    def opened(place: str) -> None:
        policies.open_campaign(world.ledger, world.act("A-C01"), opening, place)

    assert (
        codes_of(lambda: opened("X02"), lambda: opened("C01")) == ["campaign.policy_elsewhere"] * 2
    )
    opened("X01")
    campaign = world.ledger.load(Campaign, campaign_id("own"))
    assert campaign is not None
    assert campaign.organisation_id == X01

    def drafted(union: str) -> None:
        order = batches.Draft(
            f"S-{union}",
            "own",
            union,
            EARMARK,
            Channel.SIGNATURE_SHEET,
            None,
            f"H-{union}",
            roster(roster_row(1, ONE, 30_000, SHEET_CLASS)),
        )
        batches.draft_batch(world.ledger, world.act(f"H-{union}"), order)

    def closed(staff: str, code: str) -> None:
        act = replace(world.act(staff), signed_in=True)
        policies.close_campaign(world.ledger, act, campaign_id(code), "到期")

    paper = HandingIn("own", "X02", "签字表", "ab" * 32)
    assert (
        codes_of(
            lambda: drafted("X02"),
            lambda: hand_in(world.ledger, world.act("H-X02"), paper),
            lambda: closed("A-X02", "own"),
            lambda: closed("A-X01", CAMPAIGN),
        )
        == ["campaign.of_another_union"] * 2 + ["duty.role_missing"] * 2
    )
    drafted("X01")
    world.review("S-X01")
    world.approve("S-X01")
    owing = [each for each in of("D5", world, date(2017, 2, 20)) if each.campaign_id == campaign.id]
    assert {(each.organisation_id, each.detail) for each in owing} == {
        (X01, "签字表"),
        (X01, "总结"),
    }, "those above have no part in it, and could hand nothing in"
    closed("A-X01", "own")


def test_a_county_is_stricter_by_a_policy_of_its_own_and_never_looser(world: World) -> None:
    adopt(world, limit(LimitName.MINUTES_ABOVE_FEN, 25_000), since=EARLY, on=EARLY)
    sheet(world, "S1", "X01", ONE)
    sheet(world, "S2", "X02", TWO)
    assert {each.organisation_id for each in of("H3", world)} == {X01, X02}

    loose = limit(LimitName.MINUTES_ABOVE_FEN, 90_000)
    adopt(
        world, loose, limit(LimitName.AGAIN_DAYS, 10), since=EARLY, on=EARLY, by="A-X02", code=OWN
    )
    assert {each.organisation_id for each in of("H3", world)} == {X01, X02}
    told = known(world)
    assert told.limits_at(X02, DAY.isoformat()).patience.again_days == 60, "the usual stands above"

    adopt(world, limit(LimitName.MINUTES_ABOVE_FEN, 90_000), since=EARLY, on=EARLY)
    adopt(
        world,
        limit(LimitName.MINUTES_ABOVE_FEN, 25_000),
        since=EARLY,
        on=EARLY,
        by="A-X02",
        code=OWN,
    )
    [only] = of("H3", world)
    assert only.organisation_id == X02
    [stood] = known(world).stood("H3", [only])
    assert stood.version is not None
    assert (stood.value, stood.version.adopted.code, stood.version.number) == (25_000, OWN, 2)
    assert [each.value for each in known(world).limits.of("H3")] == [90_000]


def test_a_looser_limit_mutes_nothing_of_before_it(world: World) -> None:
    adopt(world, limit(LimitName.MINUTES_ABOVE_FEN, 25_000), since=EARLY, on=EARLY)
    sheet(world, "S1", "X01", ONE)
    later = date(2017, 1, 20)

    adopt(world, limit(LimitName.MINUTES_ABOVE_FEN, 90_000), since=EARLY, on=later)
    sheet(world, "S2", "X01", Person(7), date(2017, 1, 25))

    [still] = of("H3", world)
    assert still.since == DAY.isoformat()
    [backwards, looser] = of("H6", world)
    assert (backwards.organisation_id, backwards.count, backwards.amount_fen) == (C01, 1, 30_000)
    assert backwards.detail == f"{POLICY} 3 backwards"
    assert looser.detail == f"{POLICY} 3 limit minutes_above_fen"
    kept = Supposition(None, policy=POLICY, adoption=3)
    assert supposed(world, kept)[1].counted[Compared.ONLY_NOW] == 1


def test_what_was_borne_when_it_happened_is_neither_told_nor_mutes_what_came_later(
    world: World,
) -> None:
    adopt(world, limit(LimitName.RECORDING_DAYS, 90), since=EARLY, on=EARLY)
    summer = date(2017, 6, 1)

    def recorded(day: date, recorded_on: date, amount_fen: int) -> None:
        act = replace(world.act(day=day), recorded_at=f"{recorded_on}T08:00:00.000Z")
        order = funds.FundReceipt("X01", EARMARK, "社会捐赠", "捐", 2017, amount_fen, None, POLICY)
        funds.receive_funds(world.ledger, act, order)

    recorded(date(2017, 3, 1), date(2017, 4, 30), 500)
    adopt(world, limit(LimitName.RECORDING_DAYS, 30), since=summer, on=summer)
    recorded(date(2017, 7, 1), date(2017, 8, 30), 700)
    [told] = of("H4", world, date(2017, 9, 1))
    assert (told.since, told.count, told.amount_fen) == ("2017-07-01", 1, 700)

    adopt(world, limit(LimitName.RECORDING_DAYS, 90), since=date(2017, 9, 2), on=date(2017, 9, 2))
    recorded(date(2017, 9, 3), date(2017, 11, 1), 900)
    [told] = of("H4", world, date(2017, 11, 2))
    assert (told.since, told.count, told.amount_fen) == ("2017-07-01", 1, 700)


def test_limits_of_many_places_ask_no_rule_of_the_whole_ledger_again(world: World) -> None:
    world.pay("B1", roster_row(1, ONE, 60_000))
    world.draft("B2", roster_row(1, TWO, 70_000), union="X02")
    world.review("B2", "R-X02")
    world.approve("B2", "A-X02")
    usual = Patience()
    strict = replace(usual, yearly_maximum_fen=50_000, again_days=90, bank_days=2, answer_days=2)
    top = Span(None, "", None, usual)
    asked_for: list[str] = []

    def told(model: Connection, *own: Span) -> tuple[int, list[Finding]]:
        asked = replace(asked_of(world, model, date(2017, 1, 31)), spans=(*own, top))
        every = [each for each in RULES if each.by_item]
        for each in every:
            each.found(asked)  # What is kept is there, and asked for no more.
        asked_for.clear()
        found = [one for each in every for one in each.found(asked).findings]
        return len(asked_for), found

    with catch_up(world.ledger, world.home.read_models).asking() as model:
        listen(model, "before_cursor_execute", lambda *of: asked_for.append(of[2]))
        few, _ = told(model, Span(frozenset({X02}), "", None, strict))
        others = (
            Span(
                frozenset({UUID(int=each)}),
                "",
                None,
                replace(strict, yearly_maximum_fen=50_000 + each, answer_days=2 + each),
            )
            for each in range(1, 40)
        )
        many, found = told(model, Span(frozenset({X02}), "", None, strict), *others)

    assert few == many > 0
    capped = [each for each in found if each.rule == "B3"]
    assert [each.organisation_id for each in capped] == [X02], "as at its place"


def test_each_thing_that_a_reading_loosens_is_told(world: World) -> None:
    card, model, sheets = terms().categories
    (due,) = terms().deadlines
    looser = structs.replace(
        terms(date(2017, 1, 20)),
        categories=(
            structs.replace(card, channel=Channel.SIGNATURE_SHEET, archive_required=False),
            structs.replace(model, monthly_income_below=None, required_fields=()),
            structs.replace(sheets, maximum=None),
        ),
        deadlines=(structs.replace(due, due_on=date(2017, 3, 1)),),
        limits=(limit(LimitName.RECORDING_DAYS, 90), limit(LimitName.AGAIN_DAYS, 90)),
    )
    policies.adopt_policy(world.ledger, world.act("A-C01", date(2017, 1, 20)), looser)

    assert [each.detail for each in of("H6", world)] == [
        f"{POLICY} 2 {what}"
        for what in (
            "limit recording_days",
            "channel 建档困难职工",
            "archive 建档困难职工",
            "fields 困难劳模",
            "income 困难劳模",
            "maximum 一线职工",
            "deadline 签字表",
        )
    ]
    adopt(world, since=date(2017, 1, 21), on=date(2017, 1, 21))
    assert [each.detail for each in of("H6", world)[7:]] == [f"{POLICY} 3 limit again_days"]


def test_what_a_policy_allows_beyond_the_one_above_is_told(world: World) -> None:
    card, model, sheets = terms().categories
    own(
        world,
        structs.replace(card, minimum=amount(50_000)),
        model,
        structs.replace(sheets, maximum=amount(70_000), required_fields=()),
        structs.replace(sheets, name="新就业形态劳动者"),
    )
    own(world, card, model, sheets, by="A-X02", code="x02-own")

    told = of("H6", world)
    assert [each.detail for each in told] == [
        f"{OWN} 1 beyond {POLICY} {what}"
        for what in (
            "minimum 建档困难职工",
            "fields 一线职工",
            "maximum 一线职工",
            "category 新就业形态劳动者",
        )
    ]
    assert {(each.organisation_id, each.severity, each.since) for each in told} == {
        (X01, Severity.WARNING, EARLY.isoformat())
    }
    _, compared = supposed(world, Supposition("H6", 2))
    assert compared.counted[Compared.ONLY_NOW] == 4
    own(world, card, model, sheets)
    assert of("H6", world) == told, "what was allowed before stays known"


def test_a_policy_is_looser_from_the_day_on_which_the_one_above_asks_more(world: World) -> None:
    card, model, sheets = terms().categories
    on, later = date(2017, 1, 15), date(2017, 1, 20)
    own(world, card, model, sheets)
    own(world, card, model, sheets, by="A-X02", code="x02-own")

    def both(fen: int, since: date, *whose: str) -> None:
        capped = structs.replace(sheets, maximum=amount(fen))
        for code in whose:
            own(world, card, model, capped, since=since, on=on, by=f"A-{code}", code=CODES[code])

    both(40_000, later, "X01", "C01")
    assert [each.organisation_id for each in of("H6", world)] == [X02], "X01's own followed"
    both(30_000, date(2017, 1, 25), "C01")

    assert [(each.organisation_id, each.detail, each.since) for each in of("H6", world)] == [
        (place, f"{code} {number} beyond {POLICY} maximum 一线职工", on.isoformat())
        for place, code, number in ((X01, OWN, 2), (X02, "x02-own", 1))
    ]


def test_last_years_policies_are_not_held_against_this_years(world: World) -> None:
    card, model, sheets = terms().categories
    own(world, card, model, sheets)
    stricter = structs.replace(sheets, maximum=amount(20_000))
    next_year = date(2018, 1, 10)
    for by, code in (("A-X01", "x01-2018"), ("A-C01", "c01-2018")):
        own(world, card, model, stricter, since=next_year, on=next_year, by=by, code=code)

    assert of("H6", world, next_year) == []


def test_what_a_policy_allowed_whose_campaigns_are_over_is_not_held_against_this_years(
    world: World,
) -> None:
    """The city adopts on the 5th, the counties on the 15th; only X02 went on paying by its old."""
    card, model, sheets = terms().categories
    world.register("X03", "C01", EARLY)
    for by, code, until in (
        ("A-X01", OWN, date(2017, 12, 31)),
        ("A-X02", "x02-own", date(2018, 1, 5)),
    ):
        own(world, card, model, sheets, by=by, code=code)
        opening = policies.CampaignOpening(f"of {code}", "两节", EARLY, until, 2017, code)
        policies.open_campaign(world.ledger, world.act(by, EARLY), opening)
    world.appoint("A-X03", "X03", Role.APPROVER, EARLY)
    own(world, card, model, sheets, by="A-X03", code="x03-unused")
    stricter = structs.replace(sheets, maximum=amount(20_000))
    above_on, own_on = date(2018, 1, 5), date(2018, 1, 15)
    own(world, stricter, since=above_on, on=above_on, by="A-C01", code="c01-2018")
    told = [(X02, f"x02-own 1 beyond c01-2018 maximum {SHEET_CLASS}", above_on.isoformat())]

    def found(day: date) -> list[tuple[UUID | None, str | None, str]]:
        every = of("H6", world, day)
        return [(each.organisation_id, each.detail, each.since) for each in every]

    assert found(date(2018, 1, 10)) == told
    for by, code in (("A-X01", "x01-2018"), ("A-X02", "x02-2018")):
        own(world, stricter, since=own_on, on=own_on, by=by, code=code)
    assert found(date(2018, 2, 1)) == told
    _, before = supposed(world, Supposition("H6", 3))
    assert before.counted[Compared.ONLY_SUPPOSED] == 2, "X01's, for ten days, and X03's"

    again = policies.CampaignOpening("late", "补发", own_on, date(2018, 3, 1), 2018, OWN)
    policies.open_campaign(world.ledger, world.act("A-X01", own_on), again)
    assert {each.organisation_id for each in of("H6", world, own_on)} == {X01, X02}


def test_what_is_told_of_policies_is_found_once_for_writes_that_leave_them_alone(
    world: World,
) -> None:
    kept: Kept[int] = Kept(adoptions, campaigns)
    asked = count(1)

    def answer(at: int | None = None) -> int:
        with catch_up(world.ledger, world.home.read_models).asking() as model:
            return kept.answer(model, "told", lambda: next(asked), at=at)

    first, end = answer(), world.ledger.size() - 1
    world.receive("X01", 1_000)
    assert answer() == answer(end) == answer(end - 1) == first == 1
    assert answer(2) == 2, "before the last adoption something else was known"
    adopt(world, since=DAY, on=DAY)
    assert (answer(), answer(end), answer(2)) == (3, 4, 5)


def test_what_the_nearest_union_says_is_what_counts_and_the_top_where_it_says_nothing(
    world: World,
) -> None:
    card, _, sheets = terms().categories
    half = amount(25_000)
    ages = limit(LimitName.RETIREMENT_MEN_YEARS, 60)
    adopt(world, ages, limit(LimitName.RECORDING_DAYS, 20), since=EARLY, on=EARLY)
    own(world, structs.replace(sheets, maximum=half), limits=(ages,))
    world.appoint("A-X01-01", "X01-01", Role.APPROVER, EARLY)
    own(world, structs.replace(card, minimum=half), sheets, by="A-X01-01", code="town")

    assert [(each.organisation_id, each.detail) for each in of("H6", world)] == [
        (organisation_id("X01-01"), f"town 1 beyond {above} {what}")
        for above, what in (
            (POLICY, "minimum 建档困难职工"),
            (OWN, "maximum 一线职工"),
            (OWN, "limit retirement_men_years"),
        )
    ], "of other limits the stricter one counts anyhow"


CODES = {"C01": POLICY, "X01": OWN}


def amount(fen: int) -> AmountRule:
    return AmountRule(source="细则", confidence="stated", amount_fen=Money(fen))


def own(
    world: World,
    *categories: CategoryRule,
    since: date = EARLY,
    on: date = EARLY,
    by: str = "A-X01",
    code: str = OWN,
    limits: tuple[LimitRule, ...] = (),
) -> None:
    told = structs.replace(terms(since), code=code, categories=categories, limits=limits)
    policies.adopt_policy(world.ledger, world.act(by, on), told)


def test_a_deadline_that_has_passed_is_not_put_off(world: World) -> None:
    (due,) = terms().deadlines
    assert due.due_on == date(2017, 2, 5)
    today = date(2017, 2, 20)
    sheet(world, "S1", "X01", ONE)

    def put_off(on: date, to: date) -> None:
        later = structs.replace(terms(on), deadlines=(structs.replace(due, due_on=to),))
        policies.adopt_policy(world.ledger, world.act("A-C01", on), later)

    put_off(date(2017, 1, 20), date(2017, 2, 10))
    assert {each.since for each in of("D5", world, today)} == {"2017-02-10"}
    put_off(date(2017, 2, 15), date(2017, 3, 1))
    assert {each.since for each in of("D5", world, today)} == {"2017-02-10"}

    paper = HandingIn(CAMPAIGN, "X01", due.name, "ab" * 32)
    hand_in(world.ledger, world.act("H-X01", today), paper)
    [late] = of("D5", world, today)
    assert (late.severity, late.since, late.days_late) == (Severity.INFORMATION, "2017-02-10", 10)


def test_minutes_that_come_again_with_a_meeting_are_not_late(world: World) -> None:
    (due,) = terms().deadlines
    asked = structs.replace(terms(EARLY), deadlines=(structs.replace(due, name="会议纪要"),))
    policies.adopt_policy(world.ledger, world.act("A-C01", EARLY), asked)
    paper = HandingIn(CAMPAIGN, "X01", "会议纪要", "ab" * 32)

    hand_in(world.ledger, world.act("H-X01", date(2017, 2, 20)), paper)

    assert of("D5", world, date(2017, 2, 21)) == []


def test_limits_that_another_policy_of_the_same_union_loosens_are_told_too(world: World) -> None:
    adopt(world, limit(LimitName.AGAIN_DAYS, 90), since=EARLY, on=EARLY)
    assert of("H6", world) == []
    adopt(world, limit(LimitName.AGAIN_DAYS, 10), since=DAY, on=DAY, code="other")

    [told] = of("H6", world)

    assert (told.organisation_id, told.detail) == (C01, "other 1 limit again_days")
    adopt(world, limit(LimitName.AGAIN_DAYS, 5), since=DAY, on=DAY, code=OWN, by="A-X01")
    assert len(of("H6", world)) == 1, "it loosens nothing, so there is nothing to tell"

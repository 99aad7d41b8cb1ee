"""What lists say of people: one telephone for many, an officer's, and who had retired."""

from dataclasses import replace
from datetime import date

import msgspec
import pytest

from ledger.commands import policies
from ledger.domain.batch import Batch
from ledger.domain.officer import Role
from ledger.domain.outside_list import ListKind
from ledger.domain.policy import Channel, LimitName
from ledger.domain.values import MONEY_MAX
from ledger.files.faults import FileRefused
from projections.asked import Moment
from projections.explanation.checked import Outcome
from projections.findings.asked import Patience
from projections.findings.finding import Finding, Severity
from projections.findings.rules import findings
from projections.findings.versions import EARLIER
from projections.runner import catch_up
from tests.commands.test_outside_lists import bring, csv, said
from tests.projections.test_findings import asked_of
from tests.projections.test_policy_limits import adopt, limit
from tests.world import Person, World, roster_row, terms

MEN = [Person(serial) for serial in (1, 3, 5, 7, 9)]
WOMAN = Person(2)
TODAY = date(2017, 3, 1)
SHARED = "13800001234"


@pytest.fixture
def world(world: World) -> World:
    world.receive("X01", 10_000_000)
    world.file(*MEN, WOMAN)
    return world


def found(
    world: World, rule: str, *, moment: Moment | None = None, patience: Patience | None = None
) -> list[Finding]:
    with catch_up(world.ledger, world.home.read_models).asking() as model:
        asked = asked_of(world, model, TODAY)
        asked = replace(asked, moment=moment or asked.moment, patience=patience or asked.patience)
        return [each for each in findings(asked) if each.rule == rule]


def test_a_family_shares_a_telephone_and_a_village_does_not(world: World) -> None:
    rows = [roster_row(at, who, 80_000, phone=SHARED) for at, who in enumerate(MEN[:3], 1)]
    world.pay("B1", *rows)
    assert found(world, "D6") == []
    assert [each.count for each in found(world, "D6", patience=Patience(people_a_phone=2))] == [3]
    assert said(world, MEN[0], "D6").outcome is Outcome.HELD
    before = Moment(at=world.ledger.size() - 1)

    world.pay("B2", roster_row(1, MEN[3], 70_000, phone="138-0000 1234"))

    [shared] = found(world, "D6")
    assert (shared.severity, shared.count, shared.amount_fen) == (Severity.WARNING, 4, 310_000)
    assert set(shared.payment_ids) == {world.payment_id(each) for each in MEN[:4]}
    assert found(world, "D6", moment=before) == []
    broken = said(world, MEN[0], "D6")
    assert (broken.outcome, dict(broken.facts)["people_under_phone"]) == (Outcome.BROKEN, 4)
    world.pay("B3", roster_row(1, MEN[4], 70_000, phone=SHARED))
    [more] = found(world, "D6")
    assert (more.count, more.position) == (5, shared.position), "it stays the same case"
    assert SHARED not in str(broken) + str(more)


def test_what_is_no_telephone_is_shared_by_nobody(world: World) -> None:
    rows = [roster_row(at, who, 80_000, phone="无") for at, who in enumerate(MEN, 1)]
    world.pay("B1", *rows)

    assert found(world, "D6", patience=Patience(people_a_phone=1)) == []
    assert said(world, MEN[0], "D6").outcome is Outcome.NOT_ASKED


def test_a_telephone_of_an_officer_is_told(world: World) -> None:
    world.appoint("J-C01", "C01", Role.AUDITOR)
    world.pay("B1", roster_row(1, MEN[0], 80_000, phone=SHARED), roster_row(2, MEN[1], 80_000))
    came = bring(
        world,
        ListKind.STAFF_PHONES,
        csv("工号,手机号码", f"H-X01,{SHARED}", "H-X01,12", "NOBODY,13900001234"),
    ).result

    assert [(each["line"], each["code"]) for each in came["refused"]] == [
        (3, "phone.invalid"),
        (4, "ledger.not_on_record"),
    ]
    [told] = found(world, "D6")
    assert (told.detail, told.payment_ids) == ("staff_phones", (world.payment_id(MEN[0]),))
    assert said(world, MEN[0], "D6").outcome is Outcome.BROKEN
    assert said(world, MEN[1], "D6").outcome is Outcome.HELD
    with pytest.raises(FileRefused):
        bring(world, ListKind.STAFF_PHONES, csv("工号,银行卡号", "H-X01,1"))


def test_who_had_retired_is_told_by_the_age_that_the_policy_named_then(world: World) -> None:
    world.pay("B0", roster_row(1, MEN[0], 80_000))
    adopt(
        world,
        limit(LimitName.RETIREMENT_MEN_YEARS, 47),
        limit(LimitName.RETIREMENT_WOMEN_YEARS, 48),
        since=date(2017, 1, 1),
    )
    world.pay("B1", roster_row(1, MEN[1], 80_000), roster_row(2, WOMAN, 70_000))

    [told] = found(world, "A6")
    assert (told.severity, told.count, told.amount_fen) == (Severity.WARNING, 1, 80_000)
    assert told.payment_ids == (world.payment_id(MEN[1]),)
    broken, held = said(world, MEN[1], "A6"), said(world, WOMAN, "A6")
    assert (broken.outcome, held.outcome) == (Outcome.BROKEN, Outcome.HELD)
    assert dict(held.facts) == {"men_years": 47, "women_years": 48, "listed_on": "2017-01-10"}
    assert broken.position is not None
    assert said(world, MEN[0], "A6").outcome is Outcome.NOT_ASKED, "no age was named then"


def test_who_had_retired_is_told_in_every_class_of_people_in_need(world: World) -> None:
    *_, kept = terms().categories
    stricken = msgspec.structs.replace(kept, name="意外致困职工")
    age = limit(LimitName.RETIREMENT_MEN_YEARS, 47)
    policy = msgspec.structs.replace(
        terms(), categories=(*terms().categories, stricken), limits=(age,)
    )
    policies.adopt_policy(world.ledger, world.act("A-C01"), policy)
    rows = (roster_row(1, MEN[0], 30_000, stricken.name), roster_row(2, MEN[1], 30_000, kept.name))
    world.pay("S1", *rows, channel=Channel.SIGNATURE_SHEET)

    [told] = found(world, "A6")
    assert told.payment_ids == (world.payment_id(MEN[0]),)
    outcomes = [said(world, each, "A6").outcome for each in MEN[:2]]
    assert outcomes == [Outcome.BROKEN, Outcome.NOT_ASKED]
    with catch_up(world.ledger, world.home.read_models).asking() as model:
        assert list(EARLIER["A6"][0].find(asked_of(world, model, TODAY))) == []


def test_rows_from_before_there_were_telephones_in_them_are_read() -> None:
    fields = {each.name for each in msgspec.structs.fields(Batch.RowAccepted) if each.required}

    assert not fields & {"phone_index", "of_retirement_age"}


def test_refused_amounts_beyond_what_a_database_adds_up_are_told_all_the_same(
    world: World,
) -> None:
    count = 2**63 // MONEY_MAX + 1
    amounts = [MONEY_MAX] * count + [-MONEY_MAX] * count
    rows = [roster_row(n, WOMAN, each, id_number="1") for n, each in enumerate(amounts, 1)]
    world.draft("B1", *rows)

    with catch_up(world.ledger, world.home.read_models).asking() as model:
        told = [
            each for each in findings(asked_of(world, model, TODAY)) if each.detail == "id.invalid"
        ]

    assert [(each.count, each.amount_fen) for each in told] == [(2 * count, 0)]

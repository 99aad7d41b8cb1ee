"""Who saw personal data, what was asked about people, whose keys, and who held which post."""

from collections.abc import Iterator
from datetime import date
from uuid import UUID

import pytest
from sqlalchemy import Connection

from ledger.commands import bank_files, officers, recipients
from ledger.commands.officer_keys import KeyRevocation, give_up_key, revoke_key
from ledger.commands.officer_names import masked_name, officers_named
from ledger.domain.batch import batch_id
from ledger.domain.officer import Role, officer_id
from ledger.domain.organisation import organisation_id
from ledger.domain.recipient import Change
from projections.disclosures import Question as Disclosed
from projections.disclosures import disclosure_list
from projections.keys import officer_keys, service_keys
from projections.officers import Question, officers_found
from projections.organisations import staff_numbers
from projections.people import PEOPLE_AT_ONCE, people_known_at, person_changes
from projections.runner import catch_up
from tests.world import DAY, Person, World, roster_row

ONE = Person(1)
X01, X02, C01 = (organisation_id(code) for code in ("X01", "X02", "C01"))


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A paid batch, its bank file, an unmasking, and requests about the person."""
    found = World.at(tmp_path_factory.mktemp("oversight")).settle_in()
    found.appoint("K-X01", "X01", Role.CASHIER)
    found.appoint("J-C01", "C01", Role.INSPECTOR)
    found.receive("X01", 500_000)
    found.file(ONE)
    found.pay("B1", roster_row(1, ONE, 60_000))
    order = bank_files.BankFileOrder("B1", "代发", "徽商银行")
    bank_files.export_batch(found.ledger, found.act("K-X01"), order)
    payment = found.payment_id(ONE)
    recipients.unmask_payee(found.ledger, found.act("J-C01"), payment, ("name", "phone"), "核查")
    yield found
    found.ledger.close()


@pytest.fixture
def model(world: World) -> Iterator[Connection]:
    with catch_up(world.ledger, world.home.read_models).asking() as connection:
        yield connection


def test_one_within_reach_is_found_among_many_who_share_a_masked_name(
    world: World, model: Connection
) -> None:
    person = world.payment(ONE).person_id
    alike = {UUID(int=number) for number in range(PEOPLE_AT_ONCE + 1)} | {person}

    assert people_known_at(model, sorted(alike), {X01}, 2) == {person: 1}
    assert people_known_at(model, sorted(alike), {X02}, 2) == {}


def test_files_and_readings_are_listed_with_who_what_and_why(
    world: World, model: Connection
) -> None:
    read, file = disclosure_list(model, Disclosed())

    assert (read.kind, read.fields, read.reason) == ("unmasked", ("name", "phone"), "核查")
    assert (read.officer_id, read.people) == (officer_id("J-C01"), 1)
    assert read.subject_id == world.payment(ONE).person_id
    assert (file.kind, file.batch_code, file.organisation_id) == ("bank_file", "B1", X01)
    assert (file.subject_id, file.people) == (batch_id("B1"), 1)
    assert (file.made_for, len(file.file_sha256 or "")) == ("徽商银行", 64)


@pytest.mark.parametrize(
    ("asked", "kinds"),
    [
        (Disclosed(organisation_ids=[X01]), ["unmasked", "bank_file"]),
        (Disclosed(organisation_ids=[X02]), []),
        (Disclosed(organisation_ids=[]), []),
        (Disclosed(officer_id=officer_id("K-X01")), ["bank_file"]),
        (Disclosed(files=True), ["bank_file"]),
        (Disclosed(files=False), ["unmasked"]),
        (Disclosed(since=DAY, until=DAY), ["unmasked", "bank_file"]),
        (Disclosed(until=date(2017, 1, 9)), []),
    ],
)
def test_a_question_finds_what_is_within_it(
    model: Connection, asked: Disclosed, kinds: list[str]
) -> None:
    assert [each.kind for each in disclosure_list(model, asked)] == kinds
    pages: list[str] = []
    before: int | None = None
    while shown := disclosure_list(model, asked, before=before, limit=1):
        pages += [each.kind for each in shown]
        before = shown[-1].position
    assert pages == kinds


def test_a_request_waits_until_it_is_decided(world: World) -> None:
    person = world.payment(ONE).person_id
    ask = world.act("H-X01")

    recipients.request_change(world.ledger, ask, person, Change.RESTRICT, "本人要求")
    recipients.request_change(world.ledger, ask, person, Change.ERASE, "本人要求", "令1号")
    with catch_up(world.ledger, world.home.read_models).asking() as model:
        waiting = person_changes(model, [X01], pending=True)
        assert [each.change for each in waiting] == ["erase", "restrict"]
        assert person_changes(model, [X02], pending=True) == []
        assert waiting[0].overriding == "令1号"

    recipients.decide_change(world.ledger, world.act("A-X01"), person, Change.RESTRICT)
    with catch_up(world.ledger, world.home.read_models).asking() as model:
        assert [each.change for each in person_changes(model, [X01], pending=True)] == ["erase"]
        decided, *_ = person_changes(model)
        assert (decided.step, decided.officer_id) == ("decided", officer_id("A-X01"))
        assert [each.pending for each in person_changes(model)] == [False, True, False]


def test_a_keys_story_is_told_to_its_end(world: World) -> None:
    key, other = (world.officers[staff].public_key.key_id for staff in ("R-X02", "A-X02"))
    counts_from = world.ledger.size() - 1
    revoke_key(world.ledger, world.act(), KeyRevocation("R-X02", key, "遗失"))
    order = KeyRevocation("A-X02", other, "被盗")
    give_up_key(world.ledger, world.act(), order, counts_from)

    with catch_up(world.ledger, world.home.read_models).asking() as model:
        [ended] = officer_keys(model, owner_id=officer_id("R-X02"))
        [given_up] = officer_keys(model, owner_id=officer_id("A-X02"))
        everybody = officer_keys(model)
        [own] = service_keys(model)
    assert (ended.state, [each.step for each in ended.steps]) == ("ended", ["registered", "ended"])
    assert (given_up.state, given_up.steps[-1].counts_from) == ("compromised", counts_from)
    assert given_up.steps[-1].actor_id is None
    assert len(everybody) == len({each.key_id for each in everybody}) == len(world.officers)
    assert (own.key_id, own.state) == (world.ledger.founding_key_id(), "in_force")


def test_officers_are_found_by_the_post_that_they_hold_on_the_day(world: World) -> None:
    post = officers.Post(officer_id("K-X01"), X01, Role.CASHIER)
    officers.end_role(world.ledger, world.act(day=date(2017, 2, 1)), post)

    def found(day: date, **asked: object) -> list[str]:
        with catch_up(world.ledger, world.home.read_models).asking() as model:
            lines = officers_found(model, Question(day, **asked))  # type: ignore[arg-type]
            return [each.staff_number for each in lines]

    assert found(date(2017, 1, 31), role="出纳") == ["K-X01"]
    assert found(date(2017, 2, 1), role="出纳") == []
    assert found(DAY, organisation_ids=[C01], role="纪检") == ["J-C01"]
    assert found(DAY, staff_number="A-X0") == ["A-X01", "A-X01-01", "A-X02"]
    assert found(DAY, staff_number="A_X") == []
    with catch_up(world.ledger, world.home.read_models).asking() as model:
        [line] = officers_found(model, Question(DAY, officer_ids=[officer_id("K-X01")]))
    [tenure] = line.tenures
    assert (tenure.since, tenure.until) == (DAY.isoformat(), "2017-02-01")
    assert tenure.ended_at is not None


def test_officers_are_found_by_their_whole_name_and_shown_masked(world: World) -> None:
    order = officers.NewOfficer("N-7", "欧阳小明")
    officers.register_officer(world.ledger, world.act(), order)

    with catch_up(world.ledger, world.home.read_models).asking() as now:
        staff = staff_numbers(now)
        assert officers_named(world.ledger, "欧阳小明", staff) == {officer_id("N-7")}
        assert officers_named(world.ledger, "欧阳", staff) == set()
        [line] = officers_found(now, Question(DAY, staff_number="N-7"))
    assert masked_name(world.ledger, line.position) == "欧**明"

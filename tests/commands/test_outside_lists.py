"""Lists of other authorities: stored blind, replaced, withdrawn; what rules find by them."""

import io
from base64 import b64decode
from dataclasses import replace
from datetime import date
from functools import partial

import msgspec
import pytest
import xlsxwriter

from api.callers import Reach
from api.explaining import asked_about
from api.known import Kept
from ledger.commands import policies
from ledger.commands.disbursements import (
    Reissue,
    SignedSheet,
    correct_outcome,
    record_signatures,
    reissue_payment,
)
from ledger.commands.outside_lists import ListBrought, day_of, take_list, withdraw_list
from ledger.commands.statements import ReturnFile, receive_statement
from ledger.domain.disbursement import Status
from ledger.domain.officer import Role, RoleMissing
from ledger.domain.organisation import organisation_id
from ledger.domain.outside_list import (
    ListAhead,
    ListEmpty,
    ListKind,
    ListKnown,
    ListNotHeld,
    ListOlder,
    OutsideList,
    list_id,
)
from ledger.domain.policy import Channel
from ledger.files.bank import BankReturn, Lists
from ledger.files.columns import Layout
from ledger.files.faults import FileRefused
from ledger.files.outside_lists import OutsideFile
from ledger.store.application import Answer
from projections.asked import NOW, Moment
from projections.explanation.checked import Checked, Outcome
from projections.explanation.explain import explain
from projections.findings.finding import Finding, Severity
from projections.findings.rules import findings
from projections.findings.versions import EARLIER
from projections.outside_lists import held_lists, list_editions
from projections.runner import catch_up
from tests.projections.test_findings import asked_of
from tests.world import (
    DAY,
    SHEET_CLASS,
    Person,
    World,
    failed,
    roster_row,
    settled,
    signature,
    terms,
)

ONE, TWO, THREE, CLERK = Person(1), Person(2), Person(3), Person(4)
C01, X01 = organisation_id("C01"), organisation_id("X01")
TODAY = date(2017, 3, 1)
BOTH_PLACES = [organisation_id(each) for each in ("C01", "X01", "X01-01", "X02")]


@pytest.fixture
def world(world: World) -> World:
    world.receive("X01", 10_000_000)
    world.file(ONE, TWO, THREE)
    world.appoint("J-C01", "C01", Role.AUDITOR)
    world.pay("B1", roster_row(1, ONE, 80_000), roster_row(2, TWO, 70_000))
    return world


def csv(*lines: str) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()


def bring(
    world: World,
    kind: ListKind,
    data: bytes,
    listed_on: date = DAY,
    union: str = "C01",
    staff: str = "J-C01",
    layout: Layout | None = None,
    *,
    signed_in: bool = False,
) -> Answer:
    file = OutsideFile("list.csv", data, kind, layout)
    order = ListBrought(union, "市民政局", listed_on, file)
    act = replace(world.act(staff, TODAY), signed_in=signed_in)
    return take_list(world.ledger, act, order)


def people(*numbers: Person) -> bytes:
    return csv("姓名,身份证号码", *(f"某某,{each.id_number}" for each in numbers))


def found(world: World, rule: str, moment: Moment = NOW) -> list[Finding]:
    with catch_up(world.ledger, world.home.read_models).asking() as model:
        asked = asked_of(world, model, TODAY, moment)
        every = findings(replace(asked, day_of=partial(day_of, world.ledger)))
        return [each for each in every if each.rule == rule]


def said(world: World, person: Person, rule: str) -> Checked:
    with catch_up(world.ledger, world.home.read_models).asking() as model:
        reach = Reach(frozenset(BOTH_PLACES), TODAY)
        asked = asked_about(model, world.ledger, reach, Kept(), world.payment_id(person))
        [each] = [each for each in explain(asked).checked if each.rule == rule]
        return each


def test_nothing_of_a_list_stands_in_clear_and_each_entry_stands_once(world: World) -> None:
    start = world.ledger.size()
    rows = (f"{each.id_number},2016-12-{each.serial:02d}" for each in (TWO, ONE, ONE, THREE))
    came = bring(world, ListKind.DECEASED, csv("身份证号,死亡日期", *rows)).result

    assert (came["taken"], came["refused_count"], came["edition"]) == (3, 0, 1)
    states = [state for _, _, state in world.ledger.log.select_states(start, 10)]
    clear = b"".join(b64decode(state) if b"{" not in state else state for state in states)
    for each in (ONE, TWO, THREE):
        assert each.id_number.encode() not in clear
    pieces = [
        each.event
        for each in world.ledger.read(start, 10)
        if isinstance(each.event, OutsideList.PieceTaken)
    ]
    [piece] = pieces
    whole = b64decode(piece.entries)
    entries = [whole[at : at + 20] for at in range(0, len(whole), 20)]
    assert entries == sorted(entries), "where somebody stood in the file is not told"
    who = {world.ledger.vault.subject_id("id_number", each.id_number).bytes for each in (ONE, TWO)}
    assert who < {entry[:16] for entry in entries}
    days = {day_of(world.ledger, sha_of(world), entry[:16], entry[16:]) for entry in entries}
    assert days == {date(2016, 12, 1), date(2016, 12, 2), date(2016, 12, 3)}
    world.check_log()


def sha_of(world: World) -> str:
    with catch_up(world.ledger, world.home.read_models).asking() as model:
        return held_lists(model)[0].file_sha256


def test_paid_after_death_is_told_and_paid_before_it_is_not(world: World) -> None:
    assert said(world, ONE, "A3").outcome is Outcome.NO_DATA
    header = "身份证号码,死亡日期"
    deaths = (f"{ONE.id_number},2017-01-09", f"{TWO.id_number},2017/1/10")
    bring(world, ListKind.DECEASED, csv(header, *deaths), date(2017, 2, 28))

    [late] = found(world, "A3")
    assert (late.severity, late.organisation_id, late.count) == (Severity.ERROR, X01, 1)
    assert (late.amount_fen, late.payment_ids) == (80_000, (world.payment_id(ONE),))
    assert late.position is None, "a further payment leaves it the same case"
    broken, held = said(world, ONE, "A3"), said(world, TWO, "A3")
    assert (broken.outcome, held.outcome) == (Outcome.BROKEN, Outcome.HELD)
    assert dict(held.facts) == {
        "list_kind": "deceased",
        "list_source": "市民政局",
        "list_dated_on": "2017-02-28",
    }
    assert "2017-01-09" not in str(broken.facts), "the day of death stays veiled"


def test_who_died_before_the_signature_did_not_sign(world: World) -> None:
    world.sheet("S1", THREE, CLERK)
    deaths = (f"{each.id_number},2017-01-15" for each in (THREE, CLERK))
    bring(world, ListKind.DECEASED, csv("身份证号码,死亡日期", *deaths), date(2017, 2, 28))
    sign(world, 2, CLERK, date(2017, 1, 14))
    assert found(world, "A3") == []
    assert said(world, THREE, "A3").outcome is Outcome.HELD
    before = Moment(at=world.ledger.size() - 1)
    sign(world, 1, THREE, date(2017, 1, 23))

    [late] = found(world, "A3")
    assert late.payment_ids == (world.payment_id(THREE),)
    assert said(world, THREE, "A3").outcome is Outcome.BROKEN
    assert found(world, "A3", before) == found(world, "A3", Moment(date(2017, 1, 22))) == []
    with catch_up(world.ledger, world.home.read_models).asking() as model:
        asked = replace(asked_of(world, model, TODAY), day_of=partial(day_of, world.ledger))
        assert list(EARLIER["A3"][0].find(asked)) == []


def test_a_signature_that_counts_again_is_of_the_day_on_which_it_was_given(world: World) -> None:
    world.sheet("S1", THREE)
    death = csv("身份证号码,死亡日期", f"{THREE.id_number},2017-01-15")
    bring(world, ListKind.DECEASED, death, date(2017, 2, 28))
    sign(world, 1, THREE, date(2017, 1, 14))
    for day in (20, 21):
        version = world.payment(THREE).version
        act = world.act("A-X01", date(2017, 1, day))
        correct_outcome(world.ledger, act, world.payment_id(THREE), version, "核对")

    assert world.payment(THREE).status is Status.SIGNED
    assert found(world, "A3") == []


def test_paid_again_after_death_is_told_and_answered_after_death_is_not(world: World) -> None:
    deaths = (f"{each.id_number},2017-01-20" for each in (ONE, TWO))
    bring(world, ListKind.DECEASED, csv("身份证号码,死亡日期", *deaths), date(2017, 2, 28))
    lines = (failed(1, ONE, 80_000), settled(2, TWO, 70_000))
    content = BankReturn("unionpay-df", "B1", Lists.ALL, lines, None, None, "cd" * 32)
    answered = world.act(day=date(2017, 1, 25))
    receive_statement(world.ledger, answered, ReturnFile("B1", "return.txt", content))
    assert found(world, "A3") == []
    order = Reissue(world.payment_id(ONE), "换卡", THREE.card)
    reissue_payment(world.ledger, world.act("A-X01", date(2017, 2, 15)), order)

    [late] = found(world, "A3")
    assert late.payment_ids == (world.payment_id(ONE),)
    assert said(world, ONE, "A3").outcome is Outcome.BROKEN
    assert said(world, TWO, "A3").outcome is Outcome.HELD


def sign(world: World, number: int, person: Person, day: date) -> None:
    sheet = SignedSheet("S1", f"{number:064x}", (signature(number, person.name),))
    record_signatures(world.ledger, world.act("H-X01", day), sheet)


def test_payrolls_and_property_are_looked_at_for_people_in_need_alone(world: World) -> None:
    world.sheet("S1", THREE)
    bring(world, ListKind.PUBLIC_SERVANTS, people(ONE, THREE))
    bring(world, ListKind.VEHICLES, people(TWO, CLERK))

    [paid] = found(world, "A4")
    assert (paid.severity, paid.payment_ids) == (Severity.WARNING, (world.payment_id(ONE),))
    assert said(world, THREE, "A4").outcome is Outcome.NOT_ASKED
    [owner] = found(world, "A5")
    assert (owner.detail, owner.payment_ids) == ("vehicles", (world.payment_id(TWO),))
    lines = (f"H1,{CLERK.id_number}", f"H1,{ONE.id_number}", f"H2,{TWO.id_number}")
    bring(world, ListKind.HOUSEHOLDS, csv("户号,身份证号码", *lines))
    [family] = found(world, "A5")
    assert set(family.payment_ids) == {world.payment_id(ONE), world.payment_id(TWO)}
    assert said(world, ONE, "A5").outcome is Outcome.BROKEN


def test_people_in_need_are_known_by_all_names_in_use_and_by_their_file(world: World) -> None:
    *_, kept = terms().categories
    by_name = ("意外致困职工", "低保边缘职工", "下岗失业职工")
    by_file = ("深度帮扶职工", "省部级劳模")
    more = [msgspec.structs.replace(kept, name=each) for each in by_name]
    more += [msgspec.structs.replace(kept, name=each, archive_required=True) for each in by_file]
    policy = msgspec.structs.replace(terms(), categories=(*terms().categories, *more))
    policies.adopt_policy(world.ledger, world.act("A-C01"), policy)
    who = {each: Person(n) for n, each in enumerate((*by_name, *by_file, SHEET_CLASS), 11)}
    world.file(*who.values())
    rows = [roster_row(n, who[each], 30_000, each) for n, each in enumerate(who, 1)]
    world.pay("S1", *rows, channel=Channel.SIGNATURE_SHEET)
    bring(world, ListKind.PUBLIC_SERVANTS, people(*who.values()))
    bring(world, ListKind.VEHICLES, people(*who.values()))
    house = (f"9,{each.id_number}" for each in (who["低保边缘职工"], who["下岗失业职工"]))
    bring(world, ListKind.HOUSEHOLDS, csv("户号,身份证号码", *house))

    needy = {world.payment_id(who[each]) for each in (*by_name, "深度帮扶职工")}
    for rule in ("A4", "A5"):
        [told] = found(world, rule)
        assert set(told.payment_ids) == needy
        outcomes = {each: said(world, person, rule).outcome for each, person in who.items()}
        assert {each for each, is_ in outcomes.items() if is_ is Outcome.NOT_ASKED} == {
            "省部级劳模",
            SHEET_CLASS,
        }, "who is visited for what they did"
    assert [each.count for each in found(world, "E3")] == [2]
    assert said(world, who["下岗失业职工"], "E3").outcome is Outcome.BROKEN
    with catch_up(world.ledger, world.home.read_models).asking() as model:
        asked = asked_of(world, model, TODAY)
        assert [list(EARLIER[rule][-1].find(asked)) for rule in ("A4", "A5", "E3")] == [[], [], []]


def test_relatives_count_for_who_drafted_reviewed_or_approved(world: World) -> None:
    header = "工号,亲属身份证号"
    lines = (f"R-X01,{ONE.id_number}", f"R-X02,{TWO.id_number}", f"NOBODY,{TWO.id_number}")
    came = bring(world, ListKind.RELATIVES, csv(header, *lines)).result

    assert came["refused"] == [{"line": 4, "code": "ledger.not_on_record", "field": "工号"}]
    [related] = found(world, "A8")
    assert related.payment_ids == (world.payment_id(ONE),)
    assert said(world, TWO, "A8").outcome is Outcome.HELD


def test_money_to_an_account_of_staff_and_two_of_one_household_are_told(world: World) -> None:
    bring(world, ListKind.STAFF_ACCOUNTS, csv("工号,卡号", f"H-X01,{TWO.card}"))
    lines = (f"7,{each.id_number}" for each in (ONE, TWO, THREE))
    bring(world, ListKind.HOUSEHOLDS, csv("户号,身份证号码", *lines))

    [account] = found(world, "C4")
    assert (account.severity, account.payment_ids) == (Severity.ERROR, (world.payment_id(TWO),))
    assert said(world, TWO, "C4").outcome is Outcome.BROKEN
    [household] = found(world, "E3")
    assert (household.count, household.amount_fen) == (2, 150_000)
    assert said(world, ONE, "E3").outcome is Outcome.BROKEN
    world.draft("S2", roster_row(1, THREE, 30_000, SHEET_CLASS), channel=Channel.SIGNATURE_SHEET)
    world.review("S2")
    world.approve("S2")
    assert [each.count for each in found(world, "E3")] == [2], "who kept a post was paid for that"
    assert said(world, THREE, "E3").outcome is Outcome.NOT_ASKED
    with catch_up(world.ledger, world.home.read_models).asking() as model:
        every = list(EARLIER["E3"][0].find(asked_of(world, model, TODAY)))
    assert [each.count for each in every] == [3]
    assert said(world, THREE, "C4").outcome is Outcome.NOT_ASKED


def test_a_list_is_replaced_by_a_newer_one_and_withdrawn(world: World) -> None:
    first = bring(world, ListKind.PUBLIC_SERVANTS, people(ONE))
    assert len(found(world, "A4")) == 1
    before = Moment(at=world.ledger.size() - 1)
    with pytest.raises(ListKnown):
        bring(world, ListKind.PUBLIC_SERVANTS, people(ONE))
    with pytest.raises(ListOlder):
        bring(world, ListKind.PUBLIC_SERVANTS, people(TWO), date(2016, 12, 1))
    with pytest.raises(ListAhead):
        bring(world, ListKind.PUBLIC_SERVANTS, people(TWO), date(2018, 1, 1))
    second = bring(world, ListKind.PUBLIC_SERVANTS, people(THREE), date(2017, 2, 1))

    assert (first.result["list_id"], second.result["edition"]) == (second.result["list_id"], 2)
    assert found(world, "A4") == []
    assert len(found(world, "A4", before)) == 1, "at the time it was"
    id_ = list_id(C01, ListKind.PUBLIC_SERVANTS)
    withdraw_list(world.ledger, world.act("J-C01", TODAY), id_, "来源有误")
    with pytest.raises(ListNotHeld):
        withdraw_list(world.ledger, world.act("J-C01", TODAY), id_, "来源有误")
    with catch_up(world.ledger, world.home.read_models).asking() as model:
        assert held_lists(model) == []
        assert [each.ended for each in list_editions(model)] == ["withdrawn", "replaced"]
    assert said(world, ONE, "A4").outcome is Outcome.NO_DATA
    bring(world, ListKind.PUBLIC_SERVANTS, people(ONE), date(2016, 12, 1))
    assert len(found(world, "A4")) == 1


def test_a_list_counts_for_the_union_that_brought_it_and_for_all_below(world: World) -> None:
    bring(world, ListKind.PUBLIC_SERVANTS, people(ONE), union="X02", staff="R-X02")

    assert found(world, "A4") == []
    assert said(world, ONE, "A4").outcome is Outcome.NO_DATA
    bring(world, ListKind.PUBLIC_SERVANTS, people(ONE), union="X01", staff="R-X01")
    assert len(found(world, "A4")) == 1


def test_who_pays_or_drafts_brings_no_list(world: World) -> None:
    with pytest.raises(RoleMissing):
        bring(
            world, ListKind.PUBLIC_SERVANTS, people(ONE), union="X01", staff="H-X01", signed_in=True
        )
    with pytest.raises(RoleMissing):
        bring(
            world, ListKind.PUBLIC_SERVANTS, people(ONE), union="C01", staff="R-X01", signed_in=True
        )
    bring(world, ListKind.PUBLIC_SERVANTS, people(ONE), union="X01", staff="R-X01", signed_in=True)


def test_faults_are_told_by_row_and_column_and_the_rest_stands(world: World) -> None:
    header = "证件号码,去世日期"
    lines = ("340101197001010004,2016-12-01", f"{ONE.id_number},昨天", f",{DAY}", ",")
    came = bring(
        world, ListKind.DECEASED, csv("死亡人员名单,", header, *lines, f"{TWO.id_number},20161201")
    ).result

    assert [tuple(each.values()) for each in came["refused"]] == [
        (3, "id.invalid", "身份证号码"),
        (4, "date.invalid", "死亡日期"),
        (5, "field.missing", "身份证号码"),
    ]
    assert came["taken"] == 1
    with pytest.raises(ListEmpty):
        bring(world, ListKind.VEHICLES, csv("身份证号码"))
    with pytest.raises(FileRefused) as refused:
        bring(world, ListKind.VEHICLES, csv("身份证号码", "1"))
    assert [each.row for each in refused.value.faults] == [2]
    with pytest.raises(FileRefused) as refused:
        bring(world, ListKind.RELATIVES, people(ONE))
    assert refused.value.code == "file.column_missing"


def test_columns_are_named_where_titles_do_not_say_it(world: World) -> None:
    data = csv("甲,乙,丙", f"1,{ONE.id_number},2016-12-01")
    layout = Layout(1, (None, "身份证号码", "死亡日期"))

    assert bring(world, ListKind.DECEASED, data, layout=layout).result["taken"] == 1
    with pytest.raises(FileRefused) as refused:
        bring(world, ListKind.DECEASED, data, layout=replace(layout, line=9))
    assert refused.value.code == "file.header_missing"


def test_a_workbook_is_read_row_by_row_and_stored_in_pieces(world: World) -> None:
    book = io.BytesIO()
    with xlsxwriter.Workbook(book) as workbook:
        sheet = workbook.add_worksheet()
        sheet.write_row(2, 1, ["姓名", "身份证号码"])
        for row, serial in enumerate([1, *range(5_000, 7_500)], 3):
            sheet.write_row(row, 1, ["某某", Person(serial).id_number])
        sheet.write(9_000, 2, 340101197001010004)
    start = world.ledger.size()
    came = bring(world, ListKind.PUBLIC_SERVANTS, book.getvalue()).result

    assert (came["taken"], came["refused_count"]) == (2_501, 1)
    assert came["refused"][0]["code"] == "id.not_text"
    counts = [
        each.event.count
        for each in world.ledger.read(start, 10)
        if isinstance(each.event, OutsideList.PieceTaken)
    ]
    assert counts == [2_000, 501]
    assert [each.payment_ids for each in found(world, "A4")] == [(world.payment_id(ONE),)]


def test_findings_grow_with_payments_and_lists_alike(world: World) -> None:
    bring(world, ListKind.PUBLIC_SERVANTS, people(ONE, THREE))
    assert [each.count for each in found(world, "A4")] == [1]
    world.pay("B2", roster_row(1, THREE, 60_000))
    assert [each.count for each in found(world, "A4")] == [2]
    bring(world, ListKind.REAL_ESTATE, people(THREE))
    assert [each.detail for each in found(world, "A5")] == ["real_estate"]

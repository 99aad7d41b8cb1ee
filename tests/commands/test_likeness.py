"""Signatures that look alike are put on record as they come, and void with an erasure."""

from dataclasses import replace
from datetime import datetime, timedelta
from random import Random

import pytest

from ledger.commands import recipients
from ledger.commands.comparing import show_signatures
from ledger.commands.likeness import compare_again, traits_of_strokes
from ledger.commands.signatures import DrawnSignature, capture_signature
from ledger.domain.officer import Role, RoleMissing, officer_id
from ledger.domain.organisation import organisation_id
from ledger.domain.signature import SignatureClaim
from ledger.domain.strokes import Strokes
from projections.findings.asked import Asked
from projections.findings.finding import Finding
from projections.findings.rules import findings
from projections.runner import catch_up, compare, rebuild
from projections.signature_clusters import cluster_list, pairs_of
from tests.hands import form_of, written
from tests.world import DAY, Person, World, signature

SHEET, WITNESS = "S1", "H-X01"
PEOPLE = [Person(40 + number) for number in range(24)]
MORNING = datetime.fromisoformat("2017-01-20T10:00:00+08:00")


@pytest.fixture
def sheet(world: World) -> World:
    world.receive("X01", 900_000)
    world.sheet(SHEET, *PEOPLE)
    return world


def hand(name: str, time: int) -> Strokes:
    return written(form_of(name, name), Random(time))


def sign(world: World, number: int, strokes: Strokes, begun: datetime = MORNING) -> None:
    order = DrawnSignature(
        batch_code=SHEET,
        number=number,
        signer_name=PEOPLE[number - 1].name,
        own_hand=True,
        strokes=strokes,
        witness_id=officer_id(WITNESS),
        device="tablet-1",
        started_at=begun.isoformat(),
        ended_at=(begun + timedelta(seconds=2)).isoformat(),
    )
    answer = capture_signature(world.ledger, world.act(WITNESS), order)
    assert answer.refusal_code is None


def alike(world: World) -> list[SignatureClaim.FoundAlike]:
    read = world.ledger.read(0, 10_000)
    return [each.event for each in read if isinstance(each.event, SignatureClaim.FoundAlike)]


def found(world: World) -> list[Finding]:
    with catch_up(world.ledger, world.home.read_models).asking() as model:
        every = findings(Asked(model, DAY, []))
    return [each for each in every if each.rule == "D2"]


def spread(number: int) -> datetime:
    """Ten minutes apart: nobody doubts that."""
    return MORNING + timedelta(minutes=10 * number)


def test_one_form_for_two_people_is_a_doubt_and_no_refusal(sheet: World) -> None:
    sign(sheet, 1, hand("甲", 1), spread(1))
    sign(sheet, 2, hand("乙", 2), spread(2))
    assert alike(sheet) == []
    assert found(sheet) == []

    sign(sheet, 3, hand("甲", 3), spread(3))

    assert {each.by for each in alike(sheet)} >= {"strokes"}
    assert {each.other_id for each in alike(sheet)} == {sheet.payment(PEOPLE[0]).id}
    assert {each.detail for each in found(sheet)} == {each.by for each in alike(sheet)}
    assert {each.count for each in found(sheet)} == {1}
    sheet.check_log()


def test_a_person_who_signs_again_looks_like_themselves(sheet: World) -> None:
    sign(sheet, 1, hand("甲", 1), spread(1))
    sign(sheet, 1, hand("甲", 2), spread(2))

    assert alike(sheet) == []


def test_the_erasure_of_one_voids_what_was_found_and_removes_the_print(sheet: World) -> None:
    sign(sheet, 1, hand("甲", 1), spread(1))
    sign(sheet, 2, hand("甲", 2), spread(2))
    [*_, first] = alike(sheet)
    assert found(sheet)

    person = sheet.payment(PEOPLE[0]).person_id
    recipients.erase_person(sheet.ledger, sheet.act(), person, "本人要求")

    assert found(sheet) == []
    assert not sheet.ledger.vault.has_print(first.other_id, first.other_sha256, "strokes 1")
    assert sheet.ledger.vault.has_print(first.disbursement_id, first.image_sha256, "strokes 1")
    known = len(alike(sheet))
    sign(sheet, 3, hand("甲", 3), spread(3))
    assert {each.other_id for each in alike(sheet)[known:]} == {sheet.payment(PEOPLE[1]).id}
    sheet.check_log()


def test_one_picture_in_a_file_for_two_people_is_found(sheet: World) -> None:
    one, other = (signature(number, PEOPLE[number - 1].name) for number in (1, 2))

    sheet.sign(SHEET, one, replace(other, image_sha256=one.image_sha256))

    assert [(each.detail, each.count) for each in found(sheet)] == [("same", 1)]


def test_to_compare_again_puts_nothing_on_record_twice(sheet: World) -> None:
    sign(sheet, 1, hand("甲", 1), spread(1))
    sign(sheet, 2, hand("甲", 2), spread(2))
    known = len(alike(sheet))

    answer = compare_again(sheet.ledger, sheet.act(), sheet.payment(PEOPLE[1]).id)

    assert answer.result["compared"]
    assert len(alike(sheet)) == known


@pytest.mark.parametrize(
    ("people", "seconds", "hour", "details"),
    [
        (20, 3, 10, {"pace": 20, "in_a_row": 20}),
        (12, 6, 10, {"in_a_row": 12}),
        (12, 60, 10, {}),
        (3, 300, 23, {"night": 3}),
        (2, 300, 23, {}),
    ],
)
def test_many_people_on_one_device_in_no_time_or_by_night(
    sheet: World, people: int, seconds: int, hour: int, details: dict[str, int]
) -> None:
    for number in range(people):
        begun = MORNING.replace(hour=hour) + timedelta(seconds=seconds * number)
        sign(sheet, number + 1, hand(f"人{number}", number), begun)

    # Of so many hands two may look alike by chance; that is another rule's matter.
    by_device = [each for each in found(sheet) if each.batch_id is not None]

    assert {each.detail: each.count for each in by_device} == details


def test_what_a_device_sends_the_wrong_way_round_is_counted_by_its_clock(sheet: World) -> None:
    for number in reversed(range(12)):
        begun = MORNING + timedelta(seconds=5 * number)
        sign(sheet, number + 1, hand(f"人{number}", number), begun)
        found(sheet)  # each is counted on its own

    assert {each.detail: each.count for each in found(sheet) if each.batch_id} == {"in_a_row": 12}
    fresh = sheet.home.read_models.with_name("again.sqlite")
    rebuild(sheet.ledger, fresh)
    assert compare(sheet.home.read_models, fresh) == []


def test_pictures_are_shown_when_it_is_on_record_who_looked(sheet: World) -> None:
    sheet.appoint("J-C01", "C01", Role.INSPECTOR, DAY)
    sign(sheet, 1, hand("甲", 1), spread(1))
    sign(sheet, 2, hand("甲", 2), spread(2))
    ids = [organisation_id(code) for code in ("C01", "X01")]
    with catch_up(sheet.ledger, sheet.home.read_models).asking() as model:
        [cluster] = cluster_list(model, ids)
        assert cluster_list(model, [organisation_id("X02")]) == []
        pair = pairs_of(model, cluster.number, ids)[0]
    wanted = [(side.disbursement_id, side.sha256) for side in (pair.one, pair.other)]

    with pytest.raises(RoleMissing):
        show_signatures(sheet.ledger, sheet.act("R-X02"), wanted, "核对笔迹")
    known = sheet.ledger.size()
    pictures = show_signatures(sheet.ledger, sheet.act("J-C01"), wanted, "核对笔迹")

    assert [each.content[:4] for each in pictures.values()] == ["<svg", "<svg"]
    assert sheet.types(known).count("recipient.unmasked") == 2
    recipients.erase_person(sheet.ledger, sheet.act(), sheet.payment(PEOPLE[0]).person_id, "要求")
    assert len(show_signatures(sheet.ledger, sheet.act("J-C01"), wanted, "核对笔迹")) == 1


def test_no_print_stands_in_clear_or_in_the_log(sheet: World) -> None:
    strokes = hand("甲", 1)
    sign(sheet, 1, strokes)

    files = [path for path in sheet.home.path.rglob("*") if path.is_file()]
    contents = [trait.content for trait in traits_of_strokes(strokes)]

    assert contents
    assert not any(content in path.read_bytes() for path in files for content in contents)


def test_what_looks_alike_is_on_record_though_it_was_decided_twice(
    sheet: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    sign(sheet, 1, hand("甲", 1), spread(1))
    other = World(sheet.home, sheet.officers)
    other.reopen()
    flush, overtaken = sheet.ledger.vault.flush, list[int]()

    def flush_and_be_overtaken() -> None:
        flush()
        if not overtaken:
            overtaken.append(other.ledger.size())
            other.receive("X01", 100)

    monkeypatch.setattr(sheet.ledger.vault, "flush", flush_and_be_overtaken)
    sign(sheet, 2, hand("甲", 2), spread(2))
    other.ledger.close()

    assert overtaken
    assert {each.other_id for each in alike(sheet)} == {sheet.payment(PEOPLE[0]).id}
    sheet.check_log()

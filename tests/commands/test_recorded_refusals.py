"""Refusals that are put on record: who tried what, and that nothing came of it."""

from ledger.commands import officers, recipients
from ledger.commands.disbursements import SignedRowUnknown
from ledger.commands.sealing import ROSTER_ROW, unseal
from ledger.domain.batch import Batch
from ledger.domain.disbursement import NotInTransit, SignedForByAnother
from ledger.domain.officer import Role, officer_id
from ledger.domain.organisation import organisation_id
from ledger.domain.policy import Channel
from ledger.domain.recipient import AlreadyErased, FileDatesBackwards
from ledger.errors import LedgerError
from ledger.files.faults import TEXTS
from ledger.store.application import NotOnRecord
from ledger.vault.keys import PersonErased
from tests.commands.refusing import ONE, TWO, nothing_more
from tests.world import SHEET_CLASS, Person, World, roster_row, signature


def test_a_roster_that_names_somebody_erased_pays_the_others_and_keeps_nothing_of_them(
    world: World,
) -> None:
    world.receive("X01", 500_000)
    world.file(ONE, TWO)
    person = world.ledger.vault.subject_id("id_number", ONE.id_number)
    recipients.erase_person(world.ledger, world.act(), person, "本人要求")

    answer = world.draft(
        "B1",
        roster_row(1, ONE, 60_000),
        roster_row(2, ONE, 1),
        roster_row(3, TWO, 60_000),
    )

    assert [(row["number"], row["code"]) for row in answer.result["refused"]] == [
        (1, "vault.person_erased"),
        (2, "amount.below_minimum"),
    ]
    for each in world.ledger.read(world.ledger.size() - 4, 4):
        if isinstance(each.event, Batch.RowRefused):
            subject, sealed = each.event.subject_id, each.event.details
            assert unseal(world.ledger, subject, ROSTER_ROW, sealed) == {}
    world.review("B1")
    assert world.approve("B1").result["paid"] == 1
    world.check_log()


def test_a_reviewer_without_office_is_put_on_record_and_has_reviewed_nothing(world: World) -> None:
    world.receive("X01", 500_000)
    world.file(ONE)
    world.draft("B1", roster_row(1, ONE, 60_000))

    answer = world.review("B1", "R-X02")

    assert answer.refusal_code == "duty.role_missing"
    assert nothing_more(world, lambda: world.approve("B1")).code == "batch.wrong_stage"
    world.review("B1")
    assert world.approve("B1").result["paid"] == 1
    world.check_log()


def test_an_approver_whose_post_has_ended_approves_nothing(world: World) -> None:
    world.receive("X01", 500_000)
    world.file(ONE)
    world.draft("B1", roster_row(1, ONE, 60_000))
    world.review("B1")
    post = officers.Post(officer_id("A-X01"), organisation_id("X01"), Role.APPROVER)
    officers.end_role(world.ledger, world.act(), post)

    assert world.approve("B1").refusal_code == "duty.role_missing"
    assert world.types()[-1] == "batch.refused"
    world.check_log()


def test_every_refused_signature_is_put_on_record_by_itself(world: World) -> None:
    world.receive("X01", 500_000)
    people = [Person(20), Person(21)]
    rows = [roster_row(n, p, 30_000, SHEET_CLASS) for n, p in enumerate(people, 1)]
    world.pay("B1", *rows, channel=Channel.SIGNATURE_SHEET)
    before = world.types().count("refusal.recorded")
    sheet = [signature(1, "代签"), signature(2, "代签"), signature(9, "某某")]

    for _ in range(2):  # tried again within the same moment
        answer = world.sign("B1", *sheet)
        assert answer.result["signed"] == 0

    assert world.types().count("refusal.recorded") - before == 6
    assert world.types().count("batch.sheet_certified") == 0
    world.check_log()


def test_a_row_of_an_amount_that_nobody_could_write_down_is_refused(world: World) -> None:
    world.file(ONE, TWO)
    rows = (roster_row(1, ONE, 10**17), roster_row(2, TWO, -(10**17)))

    answer = world.draft("B1", *rows)

    assert [row["code"] for row in answer.result["refused"]] == ["amount.invalid"] * 2
    world.check_log()


def test_every_code_by_which_a_row_is_refused_can_be_told_in_words() -> None:
    """The loader tells refused rows by file, row and column, in both languages."""
    listed: set[type[LedgerError]] = {
        SignedForByAnother,
        SignedRowUnknown,
        NotInTransit,
        PersonErased,
        AlreadyErased,
        FileDatesBackwards,
        NotOnRecord,
    }

    assert {refusal.code for refusal in listed} <= set(TEXTS)

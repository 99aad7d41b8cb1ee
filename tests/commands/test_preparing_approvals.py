"""What the preparation of an approval found is found again where anything of it changed since."""

import json
from collections.abc import Callable, Sequence
from datetime import date
from uuid import UUID

import pytest
from msgspec import structs

from ledger.commands import batches, policies, recipients
from ledger.commands.sealing import person_id
from ledger.domain.batch import Batch, BatchEmpty, Stage, batch_id
from ledger.domain.recipient import Recipient
from ledger.store.application import Ledger
from ledger.vault.vault import Vault
from tests.commands.refusing import ONE, TWO
from tests.world import DAY, RECORDED_AT, World, roster_row, terms

pytestmark = pytest.mark.both_stores

STEP = batches.Step("B1", "A-X01")
NEXT_DAY = date(2017, 1, 11)
GIVEN = roster_row(1, ONE, 1).given


def prepared(world: World) -> int:
    """Prepare the approval; return how many rows stand in what is to be signed."""
    payload = batches.prepare_approval(world.ledger, world.act("A-X01"), STEP)
    return int(json.loads(payload)["data"]["accepted_count"])


def close_file(world: World, ledger: Ledger) -> None:
    recipients.close_file(
        ledger, world.act(), person_id(ledger, TWO.id_number), f"DA{TWO.serial}", "脱困"
    )


def pay_elsewhere(world: World, ledger: Ledger) -> None:
    assert ledger is world.ledger
    world.draft("B2", roster_row(1, TWO, 60_000))
    world.review("B2")
    world.approve("B2")


@pytest.fixture
def reviewed(world: World) -> World:
    world.receive("X01", 1_000_000)
    world.file(ONE, TWO)
    world.draft("B1", roster_row(1, ONE, 60_000), roster_row(2, TWO, 60_000))
    world.review("B1")
    return world


def test_nobody_is_looked_up_again_while_nothing_that_concerns_them_is_written(
    reviewed: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_up: list[type] = []
    glanced = Ledger.glanced

    def watch(ledger: Ledger, cls: type, ids: Sequence[UUID]) -> object:
        looked_up.append(cls)
        return glanced(ledger, cls, ids)

    monkeypatch.setattr(Ledger, "glanced", watch)
    assert prepared(reviewed) == 2
    assert Recipient in looked_up
    looked_up.clear()
    reviewed.receive("X02", 1)

    assert prepared(reviewed) == 2
    assert reviewed.approve("B1").result["paid"] == 2
    assert looked_up == []


def ask_for(world: World, *fields: str, since: date = DAY) -> None:
    """Have another reading of the policy require further fields of card payments."""
    card, *others = terms().categories
    asked = structs.replace(card, required_fields=(*card.required_fields, *fields))
    again = structs.replace(terms(since), categories=(asked, *others))
    policies.adopt_policy(world.ledger, world.act("A-C01"), again)


def test_a_row_falls_that_lacks_what_the_policy_came_to_ask_for(world: World) -> None:
    world.receive("X01", 1_000_000)
    world.file(ONE, TWO)
    lacking = roster_row(2, TWO, 60_000, reason="", given=GIVEN - {"困难原因"})
    for code in ("B1", "B2"):
        world.draft(code, roster_row(1, ONE, 60_000), lacking)
        world.review(code)
    ask_for(world, "困难原因", "银行卡号", since=NEXT_DAY)
    assert prepared(world) == 2, "in force from the day after"

    answer = world.approve("B1", day=NEXT_DAY)

    assert answer.result["withdrawn"] == [{"number": 2, "code": "field.missing"}]
    assert answer.result["paid"] == 1
    ask_for(world, "工作单位", since=NEXT_DAY)
    with pytest.raises(BatchEmpty, match=r"field\.missing: 2"):
        world.approve("B2", day=NEXT_DAY)
    assert world.check_log().holds


def test_rows_are_opened_only_where_more_is_asked_for_than_as_they_were_listed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[UUID] = []
    open_ = Vault.open

    def watch(vault: Vault, subject: UUID, *of: str) -> dict[str, str]:
        opened.append(subject)
        return open_(vault, subject, *of)

    monkeypatch.setattr(Vault, "open", watch)
    world.receive("X01", 1_000_000)
    world.file(ONE, TWO)
    world.draft("B0", roster_row(1, TWO, 60_000))
    ask_for(world, "困难原因")
    world.draft("B1", roster_row(1, ONE, 60_000))
    for code in ("B0", "B1"):
        world.review(code)

    assert prepared(world) == 1
    assert opened == []
    world.approve("B0")
    assert opened == [person_id(world.ledger, TWO.id_number)]


@pytest.mark.parametrize("change", [close_file, pay_elsewhere])
def test_who_may_not_be_paid_any_more_falls_after_the_preparation_too(
    reviewed: World, change: Callable[[World, Ledger], None]
) -> None:
    assert prepared(reviewed) == 2

    change(reviewed, reviewed.ledger)

    assert prepared(reviewed) == 1
    assert [each["number"] for each in reviewed.approve("B1").result["withdrawn"]] == [2]


def test_what_another_process_writes_counts_too(reviewed: World) -> None:
    assert prepared(reviewed) == 2
    other = reviewed.home.open(RECORDED_AT, DAY)
    close_file(reviewed, other)
    other.close()

    assert prepared(reviewed) == 1
    assert [each["number"] for each in reviewed.approve("B1").result["withdrawn"]] == [2]


def test_a_batch_whose_approval_is_prepared_stays_as_it_was(reviewed: World) -> None:
    before = reviewed.ledger.load(Batch, batch_id("B1"))
    assert before is not None
    version, officers = before.version, list(before.officers)

    prepared(reviewed)

    batch = reviewed.ledger.load(Batch, batch_id("B1"))
    assert batch is not None
    assert (batch.version, batch.officers, batch.stage) == (version, officers, Stage.REVIEWED)
    assert (list(batch.rows), batch.pending) == ([1, 2], [])

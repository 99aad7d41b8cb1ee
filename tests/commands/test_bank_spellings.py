"""Names that a bank's charset lacks: put on record, respelt on a ground, answered under either."""

import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from typer.testing import CliRunner

from api.cli.main import app
from ledger.commands import batches, statements
from ledger.commands.bank_files import (
    BankFileOrder,
    SpellingAgreement,
    agree_spelling,
    export_batch,
)
from ledger.domain.batch import Batch, SpellingNotWanted, SpellingOfAnother, batch_id
from ledger.domain.disbursement import Status
from ledger.domain.policy import Channel
from ledger.files.bank import BankReturn, Lists, ReturnLine
from ledger.files.bank_formats.shelf import templates
from ledger.files.faults import FileRefused
from tests.world import CAMPAIGN, EARMARK, Person, World, roster, roster_row, settled

ODD, PLAIN = Person(1), Person(2)
PAYER = {"unit": "U01"}
FORMAT = "city-bank-a"


@pytest.fixture
def approved(world: World) -> World:
    """A batch for a bank that writes GBK, with a name that GBK lacks a character of."""
    world.receive("X01", 500_000)
    world.file(ODD, PLAIN)
    rows = (roster_row(1, ODD, 60_000, name="张䶮明"), roster_row(2, PLAIN, 60_000))
    order = batches.Draft(
        "B1", CAMPAIGN, "X01", EARMARK, Channel.BANK_CARD, FORMAT, "H-X01", roster(*rows)
    )
    batches.draft_batch(world.ledger, world.act("H-X01"), order)
    world.review("B1")
    world.approve("B1")
    return world


def _write(world: World) -> str:
    order = BankFileOrder("B1", payer=PAYER)
    return export_batch(world.ledger, world.act(), order).content.decode("gbk")


def _spell(world: World, spelling: str, number: int = 1) -> None:
    order = SpellingAgreement("B1", number, spelling, "银行书面同意")
    agree_spelling(world.ledger, world.act(), order)


def _batch(world: World) -> Batch:
    found = world.ledger.load(Batch, batch_id("B1"))
    assert found is not None
    return found


def test_a_name_that_does_not_fit_is_put_on_record_once_and_resolved(approved: World) -> None:
    for _ in range(2):
        with pytest.raises(FileRefused) as refusal:
            _write(approved)
        assert refusal.value.code == "bank_file.name_not_encodable"
    assert approved.types().count("batch.names_unwritable") == 1
    assert _batch(approved).unwritable == {1}
    assert approved.types().count("batch.exported") == 0

    _spell(approved, "张YAN明")
    content = _write(approved)

    assert "|张YAN明|" in content
    assert "?" not in content
    assert _batch(approved).unwritable == frozenset()
    said = b"".join(path.read_bytes() for path in Path(approved.home.path).glob("events.sqlite*"))
    assert "张YAN明".encode() not in said
    approved.check_log()


@pytest.mark.parametrize("spelling", ["李YAN明", "张YAN", "张明", "张?明", "张？明", "张䶮明", ""])
def test_a_spelling_is_not_another_person(approved: World, spelling: str) -> None:
    size = approved.ledger.size()
    with pytest.raises(SpellingOfAnother):
        _spell(approved, spelling)
    assert approved.ledger.size() == size


@pytest.mark.parametrize("number", [2, 7])
def test_a_name_that_the_bank_can_write_stays(approved: World, number: int) -> None:
    with pytest.raises(SpellingNotWanted):
        _spell(approved, "试YAN", number)


@pytest.mark.parametrize("name", ["张YAN明", "张䶮明"])
def test_the_bank_may_answer_under_either_spelling(approved: World, name: str) -> None:
    _spell(approved, "张YAN明")
    lines = (replace(settled(1, ODD, 60_000), name=name), settled(2, PLAIN, 60_000))

    _answer(approved, *lines)

    assert approved.payment(ODD).status is Status.SETTLED


def _answer(world: World, *lines: ReturnLine, key: str | None = "k1") -> dict[str, object]:
    content = BankReturn(FORMAT, "B1", Lists.ALL, lines, None, None, "cd" * 32)
    order = statements.ReturnFile("B1", "return.txt", content)
    return statements.receive_statement(world.ledger, world.act(key=key), order).result


def test_the_commands_list_formats_spell_write_and_take_in(
    approved: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    approved.ledger.close()
    monkeypatch.setenv("NUANZHANG_HOME", str(approved.home.path))
    run, file = CliRunner().invoke, tmp_path / "back.txt"
    written = ["bank-file", "B1", "--to", str(tmp_path), "--payer", "unit=U01"]

    refused = run(app, written)
    spelt = run(app, ["bank", "spell", "B1", "1", "--ground", "银行同意"], input="张YAN明\n")
    paid = run(app, written)
    [out] = tmp_path.glob("B1-*.txt")
    file.write_bytes(_printed(out.read_bytes().decode("gbk").splitlines()[1:]).encode("gb18030"))
    taken = run(app, ["bank", "return", "B1", str(file)])
    listed = run(app, ["bank-formats"])
    said = json.loads(run(app, ["bank-formats", "--json"]).stdout)

    assert isinstance(refused.exception, FileRefused)
    assert [each.exit_code for each in (spelt, paid, taken, listed)] == [0, 0, 0, 0]
    assert "张" not in spelt.stdout.partition("\n")[2]
    assert taken.stdout == "2 settled, 0 returned, 0 not decided\n"
    assert {each["name"] for each in said} == set(templates())
    by_name = {each["name"]: each for each in said}
    assert [each["direction"] for each in by_name[FORMAT]["ways"]] == ["out", "return", "return"]
    assert by_name["unionpay-df"]["ways"][0]["totals"] == ["count", "total"]
    assert by_name["cmb-agent"]["ways"][1]["statuses"]["settled"] == ["S"]
    assert "abc-cfrt03-bytes" in listed.stdout
    approved.reopen()


def _printed(rows: list[str]) -> str:
    """Print the bank's list of what it paid, out of the rows that it was sent."""
    cells = [row.split("|") for row in rows]
    lines = [f"│ {c[0]} │ {c[3]} │ {c[1]} │ {c[2]} │" for c in cells]
    total = f"{sum(Decimal(c[2]) for c in cells)}"
    titles = "│ 代理编号 │ 帐号 │ 客户姓名 │ 金额 │"
    whole = ("批量代发成功清单", titles, *lines, f"│ 合计 │ {len(rows)}笔 │ │ {total} │")
    return "".join(f"{line}\n" for line in whole)

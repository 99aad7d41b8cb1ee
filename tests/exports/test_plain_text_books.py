"""hledger and beancount read the journal, and hold in every account what the ledger holds."""

import csv
import os
import subprocess
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from beancount import loader
from beancount.core import data
from hypothesis import HealthCheck, given, settings
from sqlalchemy import Connection, select
from typer.testing import CliRunner

from api import bootstrap
from api.cli.main import app
from api.folder import open_folder
from api.journal_file import journal_lines
from api.keyring import Keyring
from api.loading import Loading
from ledger.store.application import Ledger, NotOnRecord
from ledger.store.home import Home
from projections import runner
from projections.account_book import AccountBook, Head
from projections.asked import NOW, Moment
from projections.balances import balances, trial_balance
from projections.exports import plain_text
from projections.exports.plain_text import Dialect, Names, part
from projections.journal import Account, lines
from projections.organisations import tree_on
from projections.runner import catch_up, rebuild
from projections.surplus import surplus, years
from tests.loading.folders import make_folder
from tests.projections.streams import ListFeed, Money3, steps

SCENARIO = Path(__file__).parents[1] / "data" / "scenario-2017"

Held = Mapping[str, int]
"""What each account holds, in fen; empty ones are left out."""


@pytest.fixture(
    scope="module", params=["scenario", 3, 6], ids=["the scenario", "a folder", "another"]
)
def loaded(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Ledger, Connection, Path]]:
    """A campaign's ledger, its read model, and a folder to write into."""
    folder = tmp_path_factory.mktemp("books")
    scenario = SCENARIO
    if request.param != "scenario":
        scenario = folder / "other"
        make_folder(scenario, request.param, unions=4, people=8)
    home = Home(folder / "data")
    with bootstrap.opened(home, create=True) as ledger:
        Loading(ledger, Keyring(home.keyring), open_folder(scenario), bootstrap.now).run()
        with catch_up(ledger, home.read_models).asking() as model:
            yield ledger, model, folder


def hledger(path: Path, *words: str) -> str:
    done = subprocess.run(
        ["hledger", "-f", str(path), *words],
        env={**os.environ, "LC_ALL": "C.UTF-8"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def held_by_hledger(path: Path, day: date) -> Held:
    after = (day + timedelta(days=1)).isoformat()
    told = hledger(path, "balance", "--flat", "--no-total", "-e", after, "-O", "csv")
    rows = list(csv.reader(told.splitlines()))[1:]
    return {account: fen(amount.replace("¥", "")) for account, amount in rows}


def held_by_beancount(path: Path, day: date) -> Held:
    entries, errors, _ = loader.load_file(str(path))
    assert errors == []
    held: Counter[str] = Counter()
    for entry in entries:
        if isinstance(entry, data.Transaction) and entry.date <= day:
            for posting in entry.postings:
                assert posting.units is not None
                assert posting.units.currency == "CNY"
                assert isinstance(posting.units.number, Decimal)
                held[posting.account] += fen(posting.units.number)
    return {account: amount for account, amount in held.items() if amount}


def fen(amount: str | Decimal) -> int:
    whole = Decimal(amount) * 100
    assert whole == int(whole)
    return int(whole)


PROGRAMS: dict[Dialect, Callable[[Path, date], Held]] = {
    Dialect.HLEDGER: held_by_hledger,
    Dialect.BEANCOUNT: held_by_beancount,
}


def held_by_the_ledger(model: Connection, day: date) -> Counter[tuple[str, str, str, str]]:
    """Return what the balances say, by union, purpose, where it is, and vintage."""
    tree, held = tree_on(model), Counter[tuple[str, str, str, str]]()
    for each in balances(model, Moment(as_of=day)):
        union = tree.by_id[each.organisation_id].code
        place = (union, each.earmark)
        held[*place, "Hand", str(each.vintage)] += each.in_hand_fen
        held[*place, "Transit", str(each.vintage)] += each.in_transit_fen
        held[*place, "Paid", str(each.vintage)] += each.paid_fen
        held[*place, "Remitted", str(each.vintage)] += each.remitted_fen
    return Counter({place: amount for place, amount in held.items() if amount})


def as_the_ledger_says_it(
    held: Held, model: Connection
) -> tuple[Counter[tuple[str, str, str, str]], Counter[str]]:
    """Return balances by union, purpose, place and vintage, and what each other account holds."""
    unions = {part(f"{each.code}-{each.name}"): each.code for each in tree_on(model).by_id.values()}
    purposes = {part(each.earmark): each.earmark for each in balances(model)}
    found, others = Counter[tuple[str, str, str, str]](), Counter[str]()
    for account, amount in held.items():
        root, union, purpose, place, vintage = account.split(":")
        if root in ("Assets", "Expenses"):
            where = "Transit" if place == "Returned" else place
            found[unions[union], purposes[purpose], where, vintage] += amount
        elif purpose.startswith("Opening"):
            others[f"{purpose} {unions[union]} {place}"] += amount
        else:
            others["Source" if root == "Income" else "Transfer"] += amount
    return found, others


@pytest.mark.parametrize("dialect", list(Dialect), ids=lambda each: each.value)
def test_both_programs_agree_with_the_balances_at_three_dates(
    loaded: tuple[Ledger, Connection, Path], dialect: Dialect
) -> None:
    ledger, model, folder = loaded
    path = folder / dialect.value
    path.write_bytes(b"".join(journal_lines(ledger, model, dialect, NOW)))

    moved_on = sorted(
        map(date.fromisoformat, model.execute(select(lines.c.happened_on).distinct()).scalars())
    )
    days = (moved_on[0], moved_on[len(moved_on) // 2], moved_on[-1])
    for day in days:
        found, others = as_the_ledger_says_it(PROGRAMS[dialect](path, day), model)

        assert found == held_by_the_ledger(model, day)
        trial = trial_balance(model, Moment(as_of=day))
        assert others["Source"] == trial[Account.SOURCE] < 0
        assert others["Transfer"] == trial[Account.TRANSFER]
        opened = 0
        for union in tree_on(model).by_id.values():
            for year in years(model, [union.organisation_id]):
                of = surplus(model, [union.organisation_id], year, Moment(as_of=day))
                assert others[f"Opening {union.code} {year}"] == -of.opening_fen
                assert others[f"Opening-Contra {union.code} {year}"] == of.opening_fen
                opened += of.opening_fen
        assert opened > 0 or day != days[-1]


def test_both_forms_hold_the_same_and_every_event_that_moved_money(
    loaded: tuple[Ledger, Connection, Path],
) -> None:
    ledger, model, folder = loaded
    said = {}
    for dialect, held_by in PROGRAMS.items():
        path = folder / f"whole {dialect.value}"
        path.write_bytes(b"".join(journal_lines(ledger, model, dialect, NOW)))
        said[dialect] = held_by(path, date(2100, 1, 1))
    entries, _, _ = loader.load_file(str(folder / "whole beancount"))
    events = {
        int(entry.meta["position"]): (entry.meta["event"], entry.meta["stream"], entry.date)
        for entry in entries
        if isinstance(entry, data.Transaction)
    }

    assert said[Dialect.HLEDGER] == said[Dialect.BEANCOUNT]
    assert set(model.execute(select(lines.c.position)).scalars()) <= set(events)
    for at, event in ledger.read(0, ledger.size()):
        if at in events:
            id_ = str(event.originator_id)
            assert events[at] == (event.TOPIC, id_, event.happened_on)


@pytest.mark.parametrize("dialect", list(Dialect), ids=lambda each: each.value)
def test_a_line_that_is_altered_is_refused_by_the_program_itself(
    loaded: tuple[Ledger, Connection, Path], dialect: Dialect
) -> None:
    ledger, model, folder = loaded
    written = b"".join(journal_lines(ledger, model, dialect, NOW)).decode()
    rows = written.splitlines(keepends=True)
    first = next(at for at, row in enumerate(rows) if row.startswith(" ") and "Income:" in row)
    moved = next(at for at in range(first + 1, len(rows)) if "Assets:" in rows[at])
    for at in (first, moved):
        rows[at] = rows[at].replace(".00", ".01").replace(".25", ".26").replace(".50", ".51")
    path = folder / f"altered {dialect.value}"
    path.write_text("".join(rows), encoding="utf-8")

    if dialect is Dialect.BEANCOUNT:
        _, errors, _ = loader.load_file(str(path))
        assert errors
    else:
        with pytest.raises(AssertionError, match=r"balance assertion|unbalanced"):
            hledger(path, "check")


@given(steps)
@settings(
    deadline=None, max_examples=10, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)
def test_whatever_happens_to_money_both_programs_follow_it(
    taken: list[tuple[str, int, int]],
) -> None:
    world = Money3().take(taken).finish()

    def heads(start: int, stop: int) -> Iterator[Head]:
        for at, event in world.recorded[start:stop]:
            yield Head(at, event.originator_id, event.originator_version, event.TOPIC)

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "read.sqlite"
        rebuild(ListFeed(world.recorded, len(world.log)), path)
        with runner.open_model(path).asking() as model:
            tree = tree_on(model)
            book = AccountBook(model, tree, list(tree.by_id))
            for dialect, held_by in PROGRAMS.items():
                written = Path(folder) / dialect.value
                text = b"".join(plain_text.lines(book.book("账", (), heads), dialect))
                written.write_bytes(text)
                for day in (world.log[0].happened_on, world.day, date(2100, 1, 1)):
                    found, _ = as_the_ledger_says_it(held_by(written, day), model)
                    # Transit and Returned together may come to nothing.
                    assert +found == held_by_the_ledger(model, day)


def test_the_journal_of_one_union_and_what_stands_below_it_is_taken_away(
    loaded: tuple[Ledger, Connection, Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    _, model, folder = loaded
    monkeypatch.setenv("NUANZHANG_HOME", str(folder / "data"))
    tree = tree_on(model)
    union = next(each for each in tree.by_id.values() if tree.children(each.organisation_id))
    below = {tree.by_id[id_].code for id_ in tree.subtree(union.organisation_id)}
    out = tmp_path / "taken.beancount"

    asked = ["export", "journal", "--format", "beancount", "--organisation", union.code]
    printed = CliRunner().invoke(app, asked)
    written = CliRunner().invoke(app, [*asked, "--as-of", "2100-01-01", "--out", str(out)])
    unknown = CliRunner().invoke(app, [*asked[:-1], "Z"])

    assert (printed.exit_code, written.exit_code) == (0, 0)
    assert out.read_text(encoding="utf-8").split("\n\n")[1:] == printed.stdout.split("\n\n")[1:]
    entries, errors, _ = loader.load_file(str(out))
    opened = {each.meta["code"] for each in entries if isinstance(each, data.Open)}
    assert errors == []
    assert opened
    assert opened <= below
    assert isinstance(unknown.exception, NotOnRecord)


def test_names_are_what_both_programs_read() -> None:
    names = Names()

    assert part("C01-示范市总工会(本级)") == "C01-示范市总工会-本级"
    assert part("送温暖") == "N-送温暖"
    assert part("a; b:c") == "N-a-b-c"
    assert part("〔〕") == "0"
    assert names.of(1, "甲") == "N-甲"
    assert names.of(2, "甲 ") == "N-甲-2"
    assert names.of(1, "whatever it is called later") == "N-甲"

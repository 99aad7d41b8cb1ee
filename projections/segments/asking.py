"""Questions to sealed segments, in SQL that several engines understand; the texts stand in `sql/`.

An engine is told which files make a table, which question makes a view, and what is asked. So one
machine (`duck.py`) and a cluster (`spark.py`) answer the very same texts.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from ledger.errors import Kind, LedgerError
from ledger.segments.checking import OutOfTurn
from ledger.segments.manifest import PARQUET, Manifest
from projections.asked import NOW, Moment
from projections.findings.asked import Patience
from projections.findings.limits import USUAL

QUESTIONS = (
    "balances",
    "trial_balance",
    "surplus",
    "duplicates",
    "a9",
    "b3",
    "c2",
    "c3",
    "e2",
    "g5",
    "j3",
)
VIEWS = ("standing", "sent_back", "duplicates")
"""Questions that other questions ask."""
DATED = frozenset(
    {
        "disbursement_states",
        "disbursements",
        "journal_lines",
        "movements",
        "openings",
        "payment_cards",
        "person_files",
        "reissue_cards",
    }
)
"""Tables of what happened; the others are of what there is, whenever it came to be."""
OF_EVERY_DAY = {"lines_of_every_day": "journal_lines"}
"""What a dated table is called whatever day is asked for: of what stood at a position."""


class QuestionUnknown(LedgerError):
    """No question to segments is called so."""

    code = "segment.question_unknown"
    kind = Kind.ABSENT

    def __init__(self, name: str) -> None:
        super().__init__(f"no question is called {name}; there are {', '.join(QUESTIONS)}")


class Answer(NamedTuple):
    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]


class Engine(Protocol):
    """Whatever can read Parquet and understands SQL."""

    def table(self, name: str, paths: Sequence[Path], where: str) -> None:
        """Call the rows of these files by a name, those for which `where` holds."""

    def view(self, name: str, text: str) -> None:
        """Call what a question answers by a name."""

    def answer(self, text: str) -> Answer: ...


@dataclass(frozen=True)
class Asking:
    """Which segments are asked, as of when, and what rules bear. `day` is the day it is."""

    folder: Path
    manifests: Sequence[Manifest]
    day: date
    moment: Moment = NOW
    patience: Patience = USUAL


def ask(engine: Engine, asking: Asking, name: str) -> Answer:
    """Ask a question by its name.

    Raises:
        QuestionUnknown: There is none of this name.
    """
    if name not in QUESTIONS:
        raise QuestionUnknown(name)
    _tell(engine, asking)
    return engine.answer(text_of(name))


def out_of_turn(engine: Engine, folder: Path, manifests: Sequence[Manifest]) -> OutOfTurn | None:
    """Find the first entry whose version is not the next one of its stream."""
    engine.table("events", _paths(folder, manifests, "events"), "TRUE")
    rows = engine.answer(text_of("order")).rows
    return OutOfTurn(*rows[0]) if rows else None


def text_of(name: str) -> str:
    return (files(__package__) / "sql" / f"{name}.sql").read_text(encoding="utf-8")


def _tell(engine: Engine, asking: Asking) -> None:
    patience, moment = asking.patience, asking.moment
    folder, manifests = asking.folder, asking.manifests
    known = "TRUE" if moment.at is None else f"position <= {moment.at:d}"
    come = known
    if moment.as_of is not None:
        come = f"{known} AND happened_on <= '{moment.as_of.isoformat()}'"
    for table in manifests[-1].tables:
        where = come if table.name in DATED else known
        engine.table(table.name, _paths(folder, manifests, table.name), where)
    for name, table_name in OF_EVERY_DAY.items():
        engine.table(name, _paths(folder, manifests, table_name), known)
    engine.view(
        "asked",
        f"SELECT '{asking.day.isoformat()}' AS day,"
        f" CAST({patience.again_days:d} AS BIGINT) AS again_days,"
        f" CAST({patience.reissue_days:d} AS BIGINT) AS reissue_days,"
        f" CAST({patience.yearly_maximum_fen:d} AS BIGINT) AS yearly_maximum_fen",
    )
    for name in VIEWS:
        engine.view(name, text_of(name))


def _paths(folder: Path, manifests: Sequence[Manifest], table: str) -> list[Path]:
    return [folder / each.folder / f"{table}{PARQUET}" for each in manifests]

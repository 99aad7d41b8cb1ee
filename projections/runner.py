"""Brings the read model up to date, builds it anew, and compares two of them."""

import os
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from fcntl import LOCK_EX, flock
from functools import lru_cache
from itertools import zip_longest
from pathlib import Path
from uuid import uuid4

from sqlalchemy import Connection, Table, insert, select, update
from sqlalchemy.exc import DatabaseError

from ledger.database import delete_database
from ledger.store.collector import without_collector
from ledger.store.feed import Feed, StoredFeed
from projections.ahead import BATCH_EVENTS_MAX, Made, made_ahead, made_here
from projections.allocations import Allocations
from projections.amount_counts import AmountCounts
from projections.answers import Answers
from projections.arrived_before import ArrivedBefore
from projections.attempts import Attempts
from projections.bank_balance import BankReconciliations
from projections.bank_books import BankBooks
from projections.batches import Batches
from projections.cases import Cases
from projections.deadlines import Deadlines
from projections.disclosures import Disclosures
from projections.histories import Histories
from projections.journal import Journal
from projections.journal_sums import JournalSums
from projections.keys import Keys
from projections.likeness import Likeness
from projections.listed_people import ListedPeople
from projections.movements import Movements
from projections.notices import Notices
from projections.organisations import Organisations
from projections.outside_lists import OutsideLists
from projections.payment_cards import PaymentCards
from projections.payment_states import PaymentStates
from projections.payment_sums import PaymentSums
from projections.people import People
from projections.person_files import PersonFiles
from projections.policies import Policies
from projections.remittances import Remittances
from projections.samples import Samples
from projections.signatures import Signatures
from projections.view import (
    BLOCK_POSITIONS,
    SCHEMA_VERSION,
    Projection,
    ReadModel,
    key_of,
    reading,
)
from projections.witness_refusals import WitnessRefusals

PROCESSES_FROM_EVENTS = 50_000
ROW_PROCESSES_MAX = 2
"""That make rows while a third one writes them; it would wait for no more than these."""

MODELS_KEPT = 16
"""How many read models of a process keep what they compiled."""

Progress = Callable[[int, int], None]
"""Told how many events were read, and of how many."""


def projections() -> tuple[Projection, ...]:
    """Return every projection there is; a new one is added here."""
    return (
        Journal(),
        JournalSums(),
        Organisations(),
        Policies(),
        Allocations(),
        Remittances(),
        Deadlines(),
        Batches(),
        PaymentStates(),
        PaymentSums(),
        PaymentCards(),
        ListedPeople(),
        AmountCounts(),
        Answers(),
        ArrivedBefore(),
        Notices(),
        Signatures(),
        Likeness(),
        Samples(),
        Cases(),
        Movements(),
        Attempts(),
        BankBooks(),
        BankReconciliations(),
        WitnessRefusals(),
        Histories(),
        Keys(),
        People(),
        PersonFiles(),
        OutsideLists(),
        Disclosures(),
    )


@lru_cache(maxsize=MODELS_KEPT)
def open_model(path: Path) -> ReadModel:
    """Return the model of a path: always the same one, so that what it asks is compiled once."""
    return ReadModel(path, projections())


def catch_up(
    feed: Feed,
    path: Path,
    progress: Progress | None = None,
    *,
    block_positions: int = BLOCK_POSITIONS,
) -> ReadModel:
    """Read what the log has and the read model has not; return the model.

    A model of another schema version, or one that is damaged or that knows more than the log, is
    built anew: nothing is lost with it.
    """
    model = open_model(path)
    position, size = _standing(model, feed)
    if position is None:
        with _alone(path):
            # Another process may have built it while this one waited.
            position, size = _standing(model, feed)
            if position is None:
                return _built(feed, path, progress, block_positions, None)
    _follow(model, feed, position, size, progress)
    return model


def rebuild(
    feed: Feed,
    path: Path,
    progress: Progress | None = None,
    *,
    block_positions: int = BLOCK_POSITIONS,
    processes: int | None = None,
) -> ReadModel:
    """Build the read model from the log's first event on, and put it in the old one's place.

    Until then the old one is asked; a crash leaves it, or the new one.

    Args:
        feed: The log.
        path: Of the read model.
        progress: Told how far it is.
        block_positions: How long the blocks are that are summed up.
        processes: How many others make rows; None: as many as are of use, where the log is long.
    """
    with _alone(path):
        return _built(feed, path, progress, block_positions, processes)


def _built(
    feed: Feed,
    path: Path,
    progress: Progress | None,
    block_positions: int,
    processes: int | None,
) -> ReadModel:
    draft = path.with_suffix(".new.sqlite")
    delete_database(draft)
    model = ReadModel(draft, projections(), fresh=True)
    model.create()
    size = feed.size()
    # Rows and events form no circles: looking for some after each few hundred costs a quarter.
    with (
        without_collector(),
        model.engine.begin() as connection,
        closing(_made(feed, size, model, processes)) as made,
    ):
        start = 0
        for chunks, batch, read in made:
            model.add_made(connection, chunks, batch)
            start += read
            if progress is not None:
                progress(start, max(size, start))
        connection.execute(
            insert(reading).values(
                id=0,
                schema_version=SCHEMA_VERSION,
                next_position=start,
                block_positions=block_positions,
                model=uuid4().hex,
            )
        )
    model.create_indexes()
    with model.engine.begin() as connection:
        model.fold(connection, 0, start)
    model.engine.dispose()
    with draft.open("rb") as file:
        os.fsync(file.fileno())
    put_in_place(feed, draft, path)
    return open_model(path)


def put_in_place(feed: Feed, built: Path, path: Path) -> None:
    """Let a model that was built beside another one take its place, with all that the log has.

    A crash meanwhile leaves one of the two, or none, and then one is built: never the file of one
    with what SQLite keeps beside the other.
    """
    model = open_model(built)
    _follow(model, feed, _position(model) or 0, feed.size(), None)
    model.engine.dispose()  # all lines to it are closed, and what was written last is in the file
    with model.nobody_opening():
        delete_database(path)
        built.rename(path)


def discard(path: Path) -> None:
    """Delete a model that nobody asks any more."""
    open_model(path).engine.dispose()
    delete_database(path)


def _follow(
    model: ReadModel, feed: Feed, position: int, size: int, progress: Progress | None
) -> None:
    """Read on from a position up to a size; another process may be doing the same."""
    while position < size:
        with model.engine.begin() as connection:
            # Locks out other writers before the position is read, so no event is added twice.
            position = _reading(connection)
            batch = feed.read(position, BATCH_EVENTS_MAX)
            if not batch:
                break
            model.add(connection, batch)
            model.fold(connection, position, position + len(batch))
            position += len(batch)
            _mark(connection, position)
        if progress is not None:
            progress(position, max(size, position))


def _made(
    feed: Feed, size: int, model: ReadModel, processes: int | None
) -> Generator[Made, None, None]:
    """Have other processes make the rows, where the log is so long that it pays."""
    if processes is None:
        cores = min(os.cpu_count() or 1, ROW_PROCESSES_MAX)
        processes = cores if cores > 1 and size >= PROCESSES_FROM_EVENTS else 0
    if processes == 0 or not isinstance(feed, StoredFeed):
        return made_here(feed, projections, size)
    return made_ahead(feed, projections, size, model.changing, processes)


@dataclass(frozen=True, slots=True)
class Difference:
    """A row that one read model has otherwise than the other, or has alone."""

    table: str
    row: int


def compare(one: Path, other: Path) -> list[Difference]:
    """Compare two read models row by row; return the first difference of each table."""
    differences = []
    with open_model(one).asking() as left, open_model(other).asking() as right:
        for name, table in open_model(one).tables.items():
            pairs = zip_longest(_rows(left, table), _rows(right, table))
            for number, (mine, theirs) in enumerate(pairs):
                if mine != theirs:
                    differences.append(Difference(name, number))
                    break
    return differences


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Keep other processes and threads from building a model of this path; they wait."""
    with path.with_suffix(".lock").open("ab") as file:
        flock(file, LOCK_EX)
        yield


def _standing(model: ReadModel, feed: Feed) -> tuple[int | None, int]:
    """Return how far a model has read, None where it has to be built anew, and how long the log is.

    In this order: other processes write and follow meanwhile, so that of a size which was asked for
    first the model would know more, and be built anew again and again.
    """
    position = _position(model) if model.path.exists() else None
    size = feed.size()
    return (None if position is None or position > size else position), size


def _position(model: ReadModel) -> int | None:
    """Return how far a model has read, or None where it is of no use."""
    try:
        with model.engine.connect() as connection:
            row = connection.execute(select(reading)).one_or_none()
    except DatabaseError:
        return None
    if row is None or row.schema_version != SCHEMA_VERSION:
        return None
    position: int = row.next_position
    return position


def _reading(connection: Connection) -> int:
    connection.execute(update(reading).values(next_position=reading.c.next_position))
    position: int = connection.execute(select(reading.c.next_position)).scalar_one()
    return position


def _mark(connection: Connection, position: int) -> None:
    connection.execute(update(reading).values(next_position=position))


def _rows(connection: Connection, table: Table) -> Iterator[tuple[object, ...]]:
    question = select(table).order_by(*key_of(table))
    with connection.execute(question, execution_options={"yield_per": 10_000}) as result:
        for row in result:
            yield tuple(row)

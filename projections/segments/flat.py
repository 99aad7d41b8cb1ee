"""The tables of a sealed segment: rows of read models that each event leaves by itself.

They are the very rows that the service answers from, so that SQL over segments and the service can
be held against each other to the fen. What is summed up, or changes, is left out: SQL does that.
"""

from collections import defaultdict
from collections.abc import Sequence

from sqlalchemy import Integer, LargeBinary, Table

from ledger.segments.tables import Column, Flat, FlatTable, Kind, Rows
from ledger.store.feed import Recorded
from projections.journal import Journal
from projections.movements import Movements
from projections.organisations import Organisations, organisations, parents
from projections.payment_cards import PaymentCards
from projections.payment_states import PaymentStates
from projections.person_files import PersonFiles
from projections.view import Rows as RowsOfViews
from projections.view import handlers_of, rows_into

UUID_BYTES = 16

PROJECTIONS = (
    Journal(),
    PaymentStates(),
    PaymentCards(),
    PersonFiles(),
    Movements(),
    Organisations(),
)

TABLES: tuple[Table, ...] = (
    *Journal.tables,
    *PaymentStates.tables,
    *PaymentCards.tables,
    *PersonFiles.tables,
    *Movements.tables,
    organisations,
    parents,
)

_HANDLERS = handlers_of(PROJECTIONS)


def rows_of(batch: Sequence[Recorded]) -> Rows:
    """Return the rows that events leave, by table."""
    rows: RowsOfViews = defaultdict(list)
    rows_into(rows, _HANDLERS, batch)
    return {str(table.name): rows[table.name] for table in TABLES}


def _kind(table: Table, name: str) -> Kind:
    of = table.c[name].type
    if isinstance(of, LargeBinary):
        return Kind.ID if of.length == UUID_BYTES else Kind.BYTES
    return Kind.NUMBER if isinstance(of, Integer) else Kind.TEXT


def _flat_table(table: Table) -> FlatTable:
    return FlatTable(
        str(table.name),
        tuple(
            Column(str(each.name), _kind(table, each.name), bool(each.nullable))
            for each in table.columns
        ),
    )


FLAT = Flat(tuple(_flat_table(table) for table in TABLES), rows_of)

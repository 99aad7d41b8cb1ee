"""What a question found in a log that only grows: rows recorded since are asked about, no others.

Who shares a card, or was paid twice in a short time, is found once and stays so. Each rule then
looks at these few again, at the moment that it is asked for.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, select

from projections.view import reading

MODELS_KEPT = 16
KEYS_AT_ONCE = 500

Asking = Callable[[int], Sequence[Select[Any]]]
"""Returns the questions about rows that were recorded from a position on; 0: about all."""


class Growing:
    """Keeps the keys that a question found, of the read models that were asked last."""

    def __init__(self, asking: Asking) -> None:
        self._asking = asking
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, tuple[int, dict[Any, None]]] = OrderedDict()

    def keys(self, connection: Connection) -> list[Any]:
        """Return the keys in the order in which they were found; a later state may know more."""
        model, end = connection.execute(select(reading.c.model, reading.c.next_position)).one()
        with self._lock:
            read, found = self._kept.pop(model, (0, {}))
            if end > read:
                for statement in self._asking(read):
                    found |= dict.fromkeys(connection.execute(statement).scalars())
            self._kept[model] = max(read, end), found
            while len(self._kept) > MODELS_KEPT:
                self._kept.popitem(last=False)
            return list(found)


def among(
    connection: Connection, keys: Sequence[Any], column: ColumnElement[Any], statement: Select[Any]
) -> Iterator[Any]:
    """Return the rows of a statement in which a column is one of these keys."""
    left = iter(keys)
    while some := list(islice(left, KEYS_AT_ONCE)):
        yield from connection.execute(statement.where(column.in_(some)))

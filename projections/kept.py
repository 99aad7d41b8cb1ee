"""What was made of whole tables, kept while no row is added to them."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from sqlalchemy import Connection, Table, func, select

from projections.view import reading

T = TypeVar("T")


class Kept(Generic[T]):
    """Keeps the answers that were asked for last. They are shared: nobody may change one."""

    def __init__(self, *tables: Table, size: int = 32) -> None:
        self._size = size
        self._lock = threading.Lock()
        self._answers: OrderedDict[Hashable, T] = OrderedDict()
        self._last_rows = select(
            reading.c.model,
            *(select(func.max(table.c.position)).scalar_subquery() for table in tables),
        )

    def answer(
        self,
        connection: Connection,
        asked: Hashable,
        find: Callable[[], T],
        *,
        at: int | None = None,
    ) -> T:
        """Return what `find` returned for the same tables when this was asked before.

        Args:
            connection: Of the read model.
            asked: What tells the question from others.
            find: Answers it.
            at: The last position that was known; None, or from the last row on, all is known.
        """
        model, *last = connection.execute(self._last_rows).one()
        if at is not None and all(row is None or row <= at for row in last):
            at = None
        key = (model, *last, asked, at)
        with self._lock:
            if key in self._answers:
                self._answers.move_to_end(key)
                return self._answers[key]
        found = find()
        with self._lock:
            self._answers[key] = found
            while len(self._answers) > self._size:
                self._answers.popitem(last=False)
        return found

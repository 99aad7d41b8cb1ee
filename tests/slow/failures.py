"""Failures that say how they came about."""

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def saying(what: str) -> Iterator[None]:
    """Add to a failure which of many random tries it was."""
    try:
        yield
    except BaseException as failure:
        failure.add_note(what)
        raise

"""How refusals are held to their promise: a code, nothing left behind, nobody named."""

from collections.abc import Callable

import pytest

from ledger.errors import LedgerError
from tests.world import Person, World

ONE, TWO = Person(1), Person(2)
Attempt = Callable[[], object]


def nothing_more(world: World, attempt: Attempt) -> LedgerError:
    """Try it; say which refusal stopped it, having left neither events nor keys."""
    size, keys = world.ledger.size(), world.person_keys()
    with pytest.raises(LedgerError) as refused:
        attempt()
    assert world.ledger.size() == size
    assert world.person_keys() == keys
    told = str(refused.value) + repr(refused.value)
    for person in (ONE, TWO):
        assert not any(w in told for w in (person.name, person.id_number, person.card))
    return refused.value

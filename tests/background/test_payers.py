"""What a bank's file was told of the payer is remembered for the same union and format alone."""

from pathlib import Path
from uuid import uuid4

import pytest

from api.background.payers import Payers
from api.background.sealing import Seal, SealBroken
from api.background.store import BackgroundStore

UNION, FACTS = uuid4(), {"agreement": "U01", "account": "6222000000000000009"}


def test_facts_are_remembered_by_union_and_format_and_stand_sealed(tmp_path: Path) -> None:
    file = tmp_path / "jobs.sqlite"
    store = BackgroundStore(file)
    payers = Payers(store, Seal(b"k" * 32))
    assert payers.remembered(UNION, "city-bank-a") == {}
    payers.remember(UNION, "city-bank-a", {"agreement": "old"})
    payers.remember(UNION, "city-bank-a", FACTS)
    assert payers.remembered(UNION, "city-bank-a") == FACTS
    assert payers.remembered(uuid4(), "city-bank-a") == {}
    assert payers.remembered(UNION, "unionpay-df") == {}
    assert Payers(store, Seal(b"x" * 32)).remembered(UNION, "city-bank-a") == {}
    store.close()
    written = b"".join(each.read_bytes() for each in tmp_path.iterdir())
    assert b"6222000000000000009" not in written


def test_what_was_moved_under_another_union_does_not_open(tmp_path: Path) -> None:
    store = BackgroundStore(tmp_path / "jobs.sqlite")
    payers = Payers(store, Seal(b"k" * 32))
    payers.remember(UNION, "city-bank-a", FACTS)
    with store.writing() as sql:
        other = payers._key(uuid4(), "city-bank-a")
        sql.execute("UPDATE payers SET asked = ?", (other,))
        row = store.row("SELECT facts FROM payers")
    assert row is not None
    with pytest.raises(SealBroken):
        Seal(b"k" * 32).open(row["facts"], other.hex())
    store.close()

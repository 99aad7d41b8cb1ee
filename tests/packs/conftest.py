"""A ledger with the 2017 campaign, published once, from which packs are made."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from api import bootstrap
from api.folder import open_folder
from api.keyring import Keyring
from api.loading import Loading
from ledger.anchoring.publications import announce
from ledger.domain.aggregate import OPERATOR
from ledger.store.act import CommandAct
from ledger.store.home import Home
from ledger.store.map_store import MapStore
from tests.packs.packing import Packing

SCENARIO = Path(__file__).parents[1] / "data" / "scenario-2017"


@pytest.fixture(scope="session")
def packing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Packing]:
    home = Home(tmp_path_factory.mktemp("packs") / "data")
    with bootstrap.opened(home, create=True) as ledger:
        Loading(ledger, Keyring(home.keyring), open_folder(SCENARIO), bootstrap.now).run()
        maps = MapStore(home.map)
        act = CommandAct(OPERATOR, bootstrap.today(), bootstrap.now())
        yield Packing(home, ledger, maps, announce(ledger, maps, act))
        maps.close()

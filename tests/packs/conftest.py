"""A ledger with the 2017 campaign, published once, from which packs are made."""

from collections.abc import Iterator

import pytest

from api import bootstrap
from ledger.anchoring.publications import announce
from ledger.domain.aggregate import OPERATOR
from ledger.store.act import CommandAct
from ledger.store.home import Home
from ledger.store.map_store import MapStore
from tests.campaign import copied
from tests.packs.packing import Packing


@pytest.fixture(scope="session")
def packing(campaign_2017: Home, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Packing]:
    home = copied(campaign_2017, tmp_path_factory.mktemp("packs"))
    with bootstrap.opened(home) as ledger:
        maps = MapStore(home.map)
        act = CommandAct(OPERATOR, bootstrap.today(), bootstrap.now())
        yield Packing(home, ledger, maps, announce(ledger, maps, act))
        maps.close()

"""A ledger that holds the 2017 campaign, published once and only read."""

from collections.abc import Iterator

import pytest
from argon2 import PasswordHasher
from fastapi.testclient import TestClient

from api import bootstrap
from api.access.passwords import Passwords
from api.app import Serving, create_app
from api.clock import Clock
from api.folder import open_folder
from ledger.anchoring.publications import announce
from ledger.domain.aggregate import OPERATOR
from ledger.store.act import CommandAct
from ledger.store.application import Ledger
from ledger.store.home import Home
from ledger.store.map_store import MapStore
from tests.campaign import SCENARIO, copied

CLOCK = Clock(bootstrap.now, bootstrap.now_s, bootstrap.today)
CHEAP = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
INSPECTOR = next(row.staff_number for row in open_folder(SCENARIO).officers if row.role == "纪检")


@pytest.fixture(scope="session")
def campaign(
    campaign_2017: Home, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Home, Ledger]]:
    home = copied(campaign_2017, tmp_path_factory.mktemp("home"))
    with bootstrap.opened(home) as ledger:
        maps = MapStore(home.map)
        announce(ledger, maps, CommandAct(OPERATOR, bootstrap.today(), bootstrap.now()))
        maps.close()
        yield home, ledger


@pytest.fixture(scope="session")
def client(campaign: tuple[Home, Ledger]) -> Iterator[TestClient]:
    app = create_app(*campaign, Serving(CLOCK, demo=INSPECTOR, passwords=CHEAP))
    with TestClient(app, base_url="http://127.0.0.1") as http:
        assert http.post("/v1/session/demo").json()["staff_number"] == INSPECTOR
        yield http

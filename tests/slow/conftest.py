"""A small log, made by loading an excerpt of the scenario."""

from datetime import date

import pytest

from api.folder import open_folder
from api.keyring import Keyring
from api.loading import Loading
from ledger.store.home import Home
from tests.slow.excerpt import SCENARIO, cut

RECORDED_AT = "2026-01-01T00:00:00.000Z"


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A log of some 350 events: two organisations below a third, cards and signature sheets."""
    folder = cut(
        SCENARIO,
        tmp_path_factory.mktemp("excerpt") / "scenario",
        {"C01", "X04", "X04-02"},
        {"SWN20170008", "SWN20170009", "SWN20170032"},
    )
    home = Home(tmp_path_factory.mktemp("home") / "home")
    home.create("mutations.example/log")
    ledger = home.open(RECORDED_AT, date(2017, 1, 1))
    loaded = Loading(ledger, Keyring(home.keyring), open_folder(folder), lambda: RECORDED_AT).run()
    size = ledger.size()
    ledger.close()
    assert loaded.steps > 20
    assert 256 < size < 512
    return home

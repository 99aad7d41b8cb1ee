"""The 2017 campaign, served to real browsers: one office to look at, one a module to work in."""

from collections.abc import Iterator
from datetime import date

import pytest
from playwright.sync_api import Browser, sync_playwright

from api import bootstrap
from api.folder import open_folder
from ledger.anchoring.publications import announce
from ledger.domain.aggregate import OPERATOR
from ledger.store.act import CommandAct
from ledger.store.home import Home
from ledger.store.map_store import MapStore
from tests.campaign import SCENARIO, copied
from tests.web.arriving import clicks_arrive
from tests.web.browsing import Office, office_at

TODAY = date(2017, 2, 12)
INSPECTOR = next(row.staff_number for row in open_folder(SCENARIO).officers if row.role == "纪检")
CHROMIUM = "/usr/bin/chromium-headless-shell"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        with clicks_arrive():
            yield browser
        browser.close()


@pytest.fixture(scope="session")
def loaded(campaign_2017: Home, tmp_path_factory: pytest.TempPathFactory) -> Home:
    """The campaign as published, closed again: to be copied, not to be written to."""
    home = copied(campaign_2017, tmp_path_factory.mktemp("loaded"))
    with bootstrap.opened(home) as ledger:
        maps = MapStore(home.map)
        announce(ledger, maps, CommandAct(OPERATOR, bootstrap.today(), bootstrap.now()))
        maps.close()
    return home


@pytest.fixture(scope="session")
def _looked_at(
    loaded: Home, chromium: Browser, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Office]:
    home = copied(loaded, tmp_path_factory.mktemp("looked-at"))
    with office_at(home, chromium, TODAY, demo=INSPECTOR) as office:
        yield office


@pytest.fixture
def office(_looked_at: Office) -> Iterator[Office]:
    """The campaign, to be read alone; every browser is closed after the test, and heard out."""
    yield _looked_at
    _looked_at.settled()


@pytest.fixture(scope="module")
def _worked_in(
    loaded: Home, chromium: Browser, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Office]:
    home = copied(loaded, tmp_path_factory.mktemp("worked-in"))
    with office_at(home, chromium, TODAY) as office:
        yield office


@pytest.fixture
def workplace(_worked_in: Office) -> Iterator[Office]:
    """A copy of the campaign of the module's own, to be written to."""
    yield _worked_in
    _worked_in.settled()

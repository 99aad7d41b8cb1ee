"""Fixtures that several rooms share."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from ledger.postgresql import Database
from ledger.store.home import Home
from tests.campaign import campaign_home
from tests.postgresql import Server, running
from tests.world import World

# A busy machine is no fault of the code. Where changes land the same cases are tried each time, so
# that a change is judged by what it changed; everywhere else new ones are.
settings.register_profile("house", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("house")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-snapshots", action="store_true", help="Write snapshots anew; review them as code."
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run what is marked so against each database, which `store` hands out."""
    marked = metafunc.definition.get_closest_marker("both_stores")
    if marked is not None and "store" in metafunc.fixturenames:
        metafunc.parametrize("store", ["sqlite", "postgresql"], indirect=True)


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Server]:
    """A PostgreSQL server; each test takes a schema of its own there."""
    with running() as server:
        yield server


@pytest.fixture
def store(request: pytest.FixtureRequest) -> Database | None:
    """Where a test's log stands: None for a file in its folder."""
    if getattr(request, "param", "sqlite") == "sqlite":
        return None
    server: Server = request.getfixturevalue("postgresql")
    return server.fresh()


@pytest.fixture(scope="session")
def campaign_2017(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """The campaign as loaded, closed again: to be copied, not to be written to."""
    return campaign_home(tmp_path_factory)


@pytest.fixture
def world(tmp_path: Path, store: Database | None) -> Iterator[World]:
    """A ledger whose unions, officers, policy and campaign are in place."""
    world = World.at(tmp_path, store).settle_in()
    yield world
    world.ledger.close()

"""Fixtures that several rooms share."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.world import World

# A busy machine is no fault of the code. Where changes land the same cases are tried each time, so
# that a change is judged by what it changed; everywhere else new ones are.
settings.register_profile("house", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("house")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-snapshots", action="store_true", help="Write snapshots anew; review them as code."
    )


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A ledger whose unions, officers, policy and campaign are in place."""
    world = World.at(tmp_path).settle_in()
    yield world
    world.ledger.close()

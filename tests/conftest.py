"""Fixtures that several rooms share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.world import World


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

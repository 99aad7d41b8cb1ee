"""The service over a small world, as it is set up and with bounds that a test can reach."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from api.edge.limits import Limits
from tests.api.service import Service, service_at
from tests.api.test_races import Listening, listening

LIMITS = Limits(body_bytes_max=2_000, upload_bytes_max=20_000, body_seconds_max=0.5)


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    with service_at(tmp_path) as found:
        yield found


@pytest.fixture
def bounded(tmp_path: Path) -> Iterator[Listening]:
    """The service on a real port, with small bounds on bodies."""
    with service_at(tmp_path, limits=LIMITS) as found, listening(found) as there:
        yield there

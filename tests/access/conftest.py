"""The service over a small world; nobody waits for having asked too often."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.api.service import Service, service_at


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    with service_at(tmp_path, unlimited=True) as found:
        yield found

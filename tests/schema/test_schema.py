"""schemathesis over the whole OpenAPI document, as everybody there is: `make test-schema`."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.domain.officer import Role
from tests.schema.serving import Served, serving

pytestmark = pytest.mark.schema

CONFIG = Path(__file__).parent / "schemathesis.toml"
SECONDS = int(os.environ.get("SCHEMA_SECONDS", "600"))
WHO = [None, *Role]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("schema")) as found:
        yield found


@pytest.mark.parametrize("role", WHO, ids=lambda role: role.name if role else "nobody")
def test_every_answer_is_one_that_is_described(served: Served, role: Role | None) -> None:
    command = [
        str(Path(sys.executable).parent / "schemathesis"),
        f"--config-file={CONFIG}",
        "run",
        f"{served.url}/openapi.json",
        f"--max-time={max(SECONDS // len(WHO), 5)}",
        "--continue-on-failure",
        "--no-color",
    ]
    if role is not None:
        command.append(f"--header=Authorization:Bearer {served.token(role)}")
        # It would end the very token that is sent.
        command.append("--exclude-operation-id=sign_out_everywhere")

    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-2_000:]
    served.service.world.check_log()

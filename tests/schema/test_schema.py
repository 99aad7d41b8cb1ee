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
ENVIRONMENT = {**os.environ, "SCHEMATHESIS_HOOKS": "tests.schema.hooks", "PYTHONPATH": "."}
WHO = [None, *Role]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("schema")) as found:
        yield found


def told(output: str) -> str:
    """Return failures and errors out of all that is said."""
    said = [
        part
        for name in ("= ERRORS =", "= FAILURES =")
        if (start := output.find(name)) >= 0
        for part in [output[start : start + 6_000]]
    ]
    return "\n".join(said) + output[-1_500:]


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
        # It ends the very token that is sent: nobody tries that one.
        command.append("--exclude-operation-id=access_sign_out_everywhere")

    done = subprocess.run(command, capture_output=True, text=True, check=False, env=ENVIRONMENT)

    assert done.returncode == 0, told(done.stdout) + done.stderr[-2_000:]
    served.service.world.check_log()

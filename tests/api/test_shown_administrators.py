"""Whoever had the first administrators show their keys gives their ids, to each who verifies."""

import json
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from typer.testing import CliRunner, Result

from api.cli.main import app
from ledger.domain.officer import Role
from ledger.evidence.vouching import SERVICE_ALONE
from tests.world import World

POSTS = {"SYS": Role.SYSTEM_ADMINISTRATOR, "SEC": Role.SECURITY_ADMINISTRATOR}
FIRST, NONE_OF_THEM = "is none that you gave", "which you gave, is not the first key of the first"


class Shown(NamedTuple):
    """A published ledger, and what is known of it from elsewhere."""

    folder: str
    founding: str
    key_ids: list[str]


@pytest.fixture
def shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shown:
    world = World.at(tmp_path).settle_in()
    world.administer(POSTS)
    founding = world.ledger.founding_key_id()
    world.ledger.close()
    monkeypatch.setenv("NUANZHANG_HOME", str(world.home.path))
    folder = str(tmp_path / "published")
    assert run("publish", folder).exit_code == 0
    return Shown(folder, founding, [world.officers[staff].public_key.key_id for staff in POSTS])


@pytest.fixture(params=["verify", "verify-publication"])
def verifying(request: pytest.FixtureRequest, shown: Shown) -> list[str]:
    """Return the words of a command that verifies this ledger, and knows who founded it."""
    folder = [shown.folder] if request.param == "verify-publication" else []
    return [request.param, *folder, "--key", shown.founding]


def run(*words: str) -> Result:
    return CliRunner().invoke(app, list(words))


def given(*key_ids: str) -> list[str]:
    return [word for key_id in key_ids for word in ("--administrator", key_id)]


def told(words: list[str]) -> dict[str, Any]:
    said: dict[str, Any] = json.loads(run(*words, "--json").stdout)
    return said


def test_keys_that_nobody_showed_are_to_be_compared(verifying: list[str], shown: Shown) -> None:
    done, verdict = run(*verifying), told(verifying)

    assert done.exit_code == 0, done.output
    for key_id in shown.key_ids:
        assert f"COMPARE 请核对: key {key_id} is that of the first" in done.output
    assert {each["key_id"] for each in verdict["first_keys"]} == set(shown.key_ids)
    # Their own, and the operator's word for everybody else.
    assert verdict["attested"].keys() >= {SERVICE_ALONE}
    assert sum(verdict["attested"].values()) == verdict.get("events", verdict.get("size"))


def test_keys_that_were_shown_are_those(verifying: list[str], shown: Shown) -> None:
    done = run(*verifying, *given(*shown.key_ids))

    assert done.exit_code == 0, done.output
    assert "COMPARE" not in done.output
    assert told([*verifying, *given(*shown.key_ids)])["holds"] is True


@pytest.mark.parametrize(("kept", "more", "said"), [(1, (), FIRST), (2, ("0" * 32,), NONE_OF_THEM)])
def test_other_keys_than_those_shown_are_refused(
    verifying: list[str], shown: Shown, kept: int, more: tuple[str, ...], said: str
) -> None:
    words = [*verifying, *given(*shown.key_ids[:kept], *more)]
    done, verdict = run(*words), told(words)

    assert done.exit_code == 1
    assert "ANOTHER ADMINISTRATOR'S KEY" in done.output
    assert said in done.output
    assert "COMPARE" not in done.output
    assert verdict["holds"] is False
    assert said in verdict["detail"]


def test_what_does_not_read_whose_the_keys_are_takes_none(shown: Shown) -> None:
    refused = run("verify", "--segments", "nowhere", *given(*shown.key_ids))

    assert refused.exit_code == 2
    assert "--administrator" in refused.output

"""The units of `deploy/` call commands that there are, as the user and in the folders they name."""

import re
import shlex
from configparser import ConfigParser
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from typer.core import TyperGroup
from typer.main import get_command

from api.cli.main import app
from api.serving import SHUTDOWN_S
from api.settings import Settings
from ledger.postgresql import Database
from ledger.postgresql_session import connect
from tests.postgresql import Server

DEPLOY = Path(__file__).parents[2] / "deploy"
UNITS = DEPLOY / "systemd"
PROGRAM = "/opt/nuanzhang/bin/nuanzhang"
OWN = sorted(path.name for path in UNITS.glob("nuanzhang*.service"))


def unit(name: str) -> ConfigParser:
    read = ConfigParser(interpolation=None, delimiters=("=",), comment_prefixes=("#",))
    read.optionxform = str  # type: ignore[assignment,method-assign]
    read.read_string((UNITS / name).read_text(encoding="utf-8"))
    return read


def settings() -> dict[str, str]:
    lines = (UNITS / "nuanzhang.env").read_text(encoding="utf-8").splitlines()
    return dict(each.split("=", 1) for each in lines if not each.startswith("#"))


def called(words: list[str]) -> dict[str, Any]:
    """Read words as the program does, and carry nothing out; wrong ones raise a usage error."""
    command: Any = get_command(app)
    while isinstance(command, TyperGroup):
        word, *words = words
        command = command.commands[word]
    found: dict[str, Any] = command.make_context(command.name, words).params
    return found


@pytest.mark.parametrize("name", OWN)
def test_a_unit_calls_what_there_is_as_a_user_that_may_write_there(name: str) -> None:
    service = unit(name)["Service"]
    program, *words = shlex.split(service["ExecStart"])

    told = called(words)

    assert program == PROGRAM
    assert (service["User"], service["UMask"]) == ("nuanzhang", "0077")
    assert (service["ProtectSystem"], service["NoNewPrivileges"]) == ("strict", "yes")
    folders = {each for each in map(str, told.values()) if each.startswith("/")}
    assert set(service["ReadWritePaths"].split()) == folders | {settings()["NUANZHANG_HOME"]}


def test_a_service_that_is_stopped_has_the_time_to_answer() -> None:
    service = unit("nuanzhang.service")["Service"]

    assert int(service["TimeoutStopSec"]) > SHUTDOWN_S
    assert service["Restart"] == "always"


def test_what_is_for_the_clock_has_a_timer_that_makes_good_what_it_missed() -> None:
    timers = {path.stem for path in UNITS.glob("*.timer")}
    once = {
        name.removesuffix(".service") for name in OWN if unit(name)["Service"]["Type"] != "exec"
    }

    assert timers == once == {"nuanzhang-anchor", "nuanzhang-backup", "nuanzhang-segments"}
    for each in timers:
        timer = unit(f"{each}.timer")
        assert timer["Timer"]["Persistent"] == "true"
        assert timer["Install"]["WantedBy"] == "timers.target"


def test_settings_are_ours_and_the_proxy_leads_to_them(monkeypatch: pytest.MonkeyPatch) -> None:
    told = settings()
    for name, value in told.items():
        assert name.removeprefix("NUANZHANG_").lower() in Settings.model_fields
        monkeypatch.setenv(name, value)
    read = Settings()

    proxy = (DEPLOY / "Caddyfile").read_text(encoding="utf-8")

    assert f"\n{urlsplit(read.origin).hostname} {{\n" in proxy
    assert f"\treverse_proxy {read.host}:{read.port}\n" in proxy
    assert urlsplit(read.origin).scheme == "https"


def test_what_is_installed_is_there_and_what_is_enabled_is_a_unit() -> None:
    said = (DEPLOY / "README.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(systemd/[\w.-]+|Caddyfile)`", said))
    (enabled,) = re.findall(r"systemctl enable --now (.+)", said)
    (initial,) = re.findall(rf"{PROGRAM} (init.*)", said)

    assert all((DEPLOY / each).is_file() for each in named)
    assert named >= {f"systemd/{each}.timer" for each in ("nuanzhang-anchor", "nuanzhang-backup")}
    assert {each for each in enabled.split() if unit(each)["Install"]} == set(enabled.split())
    called(shlex.split(initial))


def test_the_database_is_made_as_it_is_told(postgresql: Server) -> None:
    said = (DEPLOY / "README.md").read_text(encoding="utf-8")
    statements = re.findall(r"^    (CREATE [^;]+);$", said, re.MULTILINE)

    with closing(connect(Database.at(postgresql.url))) as session:
        for each in statements:
            session.execute(each)
        ((owner, charset),) = session.execute(
            "SELECT pg_get_userbyid(datdba), pg_encoding_to_char(encoding) FROM pg_database"
            " WHERE datname = ?",
            ("nuanzhang",),
        )
        session.execute("DROP DATABASE nuanzhang")
        session.execute("DROP ROLE clerk")

    assert (owner, charset) == ("clerk", "UTF8")

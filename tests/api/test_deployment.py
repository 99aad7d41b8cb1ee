"""Several ledgers in one process: each under its own name, and none reads what another holds."""

import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.error import HTTPError

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from httpx2 import Response

from api.app import Serving, create_app
from api.deployment import Deployment, DeploymentShared, DeploymentUnreadable
from api.dispatch import ByHost
from ledger.domain.officer import Role, officer_id
from ledger.domain.organisation import organisation_id
from ledger.errors import LedgerError
from tests.api.service import CHEAP, EARLY, Hands
from tests.api.test_command_line import nuanzhang
from tests.postgresql import Server
from tests.world import Person, World, roster_row

NORTH, SOUTH, WEST = "north.test", "south.test", "west.test"
WEST_AT = "https://zhang.west.test"


@dataclass
class Two:
    """Two cities with the same unions and officers, behind one port."""

    worlds: dict[str, World]
    apps: dict[str, FastAPI]
    http: TestClient

    def token(self, host: str) -> str:
        tokens = self.apps[host].state.served.door.tokens
        return str(
            tokens.issue(
                officer_id("J-C01"), label="t", read_only=True, ttl_s=3600, now_s=Hands().now_s
            )[0]
        )

    def get(self, host: str, path: str, **headers: str) -> Response:
        return self.http.get(path, headers={"host": host, **headers}, follow_redirects=False)

    def read(self, host: str, path: str) -> Response:
        return self.get(host, path, authorization=f"Bearer {self.token(host)}")


@pytest.fixture
def two(tmp_path: Path) -> Iterator[Two]:
    with two_at(tmp_path) as found:
        yield found


@contextmanager
def two_at(folder: Path) -> Iterator[Two]:
    worlds, apps = {}, {}
    for host, amount in ((NORTH, 700_000), (SOUTH, 900_000)):
        world = worlds[host] = World.at(folder / host).settle_in()
        world.appoint("J-C01", "C01", Role.INSPECTOR, EARLY)
        world.receive("X01", amount)
        serving = Serving(Hands().clock(), hosts=(host,), origin=f"https://{host}", passwords=CHEAP)
        apps[host] = create_app(world.home, world.ledger, serving)
    with TestClient(ByHost(apps, {WEST: WEST_AT})) as http:
        yield Two(worlds, apps, http)
    for world in worlds.values():
        world.ledger.close()


def test_each_name_answers_for_its_own_ledger(two: Two) -> None:
    for host, amount in ((NORTH, 700_000), (SOUTH, 900_000), ("NORTH.test:8017", 700_000)):
        name = host.split(":")[0].lower()
        token = f"Bearer {two.token(name)}"
        [item] = two.get(host, "/v1/balances", authorization=token).json()["items"]
        assert item["in_hand_fen"] == amount
    for host in (NORTH, SOUTH):
        vkey = two.worlds[host].home.note_key().vkey()
        assert vkey in two.read(host, "/v1/log").text or two.get(host, "/readyz").status_code == 200


def test_what_lets_one_into_a_ledger_is_nothing_to_another(two: Two) -> None:
    """The officers have the same numbers, so the ids of their accounts are equal, too."""
    door = two.apps[NORTH].state.served.door
    cookie = f"nuanzhang_session={door.sessions.open(officer_id('J-C01'), 't', Hands().now_s)}"
    token = f"Bearer {two.token(NORTH)}"

    assert two.get(NORTH, "/v1/balances", cookie=cookie).status_code == 200
    assert two.get(SOUTH, "/v1/balances", cookie=cookie).status_code == 401
    assert two.get(SOUTH, "/v1/balances", authorization=token).status_code == 401


def test_no_ledger_shows_what_another_holds(two: Two) -> None:
    north, person = two.worlds[NORTH], Person(1)
    north.file(person)
    north.pay("B1", roster_row(1, person, 80_000))
    payment = north.payment_id(person)
    X01 = organisation_id("X01")  # noqa: N806 - as the union is called

    assert two.read(NORTH, f"/v1/disbursements/{payment}").status_code == 200
    assert two.read(SOUTH, f"/v1/disbursements/{payment}").status_code == 404
    assert two.read(SOUTH, "/v1/disbursements").json()["items"] == []
    # A person's id follows from a key of the vault: the same person has another in each ledger.
    south_id = two.worlds[SOUTH].ledger.vault.subject_id("id_number", person.id_number)
    assert south_id != north.ledger.vault.subject_id("id_number", person.id_number)
    for host, world in two.worlds.items():
        assert two.read(host, f"/v1/balances?organisation_id={X01}").status_code == 200
        world.check_log()
    assert two.worlds[NORTH].ledger.size() != two.worlds[SOUTH].ledger.size()
    # What a server could be talked into by another header is the host alone.
    token = f"Bearer {two.token(SOUTH)}"
    for name in ("x-forwarded-host", "forwarded", "x-original-url", "x-host"):
        answer = two.get(SOUTH, "/v1/disbursements", authorization=token, **{name: NORTH})
        assert answer.json()["items"] == []


def test_a_name_that_is_nobodys_is_refused_and_not_repeated(two: Two) -> None:
    for host in ("evil.test", "127.0.0.1", "north.test.evil.test", ""):
        answer = two.get(host, "/v1/balances")
        assert (answer.status_code, answer.json()["code"]) == (421, "deployment.host_unknown")
        assert not host or host not in answer.text
        assert answer.headers["x-content-type-options"] == "nosniff"


def test_a_ledger_elsewhere_is_answered_with_its_address(two: Two) -> None:
    told = two.get(WEST, "/v1/balances")
    page = two.get(WEST, "/flow?year=2017", accept="text/html")
    posted = two.http.post("/v1/allocations", headers={"host": WEST, "accept": "text/html"})

    assert (told.status_code, told.json()["address"]) == (421, WEST_AT)
    assert (page.status_code, page.headers["location"]) == (307, f"{WEST_AT}/flow?year=2017")
    assert (posted.status_code, posted.json()["code"]) == (421, "deployment.elsewhere")
    assert two.get(WEST, "//evil.test", accept="text/html").headers["location"].startswith(WEST_AT)


SCHEMA = 'database = "postgresql://db/x"'
ONE = '[ledgers.one]\nhost = "one.test"\nhome = "one"\n'


@pytest.mark.parametrize(
    ("text", "refusal", "word"),
    [
        ("", DeploymentUnreadable, "ledgers"),
        ("ledgers = 3", DeploymentUnreadable, "ledgers"),
        ("[ledgers", DeploymentUnreadable, "no TOML"),
        ('[ledgers.a]\nhost = "a.test"\nurl = "https://a.test"\n', DeploymentUnreadable, "here"),
        ('[ledgers.A]\nhost = "a.test"\nhome = "a"\n', DeploymentUnreadable, "small letters"),
        ('[ledgers.a]\nhost = "a.test:80"\nhome = "a"\n', DeploymentUnreadable, "host"),
        ('[ledgers.a]\nhost = "a.test"\n', DeploymentUnreadable, "home"),
        ('[ledgers.a]\nhost = "a.test"\nhome = "a"\nport = 1\n', DeploymentUnreadable, "port"),
        (
            ONE + '[ledgers.a]\nhost = "a.test"\nurl = "ftp://a.test"\n',
            DeploymentUnreadable,
            "https",
        ),
        (ONE + '[ledgers.a]\nhost = "one.test"\nhome = "a"\n', DeploymentShared, "host"),
        (ONE + '[ledgers.a]\nhost = "a.test"\nhome = "./one/../one"\n', DeploymentShared, "folder"),
        (ONE + '[ledgers.a]\nhost = "a.test"\nhome = "one/keys"\n', DeploymentShared, "folder"),
        (
            ONE + f"{SCHEMA}\n" + f'[ledgers.b]\nhost = "b.test"\nhome = "b"\n{SCHEMA}\n',
            DeploymentShared,
            "schema",
        ),
        (ONE + 'database = "mysql://:secret@db"\n', LedgerError, "begins with"),
    ],
)
def test_a_file_that_cannot_be_is_refused(
    tmp_path: Path, text: str, refusal: type[LedgerError], word: str
) -> None:
    path = tmp_path / "deployment.toml"
    path.write_text(text, encoding="utf-8")

    with pytest.raises(refusal, match=word) as refused:
        Deployment.read(path)

    assert "secret" not in str(refused.value)


def a_deployment(folder: Path, **databases: str) -> Path:
    path = folder / "deployment.toml"
    lines = []
    for name in ("north", "south"):
        lines += [f"[ledgers.{name}]", f'host = "{name}.test"', f'home = "{name}"']
        lines += [f'database = "{databases[name]}"'] if name in databases else []
    lines += ["[ledgers.west]", f'host = "{WEST}"', f'url = "{WEST_AT}"']
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_one_command_makes_migrates_and_verifies_all_that_are_here(tmp_path: Path) -> None:
    file, nowhere = a_deployment(tmp_path), tmp_path / "nowhere"

    made = nuanzhang(nowhere, "init", "--deployment", file)
    verified = nuanzhang(nowhere, "verify", "--deployment", file, "--json")
    told = nuanzhang(nowhere, "verify", "--deployment", file)

    assert made.returncode == verified.returncode == told.returncode == 0, made.stderr
    keys = re.findall("founding key id: ([0-9a-f]{32})", made.stdout)
    assert len(set(keys)) == 2
    found = json.loads(verified.stdout)
    assert {name: each["events"] for name, each in found["ledgers"].items()} == {
        "north": 2,
        "south": 2,
    }
    assert found["not_seen"] == {"west": WEST_AT}
    assert f"west: not here; verify it at {WEST_AT}" in told.stdout
    assert not nowhere.exists()
    assert told.stdout.count("NOT PINNED") == 2
    north = found["ledgers"]["north"]["founding_key_id"]
    pinned = nuanzhang(nowhere, "verify", "--deployment", file, "--key", f"north={north}", "--json")
    ledgers = json.loads(pinned.stdout)["ledgers"]
    assert {name: each["pinned"] for name, each in ledgers.items()} == {
        "north": True,
        "south": False,
    }
    for wrong, status in ((f"south={north}", 1), (f"west={north}", 2), (north, 2)):
        refused = nuanzhang(nowhere, "verify", "--deployment", file, "--key", wrong)
        assert refused.returncode == status, refused.stdout

    (tmp_path / "south" / "events.sqlite").write_bytes(b"damaged")
    broken = nuanzhang(nowhere, "verify", "--deployment", file, "--json")
    assert broken.returncode == 1


def test_each_has_a_schema_of_its_own_in_one_database(tmp_path: Path, postgresql: Server) -> None:
    north, south = postgresql.fresh(), postgresql.fresh()
    file = a_deployment(tmp_path, north=north.address, south=south.address)

    made = nuanzhang(tmp_path, "init", "--deployment", file)
    migrated = nuanzhang(tmp_path, "migrate", "--deployment", file)
    verified = nuanzhang(tmp_path, "verify", "--deployment", file, "--json")

    assert made.returncode == migrated.returncode == verified.returncode == 0, made.stderr
    assert len(json.loads(verified.stdout)["ledgers"]) == 2
    # The other's schema is not taken for one's own: the log knows its own ledger's key alone.
    a_deployment(tmp_path, north=south.address, south=north.address)
    swapped = nuanzhang(tmp_path, "verify", "--deployment", file, "--json")
    assert swapped.returncode == 1
    assert nuanzhang(tmp_path, "serve", "--deployment", file).returncode == 1


def test_a_process_serves_all_of_them(tmp_path: Path) -> None:
    file = a_deployment(tmp_path)
    assert nuanzhang(tmp_path, "init", "--deployment", file).returncode == 0
    process = subprocess.Popen(
        [sys.executable, "-m", "api.cli", "serve", "--deployment", str(file)],
        env={**os.environ, "NUANZHANG_HOME": str(tmp_path)},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        address = re.search(r"http://127\.0\.0\.1:\d+", process.stdout.readline())
        assert address is not None
        for host in (NORTH, SOUTH):
            asked = urllib.request.Request(f"{address.group()}/readyz", headers={"host": host})
            with urllib.request.urlopen(asked, timeout=20) as answer:
                assert json.load(answer)["log_events"] == 2
        with pytest.raises(HTTPError) as refused:
            urllib.request.urlopen(f"{address.group()}/readyz", timeout=20)
        assert refused.value.code == 421
        refused.value.close()
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)
    assert process.returncode in (0, 130)


def test_one_key_for_all_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NUANZHANG_SERVICE_KEY", "00" * 32)

    refused = nuanzhang(tmp_path, "init", "--deployment", a_deployment(tmp_path))

    assert refused.returncode == 1
    assert refused.stderr.startswith("settings.one_for_all: ")

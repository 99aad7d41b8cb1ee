"""A service that is told to stop while it commits finishes, answers, and its log holds."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from io import BytesIO
from pathlib import Path

import httpx2
import pytest

from api.access.door import Door
from api.access.passkeys import RelyingParty
from ledger.commands import policies
from ledger.domain.officer import officer_id
from tests.api.test_campaign_over_http import roster_csv
from tests.api.test_command_line import nuanzhang
from tests.world import CARD_CLASS, EARMARK, POLICY, Person, World

ROWS = 1_500
CAMPAIGN = "today"
PEOPLE = [Person(serial) for serial in range(1, ROWS + 1)]


@dataclass
class Process:
    """`nuanzhang serve`, as it runs for people."""

    running: "subprocess.Popen[str]"
    address: str

    def stopped(self) -> list[str]:
        """Wait until it has ended; return what it wrote to its log."""
        _, said = self.running.communicate(timeout=60)
        return said.splitlines()


@contextmanager
def serving(home: Path) -> Iterator[Process]:
    with socket.socket() as free:  # a port that the next one to serve does not come to by itself
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    running = subprocess.Popen(
        [sys.executable, "-m", "api.cli", "serve", "--port", str(port)],
        env={**os.environ, "NUANZHANG_HOME": str(home)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert running.stdout is not None
        address = re.search(r"http://127\.0\.0\.1:\d+", running.stdout.readline())
        assert address is not None
        yield Process(running, address.group())
    finally:
        running.kill()
        running.wait()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A world whose campaign is open today, as the process will see it, and 1,500 on file."""
    world = World.at(tmp_path).settle_in()
    open_today(world)
    world.file(*PEOPLE)
    yield world
    world.ledger.close()


def open_today(world: World) -> None:
    """Open a campaign that is under way by the clock of this machine."""
    today = date.today()  # noqa: DTZ011 - the process has its own clock, and asks it so
    opening = policies.CampaignOpening(
        CAMPAIGN, "两节", date(2016, 12, 15), date(today.year + 1, 1, 1), 2017, POLICY
    )
    policies.open_campaign(world.ledger, world.act(day=date(2016, 12, 2)), opening)


def signed_in(world: World, staff: str) -> str:
    door = Door(world.home.access, RelyingParty("localhost", "http://localhost"))
    try:
        return door.sessions.open(officer_id(staff), "test", int(time.time()))
    finally:
        door.close()


class Roster(BytesIO):
    """Says when all of it has been sent."""

    def __init__(self) -> None:
        super().__init__(roster_csv(*PEOPLE))
        self.sent = threading.Event()

    def read(self, size: int | None = -1) -> bytes:
        part = super().read(size)
        if not part:
            self.sent.set()
        return part


def drafted(address: str, secret: str, roster: Roster) -> httpx2.Response:
    form = {
        "code": "B1",
        "campaign_code": CAMPAIGN,
        "organisation_code": "X01",
        "earmark": EARMARK,
        "channel": "银行卡",
        "bank_format": "unionpay-df",
    }
    return httpx2.post(
        f"{address}/v1/batches",
        data=form,
        files={"roster": ("名册.csv", roster)},
        headers={"origin": address, "cookie": f"nuanzhang_session={secret}"},
        timeout=60,
    )


def test_a_draft_under_way_is_committed_and_answered_before_it_stops(world: World) -> None:
    secret = signed_in(world, "H-X01")
    size, home = world.ledger.size(), world.home.path
    world.ledger.close()

    with serving(home) as process, ThreadPoolExecutor(1) as threads:
        assert httpx2.get(f"{process.address}/livez").status_code == 200
        roster = Roster()
        asked = threads.submit(drafted, process.address, secret, roster)
        assert roster.sent.wait(60)
        # Who comes later is answered: so the draft was taken in before.
        assert httpx2.get(f"{process.address}/livez").status_code == 200
        process.running.send_signal(signal.SIGTERM)
        under_way = not asked.done()
        answer = asked.result()
        lines = process.stopped()

    assert under_way
    assert answer.status_code == 201, answer.text
    result = answer.json()["result"]
    assert (result["accepted"], result["refused"]) == (ROWS, [])
    verified = json.loads(nuanzhang(home, "verify", "--json").stdout)
    assert verified["holds"] is True
    world.reopen()
    assert verified["events"] == world.ledger.size() > size
    assert_only_requests(lines)


def assert_only_requests(lines: list[str]) -> None:
    """Everything that the process wrote is a line of JSON, and names nobody."""
    said = [json.loads(line) for line in lines]
    assert [(each["route"], each["status"]) for each in said] == [
        ("/livez", 200),
        ("/livez", 200),
        ("/v1/batches", 201),
    ]
    text = "\n".join(lines)
    assert CARD_CLASS not in text
    assert not any(each.id_number in text or each.name in text for each in PEOPLE)


@pytest.mark.parametrize(("told", "status"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_told_to_stop_it_takes_nobody_new_and_closes_its_ledger(
    world: World, told: signal.Signals, status: int
) -> None:
    home = world.home.path
    world.ledger.close()

    with serving(home) as process:
        # A connection that is kept alive does not hold it up.
        with httpx2.Client(base_url=process.address) as idle:
            assert idle.get("/readyz").status_code == 200
            process.running.send_signal(told)
            lines = process.stopped()
        with pytest.raises(httpx2.ConnectError):
            httpx2.get(f"{process.address}/livez")

    assert process.running.returncode == status
    assert [json.loads(line)["route"] for line in lines[:1]] == ["/readyz"]
    # SQLite leaves its journal behind where nobody closed the file.
    assert not world.home.events.with_name(world.home.events.name + "-wal").exists()
    world.reopen()

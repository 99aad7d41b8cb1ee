"""One ledger served by several processes: any of them answers, one works in the background."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx2
import pytest

from api.serving import SILENT_S
from ledger.domain.officer import Role
from tests.api.test_campaign_over_http import roster_csv
from tests.api.test_command_line import nuanzhang
from tests.edge.test_graceful_shutdown import CAMPAIGN, Process, open_today, signed_in
from tests.postgresql import KEEPS_WHAT_IS_COMMITTED, Server, running
from tests.world import EARMARK, Person, World

PEOPLE = [Person(serial) for serial in range(1, 13)]
WORKERS = 2
KEEPER = "S-C01"
ASKED_EVERY_S = 2.0
"""Within so long each worker is asked whether it lives, generously."""
BEFORE_IT_LOOKS = 2
"""Threads of a worker that begins: its first one, and who answers that it lives."""


@contextmanager
def serving(home: Path, *words: str, host: str = "localhost") -> Iterator[Process]:
    command = subprocess.Popen(
        [sys.executable, "-m", "api.cli", "serve", "--workers", str(WORKERS), *words],
        env={**os.environ, "NUANZHANG_HOME": str(home), "NUANZHANG_VERIFY_EVERY_S": "0"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    workers: set[int] = set()
    try:
        assert command.stdout is not None
        address = re.search(r"http://127\.0\.0\.1:\d+", command.stdout.readline())
        assert address is not None
        found = Process(command, address.group())
        until(lambda: len(children(command.pid)) == WORKERS)
        workers |= children(command.pid)
        until(lambda: answered(found, host))
        yield found
    finally:
        workers |= children(command.pid)
        command.kill()
        for each in workers:
            with suppress(ProcessLookupError):
                os.kill(each, signal.SIGKILL)
        command.communicate(timeout=60)


def children(pid: int) -> set[int]:
    """Return the workers of a process: what else it starts keeps track of memory."""
    try:
        listed = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        found = {each: Path(f"/proc/{each}/cmdline").read_bytes() for each in listed}
    except FileNotFoundError:
        return set()
    return {int(each) for each, words in found.items() if b"spawn_main" in words}


def answered(process: Process, host: str = "localhost") -> bool:
    address = f"{process.address}/readyz"
    try:
        return httpx2.get(address, headers={"host": host}, timeout=2).status_code == 200
    except httpx2.TransportError:
        return False


def until(holds: Callable[[], object], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def leader(home: Path) -> int | None:
    """Return which process holds the lock of who works in the background."""
    inode = (home / "background.lock").stat().st_ino
    for line in Path("/proc/locks").read_text().splitlines():
        words = line.split()
        if words[1] == "POSIX" and words[5].endswith(f":{inode}"):
            return int(words[4])
    return None


@pytest.fixture
def world(tmp_path: Path, postgresql: Server) -> Iterator[World]:
    world = World.at(tmp_path, postgresql.fresh()).settle_in()
    open_today(world)
    world.file(*PEOPLE)
    world.administer({KEEPER: Role.SYSTEM_ADMINISTRATOR})
    yield world
    world.ledger.close()


def draft(address: str, secret: str, code: str, person: Person) -> httpx2.Response:
    """Send it over a line of its own: any worker may take it."""
    form = {
        "code": code,
        "campaign_code": CAMPAIGN,
        "organisation_code": "X01",
        "earmark": EARMARK,
        "channel": "银行卡",
        "bank_format": "unionpay-df",
    }
    return httpx2.post(
        f"{address}/v1/batches",
        data=form,
        files={"roster": ("名册.csv", roster_csv(person))},
        headers={
            "origin": address,
            "cookie": f"nuanzhang_session={secret}",
            "idempotency-key": f"draft-{code}",
        },
        timeout=60,
    )


def read(address: str, path: str, secret: str, host: str = "localhost") -> httpx2.Response:
    headers = {"cookie": f"nuanzhang_session={secret}", "host": host}
    return httpx2.get(f"{address}{path}", headers=headers, timeout=30)


def metrics(address: str, secret: str, host: str = "localhost") -> str:
    return read(address, "/metrics", secret, host).text


def test_any_worker_answers_and_what_all_did_is_counted_and_verified(world: World) -> None:
    secret, keeper = signed_in(world, "H-X01"), signed_in(world, KEEPER)
    size, home = world.ledger.size(), world.home.path
    world.ledger.close()

    with serving(home) as process, ThreadPoolExecutor(8) as threads:
        codes = [f"W{number:02d}" for number in range(len(PEOPLE))]
        answers = list(
            threads.map(
                lambda of: draft(process.address, secret, *of), zip(codes, PEOPLE, strict=True)
            )
        )
        again = draft(process.address, secret, codes[0], PEOPLE[0])
        for stopped in sorted(children(process.running.pid)):
            # The other one answers while this one does not.
            os.kill(stopped, signal.SIGSTOP)
            seen = read(process.address, "/v1/batches", secret)
            os.kill(stopped, signal.SIGCONT)
            assert {each["code"] for each in seen.json()["items"]} == set(codes)
        told = [metrics(process.address, keeper) for _ in range(4)]
        process.running.send_signal(signal.SIGINT)
        lines = process.stopped()

    told_again = again.json()
    assert (told_again["replayed"], told_again["result"]) == (True, answers[0].json()["result"])
    counted = 'nuanzhang_requests_total{method="POST",route="/v1/batches",status="201"} 13.0'
    assert all(counted in each for each in told)
    assert all(each.count("\nnuanzhang_log_events ") == 1 for each in told)
    assert process.running.returncode == 130
    verified = json.loads(nuanzhang(home, "verify", "--json").stdout)
    assert verified["holds"] is True
    assert verified["events"] == size + 2 * len(codes)
    text = "\n".join(lines)
    assert not any(each.id_number in text or each.name in text for each in PEOPLE)


def test_another_worker_leads_when_one_was_killed_and_none_outlives_who_watches(
    world: World,
) -> None:
    keeper, home = signed_in(world, KEEPER), world.home.path
    world.ledger.close()

    with serving(home) as process:
        until(lambda: leader(home) in children(process.running.pid))
        led = leader(home)
        assert led is not None
        os.kill(led, signal.SIGKILL)
        until(lambda: leader(home) not in (None, led))
        until(lambda: len(children(process.running.pid) - {led}) == WORKERS)
        until(lambda: answered(process))
        asked = httpx2.post(
            f"{process.address}/integrity",
            headers={"origin": process.address, "cookie": f"nuanzhang_session={keeper}"},
            timeout=30,
        )
        assert asked.status_code == 303, asked.text
        until(
            lambda: all(
                "nuanzhang_log_holds 1.0" in metrics(process.address, keeper) for _ in range(6)
            )
        )
        workers = children(process.running.pid)
        process.running.kill()
        until(lambda: not any(Path(f"/proc/{each}").exists() for each in workers))


def test_one_that_dies_silently_while_the_database_is_away_is_replaced_and_ends_nobody(
    tmp_path: Path,
) -> None:
    with running(KEEPS_WHAT_IS_COMMITTED) as server:
        world = World.at(tmp_path, server.fresh()).settle_in()
        world.ledger.close()
        with serving(world.home.path) as process:
            first, other = sorted(children(process.running.pid))
            os.kill(first, signal.SIGSTOP)
            time.sleep(ASKED_EVERY_S)
            server.kill()
            os.kill(first, signal.SIGKILL)
            # It is not waited for as one is that lives and says nothing.
            until(lambda: len(children(process.running.pid) - {first}) == WORKERS, SILENT_S / 2)
            (begins,) = children(process.running.pid) - {first, other}
            # It has begun to look for its database; before, all it does is import.
            until(lambda: threads_of(begins) > BEFORE_IT_LOOKS)
            time.sleep(ASKED_EVERY_S)
            server.start()

            until(lambda: answered(process))
            os.kill(other, signal.SIGSTOP)
            until(lambda: answered(process))
            os.kill(other, signal.SIGCONT)
            assert children(process.running.pid) == {begins, other}


def test_each_worker_serves_all_ledgers_of_a_deployment_and_each_is_counted_by_itself(
    tmp_path: Path, postgresql: Server
) -> None:
    asked = {"north": 3, "south": 5}
    file, keepers = tmp_path / "ledgers.toml", dict[str, str]()
    for name in asked:
        store = postgresql.fresh()
        world = World.at(tmp_path / name, store).settle_in()
        world.administer({KEEPER: Role.SYSTEM_ADMINISTRATOR})
        keepers[name] = signed_in(world, KEEPER)
        world.ledger.close()
        with file.open("a") as told:
            told.write(f'[ledgers.{name}]\nhost = "{name}.test"\nhome = "{world.home.path}"\n')
            told.write(f'database = "{store.url}&schema={store.schema}"\n')
    homes = {name: tmp_path / name / "data" for name in asked}

    with serving(tmp_path, "--deployment", str(file), host="north.test") as process:
        for name, times in asked.items():
            for _ in range(times):
                found = read(process.address, "/v1/session", keepers[name], f"{name}.test")
                assert found.status_code == 200, found.text
        other = read(process.address, "/v1/session", keepers["north"], "south.test")
        assert other.status_code == 401
        for name, times in asked.items():
            for _ in range(4):
                said = metrics(process.address, keepers[name], f"{name}.test")
                route = f'{{ledger="{name}",method="GET",route="/v1/session",status="200"}}'
                assert f"nuanzhang_requests_total{route} {times}.0" in said
                assert set(re.findall('ledger="([a-z]+)"', said)) == {name}
        until(lambda: {leader(home) for home in homes.values()} <= children(process.running.pid))
        killed, _ = sorted(children(process.running.pid))
        os.kill(killed, signal.SIGKILL)
        until(lambda: len(children(process.running.pid) - {killed}) == WORKERS)
        until(lambda: all(answered(process, f"{name}.test") for name in asked for _ in range(4)))
        until(lambda: {leader(home) for home in homes.values()} <= children(process.running.pid))
        process.running.send_signal(signal.SIGINT)
        process.stopped()
    assert process.running.returncode == 130


def test_several_workers_over_a_deployment_with_a_file_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "ledgers.toml"
    file.write_text('[ledgers.north]\nhost = "north.test"\nhome = "north"\n')
    assert nuanzhang(tmp_path, "init", "--deployment", str(file)).returncode == 0
    monkeypatch.setenv("NUANZHANG_WORKERS", "2")

    refused = nuanzhang(tmp_path, "serve", "--deployment", str(file))

    assert refused.returncode == 1
    assert refused.stderr.startswith("serve.one_process: ")


def threads_of(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/task").iterdir()))


def test_several_workers_over_a_file_are_refused(tmp_path: Path) -> None:
    home = tmp_path / "data"
    nuanzhang(home, "init")

    refused = nuanzhang(home, "serve", "--workers", "2")

    assert refused.returncode == 1
    assert refused.stderr.startswith("serve.one_process: ")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_worker_that_waits_for_its_database_ends_when_it_is_told_to(number: int) -> None:
    waiting = """
import signal
from api import serving
from ledger.postgresql import DatabaseUnreachable

def begin(_):
    print("waits", flush=True)
    raise DatabaseUnreachable

# As uvicorn does before it makes a worker's application.
for number in (signal.SIGTERM, signal.SIGINT):
    signal.signal(number, lambda *_: None)
serving._begun(begin)
"""
    with subprocess.Popen([sys.executable, "-c", waiting], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline()
        process.send_signal(number)

        assert process.wait(30) == 0

"""The service on a disk of its own that fills up, then is read-only: run in a mount namespace.

unshare -m python -m tests.slow.small_disk FOLDER sqlite|postgresql
"""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from httpx2 import Response

from ledger import postgresql_waiting
from tests.api.service import Service, service_at
from tests.api.test_command_line import nuanzhang
from tests.api.test_forged_acts import receipt_form
from tests.postgresql import running

MEGABYTE = 1 << 20
SIZE = {"sqlite": 24, "postgresql": 150}
BROWSER = {"accept": "text/html"}
TRIES = 2_000


def main(folder: Path, store: str) -> None:
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SIZE[store]}m,mode=755", "none", str(folder)]
    subprocess.run(mount, check=True)
    if store == "sqlite":
        with service_at(folder / "world", unlimited=True) as service:
            fills_up(service, folder)
        with_a_disk_that_is_only_read(folder, service.world.home.path)
        return
    postgresql_waiting.RIDE_S = 0.5
    tempfile.tempdir = str(folder)
    with (
        running(settings=()) as server,
        tempfile.TemporaryDirectory(dir="/dev/shm") as home,
        service_at(Path(home), unlimited=True, database=server.fresh()) as service,
    ):
        fills_up(service, folder)


def fills_up(service: Service, folder: Path) -> None:
    auditor = service.browser("U-C01")  # signed in while there is room
    done = [write(service, f"before-{number}") for number in range(3)]
    with ballast(folder):
        refused = None
        for number in range(TRIES):
            answer = write(service, f"full-{number}")
            if answer.status_code != 201:
                refused = number, answer
                break
            done.append(answer)
        assert refused is not None, "the disk never was full"
        number, answer = refused
        assert_refused(answer, "disk.full", "database.unreachable")
        assert_refused(write(service, f"full-{number}"), "disk.full", "database.unreachable")
        page = auditor.get("/overview", headers=BROWSER)
        assert page.status_code in (200, 503), page.text
    recovers(service, f"full-{number}", done)


def with_a_disk_that_is_only_read(folder: Path, home: Path) -> None:
    """Nothing but what reads alone begins there; afterwards all is as it was."""
    remount(folder, "ro")
    served, initialised = nuanzhang(home, "serve"), nuanzhang(folder / "other", "init")
    verified = nuanzhang(home, "verify")
    remount(folder, "rw")
    for told in (served, initialised):
        assert (told.returncode, told.stderr.partition(":")[0]) == (1, "disk.read_only"), told
    assert verified.returncode == 0, verified
    assert nuanzhang(home, "verify").stdout == verified.stdout


def recovers(service: Service, key: str, done: list[Response]) -> None:
    """What was refused is done under its key, once; what was acknowledged stands."""
    again, once_more = write(service, key), write(service, key)
    assert again.status_code == 201, again.text
    assert "idempotency-replayed" not in again.headers
    assert once_more.headers["idempotency-replayed"] == "true"
    *stood, replayed = [
        answer.json()["receipt"]["position"] for answer in (*done, again, once_more)
    ]
    assert stood == sorted(set(stood))
    assert replayed == stood[-1]
    assert service.get("U-C01", "/v1/balances")
    service.world.check_log()
    assert service.world.ledger.size() == stood[-1] + 1


def write(service: Service, key: str) -> Response:
    return service.post("K-C01", "/v1/appropriations", receipt_form(), Idempotency_Key=key)


def assert_refused(answer: Response, *codes: str) -> None:
    assert answer.status_code == 503, answer.text
    problem: dict[str, Any] = answer.json()
    assert problem["code"] in codes
    assert int(answer.headers["retry-after"]) > 0


@contextmanager
def ballast(folder: Path) -> Iterator[None]:
    """Fill a disk to the last byte, and make room again."""
    heavy = folder / "ballast"
    with heavy.open("wb", buffering=0) as file:
        for size in (MEGABYTE, 4096, 1):
            try:
                while True:
                    file.write(bytes(size))
            except OSError:
                continue
    try:
        yield
    finally:
        heavy.unlink()


def remount(folder: Path, how: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{how}", str(folder)], check=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])

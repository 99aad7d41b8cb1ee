"""The service, asked over HTTP, on a disk that fills up, and that the kernel then stops writing to.

Run in a mount namespace, as root, since the disk is a file with a file system of its own:
unshare -m python -m tests.slow.broken_disk FOLDER
"""

import subprocess
import sys
import time
from datetime import date
from http import HTTPStatus
from pathlib import Path

import httpx2

from api.callers import COOKIE
from ledger.commands.verification import verify_log
from ledger.domain.officer import Role
from tests.slow.clients import receipt, settled, signed_in
from tests.slow.serving import Service
from tests.slow.small_disk import ballast
from tests.world import World

SIZE_MB = 40
TRIES = 2_000
ANSWERED_WITHIN_S = 60.0
CASHIER, AUDITOR = "K", "U"


class Disk:
    """An image with ext4 on it, and where it is mounted."""

    def __init__(self, image: Path, folder: Path) -> None:
        self._image, self.folder = image, folder
        with image.open("wb") as file:
            file.truncate(SIZE_MB << 20)
        run("mkfs.ext4", "-q", "-F", str(image))
        folder.mkdir()
        self.mount()

    def mount(self) -> None:
        run("mount", "-o", "loop", str(self._image), str(self.folder))

    def stop_writing(self) -> None:
        """Have the kernel do as it does when the disk fails: from now on it only reads."""
        # It says no to the remount itself.
        subprocess.run(["mount", "-o", "remount,abort", self.folder], check=False)

    def mend(self) -> None:
        """Take the disk out, check it, and put it in again; nothing has it open."""
        run("umount", str(self.folder))
        # 1: errors were put right.
        assert subprocess.run(["e2fsck", "-fy", self._image], check=False).returncode in (0, 1)
        self.mount()


class Asked:
    """What is asked over HTTP of a service that is started again now and then."""

    def __init__(self, service: Service, sessions: dict[str, list[str]]) -> None:
        self._service = service
        self._sessions = sessions

    def write(self, key: str) -> httpx2.Response:
        return self._ask(CASHIER, "POST", "/v1/appropriations", key)

    def read(self) -> httpx2.Response:
        return self._ask(AUDITOR, "GET", "/v1/balances", "")

    def _ask(self, staff: str, method: str, path: str, key: str) -> httpx2.Response:
        origin = f"http://127.0.0.1:{self._service.port}"
        (secret,) = self._sessions[staff]
        return httpx2.request(
            method,
            f"{origin}{path}",
            content=receipt(key) if key else b"",
            headers={
                "origin": origin,
                "cookie": f"{COOKIE}={secret}",
                "content-type": "application/json",
                **({"idempotency-key": key} if key else {}),
            },
            timeout=ANSWERED_WITHIN_S,
        )


def main(folder: Path) -> None:
    disk = Disk(folder / "image", folder / "disk")
    world = settled(disk.folder / "world", None)
    world.appoint(CASHIER, "C01", Role.CASHIER, date(2016, 12, 1))
    world.appoint(AUDITOR, "C01", Role.AUDITOR, date(2016, 12, 1))
    world.ledger.close()
    service = Service(world.home)
    service.log = folder / "service.log"
    asked = Asked(service, signed_in(world, (CASHIER, AUDITOR), 1))
    service.start()
    try:
        service.wait()
        stood = [position_of(asked.write(f"before-{number}")) for number in range(3)]
        stood += fills_up(asked, disk)
        stood += stops_being_written_to(asked, disk, service)
        assert stood == sorted(set(stood))
        holds(world, stood[-1] + 1)
        service.stop()
        assert "Traceback" not in service.log.read_text()
    finally:
        service.end()


def fills_up(asked: Asked, disk: Disk) -> list[int]:
    """Refused while there is no room, and done once there is, without a new start."""
    stood = []
    with ballast(disk.folder):
        for number in range(TRIES):
            answer = asked.write(f"full-{number}")
            if answer.status_code != HTTPStatus.CREATED:
                break
            stood.append(position_of(answer))
        refused(answer, "disk.full")
        refused(asked.write(f"full-{number}"), "disk.full")
        reads(asked)
    again, once_more = asked.write(f"full-{number}"), asked.write(f"full-{number}")
    assert position_of(again) == position_of(once_more)
    assert once_more.headers["idempotency-replayed"] == "true"
    assert asked.read().status_code == HTTPStatus.OK
    return [*stood, position_of(again)]


def stops_being_written_to(asked: Asked, disk: Disk, service: Service) -> list[int]:
    """Refused until the disk is mended, for which the service ends; then done once."""
    disk.stop_writing()
    for _ in range(2):
        refused(asked.write("broken"), "disk.read_only", "disk.failing")
        reads(asked)
    began = time.monotonic()
    service.stop()
    assert time.monotonic() - began < ANSWERED_WITHIN_S
    disk.mend()
    service.start()
    service.wait()
    again, once_more = asked.write("broken"), asked.write("broken")
    assert "idempotency-replayed" not in again.headers
    assert position_of(again) == position_of(once_more)
    assert asked.read().status_code == HTTPStatus.OK
    return [position_of(again)]


def position_of(answer: httpx2.Response) -> int:
    assert answer.status_code == HTTPStatus.CREATED, answer.text
    position: int = answer.json()["receipt"]["position"]
    return position


def refused(answer: httpx2.Response, *codes: str) -> None:
    assert answer.status_code == HTTPStatus.SERVICE_UNAVAILABLE, answer.text
    assert answer.json()["code"] in codes, answer.text
    assert int(answer.headers["retry-after"]) > 0


def reads(asked: Asked) -> None:
    """Reading goes on, or says why not."""
    answer = asked.read()
    if answer.status_code != HTTPStatus.OK:
        refused(answer, "disk.full", "disk.read_only", "disk.failing")


def holds(world: World, size: int) -> None:
    home = world.home
    verdict = verify_log(home.log, home.origin(), home.founding_key_id(), processes=1)
    assert verdict.holds, verdict
    assert verdict.events == size


def run(*words: str) -> None:
    subprocess.run(words, check=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))

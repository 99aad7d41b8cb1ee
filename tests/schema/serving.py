"""The service on a port of its own, over a small world, with a token for each post."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import uvicorn

from api.serving import config_of
from ledger.anchoring.publications import announce
from ledger.domain.officer import Role, officer_id
from tests.api.service import EARLY, Service, service_at
from tests.world import Person, roster_row

DAY_S = 24 * 3600


@dataclass
class Served:
    url: str
    service: Service

    def token(self, role: Role) -> str:
        """Return a token of an officer who holds this one post, at the top."""
        text, _ = self.service.served.door.issue_token(
            officer_id(f"Z-{role.name}"),
            label="schema",
            read_only=False,
            ttl_s=DAY_S,
            now_s=self.service.clock.now_s,
        )
        return text


@contextmanager
def serving(folder: Path) -> Iterator[Served]:
    with service_at(folder, unlimited=True) as service:
        furnish(service)
        sock = socket.socket()
        sock.bind(("127.0.0.1", 0))
        server = uvicorn.Server(config_of(service.app, lifespan="off"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [sock]})
        thread.start()
        try:
            yield Served(f"http://127.0.0.1:{sock.getsockname()[1]}", service)
        finally:
            server.should_exit = True
            thread.join()


def furnish(service: Service) -> None:
    """Have money, people, and a batch at each stage."""
    world = service.world
    one, two, three, four = map(Person, range(1, 5))
    world.receive("C01", 500_000)
    world.receive("X01", 1_000_000)
    world.allocate("C01", "X01", 1_000)
    world.file(one, two, three)
    world.pay("B1", roster_row(1, one, 80_000))
    world.draft("B2", roster_row(1, two, 80_000))
    world.draft("B3", roster_row(1, three, 80_000))
    world.review("B3")
    world.sheet("S1", four)
    for role in Role:
        world.appoint_without_key(f"Z-{role.name}", "C01", role, EARLY)
    announce(world.ledger, service.served.maps, world.act())

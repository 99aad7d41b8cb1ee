"""The service over a small world: its officers signed in, each with a browser of their own."""

from base64 import b64decode, b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from anyio.from_thread import BlockingPortal
from argon2 import PasswordHasher
from fastapi import FastAPI
from fastapi.testclient import TestClient
from httpx2 import Response

from api.access.passwords import Passwords
from api.app import Serving, create_app
from api.clock import Clock
from api.dependencies import Served
from api.edge.limits import Limits
from api.edge.rate import Rates
from ledger.domain.officer import Role, officer_id
from ledger.postgresql import Database
from tests.world import RECORDED_AT, World

CHEAP = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
TODAY = date(2017, 3, 1)
HOST = "http://127.0.0.1"
EARLY = date(2016, 12, 1)

SYSTEM, SECURITY, AUDIT = "SYS", "SEC", "AUD"
POSTS = {
    "K-C01": ("C01", Role.CASHIER),
    "K-X01": ("X01", Role.CASHIER),
    "B-X01": ("X01", Role.ACCOUNTANT),
    "U-C01": ("C01", Role.AUDITOR),
    "J-C01": ("C01", Role.INSPECTOR),
}
ADMINISTRATORS = {
    SYSTEM: Role.SYSTEM_ADMINISTRATOR,
    SECURITY: Role.SECURITY_ADMINISTRATOR,
    AUDIT: Role.AUDIT_ADMINISTRATOR,
}


@dataclass
class Service:
    world: World
    app: FastAPI
    clock: "Hands"
    loop: BlockingPortal
    browsers: dict[str, TestClient] = field(default_factory=dict)

    @property
    def served(self) -> Served:
        found: Served = self.app.state.served
        return found

    def browser(self, staff: str = "") -> TestClient:
        """Return the browser of an officer who is signed in, or of nobody."""
        found = self.browsers.get(staff)
        if found is None:
            found = TestClient(self.app, base_url=HOST, headers={"origin": HOST})
            # As when it is served: one loop for all. Else each request would start one.
            found.portal = self.loop
            if staff:
                secret = self.served.door.sessions.open(officer_id(staff), "test", self.clock.now_s)
                found.cookies.set("nuanzhang_session", secret)
            self.browsers[staff] = found
        return found

    def get(self, staff: str, path: str, **params: Any) -> Any:
        answer = self.browser(staff).get(path, params=params)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(self, staff: str, path: str, body: Any = None, **headers: str) -> Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.browser(staff).post(path, json=body or {}, headers=named)

    def done(self, staff: str, path: str, body: Any = None, **headers: str) -> Any:
        answer = self.post(staff, path, body, **headers)
        assert answer.status_code in (200, 201), answer.text
        return answer.json()

    def signed(self, staff: str, prepared: Any) -> dict[str, str]:
        """Sign what was prepared, as the officer's own program does."""
        signer = self.world.officers[staff]
        signature = signer.sign(b64decode(prepared["to_sign"]))
        return {
            "payload": prepared["payload"],
            "key_id": signer.public_key.key_id,
            "signature": b64encode(signature).decode(),
        }


@dataclass
class Hands:
    """A clock whose hands a test moves."""

    now_s: int = 1_488_355_200
    now: str = RECORDED_AT
    today: date = TODAY

    def clock(self) -> Clock:
        return Clock(lambda: self.now, lambda: self.now_s, lambda: self.today)


@contextmanager
def service_at(
    folder: Path,
    *,
    unlimited: bool = False,
    limits: Limits | None = None,
    database: Database | None = None,
) -> Iterator[Service]:
    world = World.at(folder, database).settle_in()
    for staff, (code, role) in POSTS.items():
        world.appoint(staff, code, role, EARLY)
    world.administer(ADMINISTRATORS)
    hands = Hands()
    rates = Rates(1e6, 10**6, 1e6, 10**6, 1e6, 10**6, 1e6, 10**6) if unlimited else Rates()
    serving = Serving(hands.clock(), passwords=CHEAP, rates=rates, limits=limits or Limits())
    app = create_app(world.home, world.ledger, serving)
    with TestClient(app, base_url=HOST) as http:
        assert http.portal is not None
        yield Service(world, app, hands, http.portal)
    world.ledger.close()

"""How often anybody may ask, by a clock whose hands the test moves."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from starlette.testclient import TestClient

from api.edge.rate import CALLERS_KEPT, RateLimit, Rates
from tests.api.service import HOST, Service
from tests.api.staging import refusal

RATES = Rates(
    per_second=2,
    burst=4,
    sign_ins_per_second=0.1,
    sign_ins_burst=3,
    address_per_second=10,
    address_burst=20,
)
TOO_MANY = (429, "request.too_many")
WRONG = {"staff_number": "H-X01", "password": "wrong"}


class Bounded:
    """The service behind small bounds; anybody may come from any address."""

    def __init__(self, service: Service, rates: Rates = RATES) -> None:
        self.now_s = 1000.0
        self.limit = RateLimit(service.app, rates, lambda: self.now_s)

    def asking(self, secret: str = "", address: str = "10.0.0.1") -> TestClient:
        headers = {"authorization": f"Bearer {secret}"} if secret else {}
        return TestClient(self.limit, base_url=HOST, headers=headers, client=(address, 5000))


def let_through(ask: Callable[[], int], times: int) -> int:
    return sum(ask() != 429 for _ in range(times))


def live(client: TestClient) -> Callable[[], int]:
    return lambda: client.get("/livez").status_code


def test_whoever_asks_too_often_is_told_how_long_to_wait_and_let_in_again(
    service: Service,
) -> None:
    bounded = Bounded(service)
    ask = live(client := bounded.asking())
    assert let_through(ask, 10) == RATES.burst
    refused = client.get("/livez")
    assert refusal(refused) == TOO_MANY
    assert refused.headers["content-type"] == "application/problem+json"
    wait_s = int(refused.headers["retry-after"])
    assert wait_s == 1

    bounded.now_s += wait_s

    assert let_through(ask, 10) == wait_s * RATES.per_second
    bounded.now_s += 1_000_000
    assert let_through(ask, 10) == RATES.burst


@pytest.mark.parametrize("per_second", [0.1, 0.3, 0.7, 1.0, 2.9])
def test_waiting_as_long_as_was_said_is_always_enough(service: Service, per_second: float) -> None:
    bounded = Bounded(service, replace(RATES, per_second=per_second, burst=1))
    client = bounded.asking()
    for _ in range(30):
        while (answer := client.get("/livez")).status_code == 200:
            bounded.now_s += 0.1
        assert refusal(answer) == TOO_MANY
        bounded.now_s += int(answer.headers["retry-after"])
        assert client.get("/livez").status_code == 200


def test_one_caller_does_not_use_up_what_another_has(service: Service) -> None:
    bounded = Bounded(service)
    assert let_through(live(bounded.asking("one")), 10) == RATES.burst

    assert let_through(live(bounded.asking("two")), 10) == RATES.burst
    assert let_through(live(bounded.asking("one", "10.0.0.2")), 10) == RATES.burst


def test_secrets_made_up_for_each_request_are_bounded_by_their_address(service: Service) -> None:
    bounded = Bounded(service)
    asked = [bounded.asking(f"made-up-{n}").get("/livez").status_code for n in range(40)]

    assert asked.count(200) == RATES.address_burst
    assert bounded.asking("honest", "10.0.0.2").get("/livez").status_code == 200


def test_signing_in_is_bounded_by_address_whatever_else_is_sent(service: Service) -> None:
    bounded = Bounded(service)
    paths = ("/v1/session", "/v1/session/passkey/options", "/v1/session/invitation")
    asked = [
        bounded.asking(f"made-up-{n}").post(paths[n % 3], json=WRONG).status_code for n in range(9)
    ]

    assert 9 - asked.count(429) == RATES.sign_ins_burst
    refused = bounded.asking("another").post("/v1/session", json=WRONG)
    assert refusal(refused) == TOO_MANY
    assert refused.headers["retry-after"] == "10"
    # Whoever is signed in already goes on working, and so does another office.
    assert bounded.asking("signed-in").get("/livez").status_code == 200
    elsewhere = bounded.asking(address="10.0.0.2").post("/v1/session", json=WRONG)
    assert elsewhere.status_code != 429


def test_what_is_kept_of_callers_stays_in_bounds(service: Service) -> None:
    limit = RateLimit(service.app, Rates(address_per_second=1e6, address_burst=10**6), lambda: 0.0)
    scope = {"type": "http", "method": "GET", "path": "/livez", "client": ("10.0.0.1", 1)}

    for number in range(CALLERS_KEPT + 500):
        secret = (b"authorization", b"Bearer %d" % number)
        assert limit._take({**scope, "headers": [secret]}) is None

    assert len(limit._buckets) == CALLERS_KEPT


def test_whoever_objects_without_having_signed_in_is_told_apart_by_address(
    service: Service,
) -> None:
    rates = replace(RATES, objections_per_second=0.1, objections_burst=2)
    bounded = Bounded(service, rates)
    nobodys = "/notices/6d1f6b8e-2f0e-5f0e-9a55-6e75616e7a68/objections"

    def objecting(secret: str, address: str) -> Callable[[], int]:
        form = {"key": "k", "text": "有异议"}
        return lambda: bounded.asking(secret, address).post(nobodys, data=form).status_code

    assert let_through(objecting("", "10.0.0.1"), 3) == 2
    assert let_through(objecting("made up", "10.0.0.1"), 3) == 0
    assert let_through(objecting("", "10.0.0.2"), 3) == 2
    assert let_through(live(bounded.asking()), 3) == 3

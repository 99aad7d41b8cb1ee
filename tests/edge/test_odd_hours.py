"""A clock that was set back, and lines that are reset in the middle of an answer."""

import json
import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import uvicorn

from api.serving import config_of
from tests.api.service import Service, service_at
from tests.api.test_forged_acts import receipt_form

HOUR_S = 3_600
EARLIER = "2017-03-01T07:00:00.000Z"
RESET = struct.pack("ii", 1, 0)
"""SO_LINGER of no time: closing tells the other side that the line is reset."""


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    with service_at(tmp_path, unlimited=True) as service:
        yield service


def test_a_clock_that_is_set_back_an_hour_stops_nobody_and_lets_nothing_be_dated_ahead(
    service: Service,
) -> None:
    clock = service.clock
    before, then = clock.now, clock.now_s
    service.done("K-C01", "/v1/appropriations", receipt_form(), Idempotency_Key="before")
    allocation = {
        "from_code": "C01",
        "to_code": "X01",
        "earmark": "送温暖",
        "document": "拨〔2017〕2号",
        "amount_fen": 10,
    }
    prepared = service.done("A-C01", "/v1/allocations/preparations", allocation)

    clock.now, clock.now_s = EARLIER, then - HOUR_S
    again = service.post("K-C01", "/v1/appropriations", receipt_form(), Idempotency_Key="before")
    elsewhere = receipt_form(organisation_code="X01")
    new = service.post("K-X01", "/v1/appropriations", elsewhere, Idempotency_Key="meanwhile")
    signed = {"allocation": allocation, "signed": service.signed("A-C01", prepared)}
    ahead = service.post("A-C01", "/v1/allocations", signed)

    assert (again.status_code, again.headers["idempotency-replayed"]) == (201, "true")
    assert new.status_code == 201
    # What the service would have prepared an hour from now is nothing that an officer may sign now.
    assert (ahead.status_code, ahead.json()["code"]) == (409, "signature.prepared_too_old")
    clock.now, clock.now_s = before, then
    assert service.post("A-C01", "/v1/allocations", signed).status_code == 201
    service.world.check_log()


def test_a_line_that_is_reset_before_the_answer_hides_nothing(service: Service) -> None:
    service.done("K-C01", "/v1/appropriations", receipt_form())  # the account is opened with it
    size = service.world.ledger.size()
    with listening(service) as port:
        for number in range(5):
            line = asked(service, port, f"reset-{number}")
            line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            time.sleep(0.002 * number)  # before, while and after it is decided
            line.close()
        answers = []
        for number in range(5):
            with asked(service, port, f"reset-{number}") as line:
                answers.append(line.makefile("rb").readline())

    assert answers == [b"HTTP/1.1 201 Created\r\n"] * 5
    assert service.world.ledger.size() == size + 5
    assert service.get("U-C01", "/v1/balances")
    service.world.check_log()


def asked(service: Service, port: int, key: str) -> socket.socket:
    """Send a request over a line of its own, and wait for nothing."""
    session = service.browser("K-C01").cookies["nuanzhang_session"]
    body = json.dumps(receipt_form()).encode()
    line = socket.create_connection(("127.0.0.1", port), timeout=20)
    line.sendall(
        (
            "POST /v1/appropriations HTTP/1.1\r\n"
            f"Host: 127.0.0.1:{port}\r\nOrigin: http://127.0.0.1:{port}\r\n"
            f"Cookie: nuanzhang_session={session}\r\nIdempotency-Key: {key}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
            "Connection: close\r\n\r\n"
        ).encode()
        + body
    )
    return line


@contextmanager
def listening(service: Service) -> Iterator[int]:
    """Serve over real lines, in a thread."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        sock.listen()
        server = uvicorn.Server(config_of(service.app, lifespan="off"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [sock]})
        thread.start()
        try:
            yield sock.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join()

"""Bodies on real sockets: larger than they may be, than they say, and slower."""

import json
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPResponse
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.api.test_races import Listening
from tests.edge.conftest import LIMITS

SIGN_IN = "/v1/session"
SMALL, LARGE = LIMITS.body_bytes_max, LIMITS.upload_bytes_max
TOO_LARGE = "request.too_large"


def pieces(size: int) -> Iterator[bytes]:
    for start in range(0, size, 500):
        yield b" " * min(500, size - start)


@contextmanager
def connected(there: Listening) -> Iterator[socket.socket]:
    place = urlsplit(there.address)
    with socket.create_connection((place.hostname, place.port), timeout=20) as found:
        yield found


def head(*lines: str) -> bytes:
    return "\r\n".join((f"POST {SIGN_IN} HTTP/1.1", "Host: 127.0.0.1", *lines, "", "")).encode()


def answered(there: socket.socket) -> tuple[int, Any]:
    with HTTPResponse(there) as answer:
        answer.begin()
        return answer.status, json.load(answer)


def test_a_body_that_says_it_is_too_large_is_refused_before_it_comes(bounded: Listening) -> None:
    with connected(bounded) as there:
        there.sendall(head("Content-Type: application/json", f"Content-Length: {SMALL + 1}"))
        status, answer = answered(there)

    assert (status, answer["code"]) == (413, TOO_LARGE)


@pytest.mark.parametrize("said", ["-1", "1e9", "99999999999999999999999999", "x", "9" * 5000])
def test_no_length_that_is_said_breaks_anything(bounded: Listening, said: str) -> None:
    with connected(bounded) as there:
        there.sendall(head("Content-Type: application/json", f"Content-Length: {said}"))
        status = int(there.recv(10_000).split()[1])

    assert status in (400, 413)


def test_a_body_of_unsaid_length_is_counted_as_it_comes(bounded: Listening) -> None:
    http = bounded.client()
    form = {"content-type": "application/json"}

    over = http.post(SIGN_IN, content=pieces(SMALL + 1), headers=form)
    whole = http.post(SIGN_IN, content=pieces(SMALL), headers=form)

    assert (over.status_code, over.json()["code"]) == (413, TOO_LARGE)
    # All of it was read, and it is no form.
    assert (whole.status_code, whole.json()["code"]) == (422, "request.invalid")


def test_bytes_beyond_the_length_that_was_said_are_no_part_of_the_body(bounded: Listening) -> None:
    with connected(bounded) as there:
        there.sendall(head("Content-Type: application/json", "Content-Length: 2"))
        there.sendall(b"{}" + b"x" * 100)
        status, answer = answered(there)

    assert (status, answer["code"]) == (422, "request.invalid")


def parts(size: int) -> Iterator[bytes]:
    """Return a form that holds one file of a size."""
    yield b'--b\r\nContent-Disposition: form-data; name="roster"; filename="r.csv"\r\n\r\n'
    yield from pieces(size)
    yield b"\r\n--b--\r\n"


@pytest.mark.parametrize(
    ("path", "kind", "make"),
    [
        ("/v1/batches", "multipart/form-data; boundary=b", parts),
        ("/v1/archive/files/bulk?mode=continue_on_error", "application/x-ndjson", pieces),
    ],
)
def test_files_may_be_large_for_those_who_show_who_they_are(
    bounded: Listening, path: str, kind: str, make: Callable[[int], Iterator[bytes]]
) -> None:
    def sent(staff: str, size: int, kind: str = kind) -> int:
        headers = {"content-type": kind}
        return bounded.client(staff).post(path, content=make(size), headers=headers).status_code

    assert sent("H-X01", SMALL + 1) in (200, 422)  # all of it was read, and it is nothing of use
    assert sent("H-X01", LARGE + 1) == 413
    assert sent("", SMALL + 1) in (401, 413)
    said = {"content-type": kind}
    stranger = bounded.client().post(path, content=b" " * (SMALL + 1), headers=said)
    assert (stranger.status_code, stranger.json()["code"]) == (413, TOO_LARGE)


def test_a_trickling_body_is_cut_off(bounded: Listening) -> None:
    started = time.monotonic()
    with connected(bounded) as there:
        there.sendall(head("Content-Type: application/json", "Content-Length: 100"))
        answer = trickled(there, until_s=started + 10)

    assert answer.startswith(b"HTTP/1.1 408")
    assert b"request.too_slow" in answer
    assert b"connection: close" in answer.lower()
    # The server hung up: else whoever trickles on keeps the connection for good.
    assert time.monotonic() - started < 10
    assert bounded.client().get("/livez").status_code == 200


def trickled(there: socket.socket, until_s: float) -> bytes:
    """Send a byte now and then until the other side hangs up; return what it had said."""
    answer = b""
    there.settimeout(0.1)
    while time.monotonic() < until_s:
        try:
            there.sendall(b" ")
            came = there.recv(10_000)
        except TimeoutError:
            continue
        except ConnectionError:
            return answer
        if not came:
            return answer
        answer += came
    return answer


def test_a_body_that_never_comes_is_waited_for_no_longer(bounded: Listening) -> None:
    with connected(bounded) as there:
        there.sendall(head("Content-Type: application/json", "Transfer-Encoding: chunked"))
        status, answer = answered(there)

    assert (status, answer["code"]) == (408, "request.too_slow")


def test_what_was_refused_is_counted_and_has_headers_like_any_answer(bounded: Listening) -> None:
    http = bounded.client()

    answer = http.post(SIGN_IN, content=b" " * (SMALL + 1))

    assert answer.status_code == 413
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    assert answer.headers["x-request-id"]
    # It is counted once it has been sent, which the sender may see first.
    until = time.monotonic() + 10
    while 'status="413"' not in (counted := exposition(bounded)) and time.monotonic() < until:
        time.sleep(0.02)
    assert 'status="413"' in counted


def exposition(bounded: Listening) -> str:
    text: bytes = bounded.service.app.state.metrics.exposition()
    return text.decode()

"""Heads of requests, as they come over a connection."""

import socket
import threading
import time
from collections.abc import Iterator
from http import HTTPStatus

import pytest
import uvicorn
from fastapi import FastAPI, Request

from api.edge.heads import HEAD_BYTES_MAX
from api.serving import config_of


@pytest.fixture(scope="module")
def address() -> Iterator[tuple[str, int]]:
    app = FastAPI()

    @app.api_route("/", methods=["GET", "POST"])
    async def count(request: Request) -> int:
        return len(await request.body())

    server = uvicorn.Server(config_of(app))
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        running = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        running.start()
        while not server.started:
            time.sleep(0.01)
        yield listening.getsockname()
        server.should_exit = True
        running.join()


@pytest.fixture
def line(address: tuple[str, int]) -> Iterator[socket.socket]:
    with socket.create_connection(address, timeout=10) as connected:
        yield connected


def status(line: socket.socket) -> int:
    """Read one answer, and return what it says."""
    read = b""
    while b"\r\n\r\n" not in read:
        more = line.recv(65_536)
        assert more, "the line was closed without an answer"
        read += more
    head, _, body = read.partition(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
    while len(body) < length:
        body += line.recv(65_536)
    return int(head.split(b" ")[1])


def send_in_pieces(line: socket.socket, text: bytes, size: int) -> None:
    """Send until all is sent, or the other end has had enough."""
    try:
        for at in range(0, len(text), size):
            line.sendall(text[at : at + size])
            time.sleep(0.001)
    except (BrokenPipeError, ConnectionResetError):
        pass


START = b"GET / HTTP/1.1\r\nHost: localhost\r\n"
POST = b"POST / HTTP/1.1\r\nHost: localhost\r\n"


def test_a_long_head_is_taken(line: socket.socket) -> None:
    line.sendall(START + b"X-Long: " + b"a" * (HEAD_BYTES_MAX - 1_000) + b"\r\n\r\n")

    assert status(line) == HTTPStatus.OK


@pytest.mark.parametrize("size", [1_000_000, 1_400])
@pytest.mark.parametrize(
    "head",
    [
        START + b"X-Long: " + b"a" * HEAD_BYTES_MAX + b"\r\n\r\n",
        START + b"X-Many: a\r\n" * (HEAD_BYTES_MAX // 7) + b"\r\n",
        START + b"X-Without-End: " + b"a" * 8 * HEAD_BYTES_MAX,
        b"GET /" + b"a" * 8 * HEAD_BYTES_MAX,
        POST
        + b"Transfer-Encoding: chunked\r\n\r\n0\r\n"
        + b"X-Trailer: "
        + b"a" * 8 * HEAD_BYTES_MAX,
    ],
    ids=["one long field", "many fields", "a field without end", "a long address", "a trailer"],
)
def test_a_head_that_is_too_long_is_refused(line: socket.socket, head: bytes, size: int) -> None:
    send_in_pieces(line, head, size)

    assert status(line) == HTTPStatus.BAD_REQUEST


def test_many_requests_on_one_line_are_counted_one_by_one(line: socket.socket) -> None:
    for _ in range(2 * HEAD_BYTES_MAX // 10_000):
        line.sendall(START + b"X-Long: " + b"a" * 10_000 + b"\r\n\r\n")
        assert status(line) == HTTPStatus.OK


def test_a_body_is_no_head(line: socket.socket) -> None:
    length = 20 * HEAD_BYTES_MAX
    line.sendall(POST + b"Content-Length: %d\r\n\r\n" % length + b"a" * length)

    assert status(line) == HTTPStatus.OK


def test_a_body_in_chunks_is_no_head(line: socket.socket) -> None:
    chunk = b"1000\r\n" + b"a" * 0x1000 + b"\r\n"
    line.sendall(POST + b"Transfer-Encoding: chunked\r\n\r\n" + chunk * 40 + b"0\r\n\r\n")

    assert status(line) == HTTPStatus.OK


def test_two_lengths_are_refused(line: socket.socket) -> None:
    line.sendall(POST + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")

    assert status(line) == HTTPStatus.BAD_REQUEST

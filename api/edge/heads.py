"""HTTP/1.1 as llhttp reads it, with a bound on the head of a request."""

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_BYTES_MAX = 32 * 1024
"""Address, names and values of a request, trailers too."""


class HeadTooLong(ValueError):
    """The parser turns it into an answer: bad request."""


class BoundedHeads(HttpToolsProtocol):
    """Keeps no more of a head than that: the parser would keep all of it until it ends."""

    _head = 0
    _unparsed = 0  # bytes since the parser last had something whole to tell of

    def data_received(self, data: bytes) -> None:
        self._unparsed += len(data)
        super().data_received(data)
        if self._unparsed > HEAD_BYTES_MAX and not self.transport.is_closing():
            self.send_400_response("Invalid HTTP request received.")

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no request; a whole one before it is answered first."""
        before = self.cycle
        if before is not None and not before.response_complete and not before.more_body:
            before.keep_alive = False
        else:
            super().send_400_response(msg)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._head = 0

    def on_url(self, url: bytes) -> None:
        super().on_url(url)
        self._told(len(url))

    def on_header(self, name: bytes, value: bytes) -> None:
        super().on_header(name, value)
        self._told(len(name) + len(value))

    def on_body(self, body: bytes) -> None:
        super().on_body(body)
        self._unparsed = 0

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._unparsed = 0

    def _told(self, count: int) -> None:
        self._unparsed = 0
        self._head += count
        if self._head > HEAD_BYTES_MAX:
            raise HeadTooLong

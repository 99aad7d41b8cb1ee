"""Stands between a ledger and its server, and cuts the line when it is told to."""

import contextlib
import socket
import threading
from pathlib import Path

from ledger.postgresql import Database

PORT_NAME = ".s.PGSQL.5432"


class CuttingProxy:
    """What came from the client is handed on; the answer to `swallowing` never comes back."""

    def __init__(self, server: Path, folder: Path) -> None:
        self.folder = folder
        self.swallowing: bytes | None = None
        self.cut = 0
        self._server = str(server / PORT_NAME)
        self._open: list[socket.socket] = []
        self._listening = socket.socket(socket.AF_UNIX)
        self._listening.bind(str(folder / PORT_NAME))
        self._listening.listen()
        threading.Thread(target=self._accept, daemon=True).start()

    def to(self, database: Database) -> Database:
        """Return the same schema, by way of this."""
        return Database(
            f"postgresql:///postgres?host={self.folder}&user=nuanzhang", database.schema
        )

    def close(self) -> None:
        """Turn everybody away."""
        self._listening.close()
        (self.folder / PORT_NAME).unlink()
        for each in self._open:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                server = socket.socket(socket.AF_UNIX)
                server.connect(self._server)
                self._open += [client, server]
                line = _Line(self, client, server)
                for hand_on in (line.there, line.back):
                    threading.Thread(target=hand_on, daemon=True).start()


class _Line:
    def __init__(self, proxy: CuttingProxy, client: socket.socket, server: socket.socket) -> None:
        self._proxy = proxy
        self._client = client
        self._server = server
        self._swallows = False

    def there(self) -> None:
        with contextlib.suppress(OSError):
            while sent := self._client.recv(1 << 16):
                looked_for = self._proxy.swallowing
                if looked_for is not None and looked_for in sent:
                    self._proxy.swallowing, self._swallows = None, True
                self._server.sendall(sent)
        self._end()

    def back(self) -> None:
        with contextlib.suppress(OSError):
            while answer := self._server.recv(1 << 16):
                if self._swallows:
                    self._proxy.cut += 1
                    break
                self._client.sendall(answer)
        self._end()

    def _end(self) -> None:
        for each in (self._client, self._server):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

"""UmaDB: events of a size appended to its own server, one a call and many."""

import json
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from umadb import Client, Event

BYTES, ALONE, TOGETHER, AT_ONCE = (int(each) for each in sys.argv[1:5])


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        program = Path(sys.executable).with_name("umadb")
        at = ["--listen", f"127.0.0.1:{port}", "--db-path", f"{folder}/uma.db"]
        server = subprocess.Popen([program, *at], stdout=subprocess.DEVNULL)
        try:
            rates = measured(f"http://127.0.0.1:{port}")
        finally:
            server.terminate()
            server.wait()
    sys.stdout.write(json.dumps(rates))


def measured(url: str) -> dict[str, float]:
    event = Event("Drawn", b"x" * BYTES, ["fund:1"])
    until = time.monotonic() + 30
    while True:
        try:
            client = Client(url)
            client.append([event])
            break
        except Exception:
            if time.monotonic() > until:
                raise
            time.sleep(0.05)
    start = time.perf_counter()
    for _ in range(ALONE):
        client.append([event])
    alone = ALONE / (time.perf_counter() - start)
    many = [event] * AT_ONCE
    start = time.perf_counter()
    for _ in range(TOGETHER // AT_ONCE):
        client.append(many)
    return {"alone": alone, "together": TOGETHER / (time.perf_counter() - start)}


main()

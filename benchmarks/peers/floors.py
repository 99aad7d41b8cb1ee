"""What the machine itself does: commits, COPY, signatures and hashes with nothing around them."""

import re
import sqlite3
import subprocess
from hashlib import sha256
from pathlib import Path
from typing import Any

from benchmarks.common import seconds

ROW = b"x" * 600
HASHES = 200_000


def sqlite_commits(path: Path, count: int) -> float:
    """Return rows a second, a commit each, in the mode that our log is in."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("CREATE TABLE raw (id INTEGER PRIMARY KEY, data BLOB)")

    def run() -> None:
        for _ in range(count):
            connection.execute("INSERT INTO raw (data) VALUES (?)", (ROW,))

    rate = count / seconds(run)
    connection.close()
    return rate


def postgresql_commits(connection: Any, count: int) -> float:
    connection.execute("CREATE TABLE raw (id bigint GENERATED ALWAYS AS IDENTITY, data bytea)")

    def run() -> None:
        for _ in range(count):
            connection.execute("INSERT INTO raw (data) VALUES (%s)", (ROW,))

    return count / seconds(run)


def postgresql_copy(connection: Any, count: int) -> float:
    def run() -> None:
        with connection.cursor() as cursor, cursor.copy("COPY raw (data) FROM STDIN") as copy:
            for _ in range(count):
                copy.write_row((ROW,))

    return count / seconds(run)


def openssl_ed25519() -> tuple[float, float]:
    """Return signatures and verifications a second of one core, by OpenSSL's own count."""
    told = subprocess.run(
        ["openssl", "speed", "-seconds", "2", "ed25519"], capture_output=True, text=True, check=True
    ).stdout
    found = re.search(r"Ed25519\)?\s+\S+\s+\S+\s+([\d.]+)\s+([\d.]+)", told)
    if found is None:
        raise SystemExit(f"openssl speed said something else:\n{told}")
    return float(found[1]), float(found[2])


def hashes() -> float:
    """Return SHA-256 hashes a second of what a node of the tree is made of."""
    node = b"\x01" + bytes(64)

    def run() -> None:
        for _ in range(HASHES):
            sha256(node).digest()

    return HASHES / seconds(run)

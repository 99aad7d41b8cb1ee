"""`nuanzhang serve` as a process: it listens on loopback, says so, and answers."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from tests.api.test_command_line import nuanzhang


@pytest.fixture
def home(tmp_path: Path) -> Path:
    nuanzhang(tmp_path / "data", "init")
    return tmp_path / "data"


def test_it_says_where_it_listens_and_answers_there(home: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "api.cli", "serve", "--tour"],
        env={**os.environ, "NUANZHANG_HOME": str(home)},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        address = re.search(r"http://127\.0\.0\.1:\d+", process.stdout.readline())
        assert address is not None
        with urllib.request.urlopen(f"{address.group()}/readyz", timeout=20) as answer:
            head = json.load(answer)
        assert head == {"status": "ready", "log_events": 2, "demo": False}
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)


def test_a_port_that_is_asked_for_and_taken_is_refused(home: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()

        refused = nuanzhang(home, "serve", "--port", str(other.getsockname()[1]))

    assert refused.returncode == 1
    assert refused.stderr.startswith("serve.port_taken: ")

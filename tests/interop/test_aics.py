"""A tlog client and a witness from PyPI, by others: one follows our live log, one cosigns it."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ledger.evidence.checkpoint import Checkpoint
from ledger.evidence.note import split_note
from ledger.witness.home import WitnessHome
from ledger.witness.witnessing import Status, Submission, Witness
from tests.interop.conftest import Carried
from tests.interop.peers import PEERS, nuanzhang, run

pytestmark = pytest.mark.interop


@contextmanager
def running(*words: str | Path, **settings: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [str(word) for word in words],
        env={**os.environ, "PYTHONUNBUFFERED": "1", **settings},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(20)
        assert process.stdout is not None
        process.stdout.close()


def said(process: subprocess.Popen[str], pattern: str) -> re.Match[str]:
    """Wait until a program says something."""
    assert process.stdout is not None
    heard = ""
    for line in process.stdout:
        heard += line
        found = re.search(pattern, line)
        if found:
            return found
    raise AssertionError(heard)


@pytest.fixture(scope="module")
def served(carried: Carried) -> Iterator[str]:
    words = (sys.executable, "-m", "api.cli", "serve", "--port", "18117")
    with running(*words, NUANZHANG_HOME=str(carried.home)) as process:
        found = said(process, r"(http://127\.0\.0\.1:\d+)")
        yield f"{found[1]}/tlog"


@pytest.mark.parametrize("index", [0, 17, 256, 4800])
def test_another_client_follows_our_live_log(carried: Carried, served: str, index: int) -> None:
    ran = run(
        PEERS / "aics-tlog",
        "verify-inclusion",
        "--tiles",
        served,
        "--log-key",
        carried.vkey,
        "--index",
        str(index),
    )

    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_another_client_sees_that_it_only_grew(carried: Carried, served: str) -> None:
    ran = run(
        PEERS / "aics-tlog",
        "verify-consistency",
        "--tiles",
        served,
        "--log-key",
        carried.vkey,
        "--old-checkpoint",
        carried.older,
    )

    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_another_client_refuses_an_altered_folder(carried: Carried, tmp_path: Path) -> None:
    import shutil

    shutil.copytree(carried.folder, tmp_path / "log")
    path = tmp_path / "log" / "tile/entries/000"
    data = bytearray(path.read_bytes())
    data[500] ^= 1
    path.write_bytes(data)

    ran = run(
        PEERS / "aics-tlog",
        "verify-inclusion",
        "--tiles",
        tmp_path / "log",
        "--log-key",
        carried.vkey,
        "--index",
        "0",
    )

    assert ran.returncode != 0


def test_another_witness_cosigns_our_live_log(carried: Carried, tmp_path: Path) -> None:
    config = tmp_path / "witness.json"
    made = run(
        PEERS / "aics-witness",
        "init",
        "--config",
        config,
        "--name",
        "witness.example/aics",
        "--listen",
        "127.0.0.1:18118",
    )
    vkey = next(word for word in made.stdout.split() if word.startswith("witness.example/aics+"))
    added = run(
        PEERS / "aics-witness",
        "add-log",
        "--config",
        config,
        "--origin",
        carried.origin,
        "--vkey",
        carried.vkey,
    )
    assert added.returncode == 0, added.stdout + added.stderr
    nuanzhang(carried.home, "witnesses", "appoint", vkey, "--url", "http://127.0.0.1:18118")
    nuanzhang(carried.home, "witnesses", "quorum", "1")

    with running(PEERS / "aics-witness", "serve", "--config", config) as process:
        said(process, r"18118")
        first = json.loads(nuanzhang(carried.home, "anchor", "--json"))
        nuanzhang(carried.home, "key", "reanchor")
        second = json.loads(nuanzhang(carried.home, "anchor", "--json"))

    assert first["cosigned_by"] == second["cosigned_by"] == ["witness.example/aics"]
    assert second["size"] > first["size"]
    # The other client counts the cosignature that the other witness made under our checkpoint.
    nuanzhang(carried.home, "publish", tmp_path / "log")
    ran = run(
        PEERS / "aics-tlog",
        "verify-checkpoint",
        "--tiles",
        tmp_path / "log",
        "--log-key",
        carried.vkey,
        "--witness-key",
        vkey,
        "--quorum",
        "1",
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_our_witnesss_cosignature_is_counted_by_another_client(
    carried: Carried, tmp_path: Path
) -> None:
    home = WitnessHome(tmp_path / "w")
    home.create("witness.example/ours")
    state = home.state()
    state.add_log(carried.origin, carried.vkey)
    note = carried.older.read_text()
    answer = Witness(state, home.cosigners()).add_checkpoint(
        Submission(0, (), note).text(), 1_800_000_000
    )
    assert answer.status is Status.COSIGNED
    (tmp_path / "cosigned").write_text(note + answer.text)
    size = Checkpoint.from_body(split_note(note)[0]).size

    ran = run(
        PEERS / "aics-tlog",
        "verify-checkpoint",
        "--note",
        tmp_path / "cosigned",
        "--log-key",
        carried.vkey,
        "--witness-key",
        home.cosigners()[0].key.vkey(),
        "--quorum",
        "1",
    )

    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert json.loads(ran.stdout).get("size", size) == size

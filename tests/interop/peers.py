"""Other people's programs, and how they are run. `make test-interop` installs them."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PEERS = ROOT / ".venv" / "interop" / "bin"
"""A venv of its own: what our program is tested against must not become part of it."""


def run(*words: str | Path, **settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(word) for word in words],
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def nuanzhang(home: Path, *words: str | Path) -> str:
    ran = run(sys.executable, "-m", "api.cli", *words, NUANZHANG_HOME=str(home))
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def program(name: str) -> str:
    """Return where a program is; a missing one fails the test, it does not skip it."""
    found = shutil.which(name)
    assert found, f"{name} is not installed; run `make test-interop`"
    return found


def go_reader(folder: Path) -> Path:
    """Build the reader once, from Debian's packages of Go's own modules."""
    built = folder / "reader"
    ran = run(
        program("go"),
        "build",
        "-o",
        built,
        Path(__file__).with_name("reader.go"),
        GO111MODULE="off",
        GOPATH="/usr/share/gocode",
        GOCACHE=str(folder / "gocache"),
    )
    assert ran.returncode == 0, ran.stderr
    return built

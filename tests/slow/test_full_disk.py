"""A disk that is full, or that may only be read: coded refusals, and all goes on afterwards.

Each story has a disk of its own, mounted where nobody else sees it; that takes root, or a kernel
that lets everybody mount in a namespace of their own.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
APART = ("unshare", "-m") if os.geteuid() == 0 else ("unshare", "-Urm")


@pytest.mark.parametrize("store", ["sqlite", "postgresql"])
def test_a_disk_that_fills_up_stops_nothing_but_what_would_be_written(
    tmp_path: Path, store: str
) -> None:
    told = subprocess.run(
        [*APART, sys.executable, "-m", "tests.slow.small_disk", str(tmp_path), store],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert told.returncode == 0, told.stdout + told.stderr

"""A disk that is full, or that may only be read: coded refusals, and all goes on afterwards.

Each story has a disk of its own, mounted where nobody else sees it; that takes root, or a kernel
that lets everybody mount in a namespace of their own. A disk that the kernel stops writing to is a
file system in a file, which takes root.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
APART = ("unshare", "-m") if os.geteuid() == 0 else ("unshare", "-Urm")
AS_ROOT = () if os.geteuid() == 0 else ("sudo", "-n")


@pytest.mark.parametrize("store", ["sqlite", "postgresql"])
def test_a_disk_that_fills_up_stops_nothing_but_what_would_be_written(
    tmp_path: Path, store: str
) -> None:
    tell(*APART, sys.executable, "-m", "tests.slow.small_disk", str(tmp_path), store)


def test_a_service_whose_disk_fills_up_and_fails_says_so_to_who_asks_over_http(
    tmp_path: Path,
) -> None:
    story = (sys.executable, "-m", "tests.slow.broken_disk", str(tmp_path))
    tell(*AS_ROOT, "unshare", "-m", *story)


def tell(*story: str) -> None:
    told = subprocess.run(story, cwd=ROOT, capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stdout + told.stderr

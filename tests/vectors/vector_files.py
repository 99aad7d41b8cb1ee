"""Finds the third-party vectors; a missing folder is a failure, never a skip."""

import os
from pathlib import Path

VARIABLE = "VECTORS"


def vector_folder(name: str) -> Path:
    """Return a folder of vectors below the one that the environment names."""
    place = os.environ.get(VARIABLE)
    assert place, f"set {VARIABLE} to the folder of third-party vectors"
    folder = Path(place, name)
    assert folder.is_dir(), f"{VARIABLE} has no folder {name}"
    return folder


def vector_files(name: str, pattern: str, at_least: int) -> list[Path]:
    """Return the files of a kind; too few are a failure, since an empty loop proves nothing."""
    files = sorted(vector_folder(name).rglob(pattern))
    assert len(files) >= at_least, f"expected {at_least} files of {name}, got {len(files)}"
    return files

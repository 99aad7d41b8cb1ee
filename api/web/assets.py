"""What pages load beside themselves: our own styles and scripts, and those of others."""

import gzip
import mimetypes
from functools import cache
from hashlib import sha256
from pathlib import Path

from fastapi import APIRouter, Request, Response

from api.callers import ANYBODY
from ledger.errors import Kind, LedgerError

router = APIRouter(include_in_schema=False, dependencies=[ANYBODY])

OWN = Path(__file__).parent / "assets"
VENDOR = Path(__file__).parent / "vendor"
"""Laid out when the package is built; see `frontend`."""

SERVED = frozenset({".css", ".js", ".svg"})
WORKER = "signing_worker.js"
WORKER_SCOPE = "/batches/"
"""Below which the worker may answer for pages; the page that brings it asks for its own address."""
FOREVER = "public, max-age=31536000, immutable"
# Types by name alone: what a machine's own tables say must not change what browsers run.
TYPES = mimetypes.MimeTypes(filenames=())
TYPES.add_type("text/javascript", ".js")


class AssetMissing(LedgerError):
    """No page loads this."""

    code = "asset.missing"
    kind = Kind.ABSENT

    def __init__(self) -> None:
        super().__init__("no such asset; load the page anew")


class Assets:
    """All assets, read once. Their address holds their hash, so browsers keep them for good."""

    def __init__(self) -> None:
        self._bytes = {
            name: path.read_bytes() for name, path in sorted({**_in(OWN), **_in(VENDOR)}.items())
        }
        self._gzipped = {name: gzip.compress(each, 9) for name, each in self._bytes.items()}
        whole = sha256()
        for name, content in self._bytes.items():
            whole.update(name.encode() + b"\0" + sha256(content).digest())
        self.version = whole.hexdigest()[:12]

    def address(self, name: str) -> str:
        """Return where an asset is found.

        Raises:
            AssetMissing: There is none of this name.
        """
        if name not in self._bytes:
            raise AssetMissing
        return f"/assets/{self.version}/{name}"

    def answer(self, version: str, name: str, *, gzipped: bool) -> Response:
        content = (self._gzipped if gzipped else self._bytes).get(name)
        if content is None or version != self.version:
            raise AssetMissing
        headers = {"Cache-Control": FOREVER, "Vary": "Accept-Encoding"}
        if name == WORKER:
            headers["Service-Worker-Allowed"] = WORKER_SCOPE
        if gzipped:
            headers["Content-Encoding"] = "gzip"
        return Response(content, media_type=TYPES.guess_type(name)[0], headers=headers)


@cache
def assets() -> Assets:
    return Assets()


@router.get("/assets/{version}/{name:path}")
def show_asset(version: str, name: str, request: Request) -> Response:
    """Serve an asset."""
    gzipped = "gzip" in request.headers.get("accept-encoding", "")
    return assets().answer(version, name, gzipped=gzipped)


def _in(folder: Path) -> dict[str, Path]:
    prefix = "" if folder == OWN else f"{folder.name}/"
    return {prefix + path.name: path for path in folder.glob("*") if path.suffix in SERVED}

"""Packages that were made for their officer: sealed piece by piece, for a day, until taken away."""

import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from api.background.sealing import Seal, SealBroken
from ledger.errors import Kind, LedgerError

KEPT_S = 24 * 3600
CHUNK_BYTES = 1 << 20
LENGTH_BYTES = 4
SUFFIX = ".sealed"
OWNER_ONLY_FOLDER = 0o700


class PackageGone(LedgerError):
    """A package is kept for a day; then it is made anew, of the ledger as it is then."""

    code = "inspection.package_gone"
    kind = Kind.ABSENT

    def __init__(self, job_id: str) -> None:
        super().__init__(f"the package of job {job_id} is not kept any more; have another one made")


class Packages:
    """A folder of sealed files, by job. However long one is, a piece of it is in memory."""

    def __init__(self, folder: Path, seal: Seal) -> None:
        self._folder = folder
        self._seal = seal

    def workplace(self, job_id: str) -> Path:
        """Return where a package is made before it is sealed; nobody else can look there."""
        self._folder.mkdir(mode=OWNER_ONLY_FOLDER, exist_ok=True)
        return self._folder / f"{job_id}.zip"

    def keep(self, job_id: str, made: Path) -> None:
        """Seal a file, and delete it as it was."""
        kept = self._path(job_id)
        draft = kept.with_suffix(".new")
        with made.open("rb") as plain, draft.open("wb") as sealed:
            number = 0
            while chunk := plain.read(CHUNK_BYTES):
                sealed.write(self._piece(job_id, number, chunk))
                number += 1
            # An empty piece ends it: a file that was cut off has none.
            sealed.write(self._piece(job_id, number, b""))
        draft.rename(kept)
        made.unlink()

    def size(self, job_id: str) -> int | None:
        """Return how large what is kept is, about; None where nothing is."""
        path = self._path(job_id)
        return path.stat().st_size if path.exists() else None

    def read(self, job_id: str) -> Iterator[bytes]:
        """Return what was kept, piece by piece.

        Raises:
            PackageGone: Nothing is.
        """
        path = self._path(job_id)
        if not path.exists():
            raise PackageGone(job_id)
        return self._pieces(path, job_id)

    def purge(self, now_s: int) -> None:
        """Delete what was kept for a day, and what a crash left in the middle of making."""
        if not self._folder.exists():
            return
        for path in self._folder.iterdir():
            # A job that went on meanwhile may have put it in its place, or away.
            with suppress(FileNotFoundError):
                if path.stat().st_mtime <= now_s - KEPT_S:
                    shutil.rmtree(path) if path.is_dir() else path.unlink()

    def _pieces(self, path: Path, job_id: str) -> Iterator[bytes]:
        with path.open("rb") as file:
            number = 0
            while length := int.from_bytes(file.read(LENGTH_BYTES)):
                piece = self._seal.open(file.read(length), f"package {job_id} {number}")
                if not piece:
                    return
                yield piece
                number += 1
        raise SealBroken(f"package {job_id}")

    def _piece(self, job_id: str, number: int, chunk: bytes) -> bytes:
        sealed = self._seal.seal(chunk, f"package {job_id} {number}")
        return len(sealed).to_bytes(LENGTH_BYTES) + sealed

    def _path(self, job_id: str) -> Path:
        return self._folder / f"{job_id}{SUFFIX}"

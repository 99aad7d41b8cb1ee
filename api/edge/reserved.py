"""The files in which processes count together: whole on their disk before they are written to.

The Prometheus library maps a file of which it only said the length. On a full disk the first write
into a part that is not there is no error: the kernel kills the process (SIGBUS).
"""

import mmap
import os
import struct
from pathlib import Path
from typing import Any

from prometheus_client import values
from prometheus_client.mmap_dict import MmapedDict

FIRST_BYTES = 1 << 16
USED = struct.Struct("i")
USED_BYTES = 8


class ReservedDict(MmapedDict):
    """Counts in a file whose blocks are its own, or in memory where it gets none.

    What is counted in memory no other process tells, and it is gone with this one; nothing else is
    lost with it.
    """

    def __init__(self, filename: str, read_mode: bool = False) -> None:  # noqa: FBT001, FBT002 - the library's
        if read_mode:
            super().__init__(filename, read_mode)  # type: ignore[no-untyped-call]
            return
        # Not to append: where a filesystem cannot reserve blocks the C library writes into each,
        # and refuses to in a file that is open for that.
        Path(filename).touch()
        self._f: Any = Path(filename).open("r+b")  # noqa: SIM115 - for as long as it counts
        self._fname = filename
        self._positions: dict[str, int] = {}
        self._capacity = max(os.fstat(self._f.fileno()).st_size, FIRST_BYTES)
        self._m: Any = self._reserved(self._capacity)
        if isinstance(self._m, bytearray):
            # Empty, it would be taken for one of a process that is about to count.
            Path(filename).unlink(missing_ok=True)
        self._used = USED.unpack_from(self._m)[0]
        if self._used == 0:
            self._used = USED_BYTES
            self._m[: USED.size] = USED.pack(self._used)
        else:
            for key, _, _, position in self._read_all_values():  # type: ignore[no-untyped-call]
                self._positions[key] = position

    def _init_value(self, key: str) -> None:
        needed = self._used + len(key.encode()) + 2 * USED_BYTES + 16
        while needed > self._capacity:
            held, self._capacity = self._m[:], 2 * self._capacity
            if isinstance(self._m, mmap.mmap):
                self._m = self._reserved(self._capacity)
            if isinstance(self._m, bytearray):
                self._m = bytearray(held).ljust(self._capacity, b"\0")
        super()._init_value(key)  # type: ignore[no-untyped-call]

    def _reserved(self, size: int) -> mmap.mmap | bytearray:
        """Return the file so long, every block of it there; memory where the disk has no room."""
        try:
            os.posix_fallocate(self._f.fileno(), 0, size)
            return mmap.mmap(self._f.fileno(), size)
        except OSError:
            return bytearray(size)

    def close(self) -> None:
        if self._f:
            if isinstance(self._m, mmap.mmap):
                self._m.close()
            self._m = bytearray()
            self._f.close()
            self._f = None


def count_in_reserved_files() -> None:
    """Have the library make its files so. It offers no other way to say which class it makes."""
    values.MmapedDict = ReservedDict  # type: ignore[attr-defined]

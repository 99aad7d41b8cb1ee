"""A small file that becomes a huge one, or one of very many pieces, is refused at little cost."""

import io
import struct
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from api.cli.main import app
from ledger.packs import verify_pack as plain
from ledger.packs.file import NAMES, PACK, VERIFIER, PackTooLarge, PackUnreadable, read_pack

MEBIBYTE = 1 << 20


def packed(
    content: bytes, name: str = PACK, how: int = zipfile.ZIP_DEFLATED, declared: int | None = None
) -> bytes:
    """Write a ZIP with a pack's names, one of its files being this; it may lie about its length."""
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        for each in sorted(NAMES - {name}):
            archive.writestr(each, b"{}")
        archive.writestr(name, content, how)
    data = bytearray(written.getvalue())
    if declared is not None:
        at = data.rindex(name.encode()) - 46  # its entry in the central directory
        assert data[at : at + 4] == b"PK\x01\x02"
        data[at + 24 : at + 28] = struct.pack("<I", declared)
    return bytes(data)


def many_pieces() -> bytes:
    return packed(b"[" + b"[]," * (4 * MEBIBYTE) + b"[]]")


def many_numbers() -> bytes:
    return packed(b"[" + b"1," * (4 * MEBIBYTE) + b"1]")


def large_program() -> bytes:
    return packed(b"#" * (2 * MEBIBYTE), VERIFIER)


def longer_than_it_says() -> bytes:
    return packed(b'{"a":1}' + b" " * (64 * MEBIBYTE), declared=7)


def shorter_than_it_says() -> bytes:
    return packed(b'{"a":1}', declared=8)


def packed_in_another_way() -> bytes:
    return packed(b" " * (64 * MEBIBYTE), how=zipfile.ZIP_BZIP2)


@pytest.mark.parametrize(
    ("hostile", "refusal"),
    [
        (many_pieces, PackTooLarge),
        (many_numbers, PackTooLarge),
        (large_program, PackTooLarge),
        (longer_than_it_says, PackUnreadable),
        (shorter_than_it_says, PackUnreadable),
        (packed_in_another_way, PackUnreadable),
    ],
)
def test_a_hostile_file_is_refused_by_both_verifiers(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    hostile: Callable[[], bytes],
    refusal: type[PackUnreadable],
) -> None:
    data = hostile()
    path = tmp_path / "pack.zip"
    path.write_bytes(data)

    with pytest.raises(refusal):
        read_pack(data)
    assert plain.main(str(path)) == 1
    assert "BROKEN" in capsys.readouterr().out


@pytest.mark.parametrize("hostile", [many_pieces, longer_than_it_says, packed_in_another_way])
def test_it_costs_neither_of_them_what_it_would_unpack_to(
    tmp_path: Path, hostile: Callable[[], bytes]
) -> None:
    data = hostile()
    path = tmp_path / "pack.zip"
    path.write_bytes(data)

    def ours() -> None:
        with pytest.raises(PackUnreadable):
            read_pack(data)

    for checks in (ours, lambda: plain.main(str(path))):
        assert peak_bytes(checks) < 40 * MEBIBYTE


def peak_bytes(run: Callable[[], object]) -> int:
    """Return the most that Python's objects took while something ran."""
    tracemalloc.start()
    try:
        run()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_how_much_a_pack_may_come_to_is_the_callers_choice(tmp_path: Path) -> None:
    path = tmp_path / "pack.zip"
    path.write_bytes(packed(b"{}" + b" " * MEBIBYTE))

    small = CliRunner().invoke(app, ["verify-pack", str(path), "--bytes-max", "100000"])
    smaller = CliRunner().invoke(app, ["verify-pack", str(path), "--bytes-max", "100"])
    enough = CliRunner().invoke(app, ["verify-pack", str(path), "--bytes-max", "2000000"])

    assert isinstance(small.exception, PackTooLarge) or "pack.too_large" in small.output
    assert isinstance(smaller.exception, PackTooLarge) or "pack.too_large" in smaller.output
    assert "too_large" not in enough.output
    assert plain.asked([str(path), "--bytes-max", "100000"]) == 1

"""What was made for an inspector is kept sealed, for a day, and given out as it was."""

import os
from pathlib import Path

import pytest

from api.background.packages import CHUNK_BYTES, KEPT_S, PackageGone, Packages
from api.background.sealing import Seal, SealBroken

JOB = "6d1f6b8e-2f0e-5f0e-9a55-6e75616e7a68"


@pytest.fixture
def packages(tmp_path: Path) -> Packages:
    return Packages(tmp_path / "packages", Seal(b"k" * 32))


@pytest.mark.parametrize("size", [0, 1, CHUNK_BYTES, 2 * CHUNK_BYTES + 5])
def test_it_is_given_out_as_it_was_made(packages: Packages, tmp_path: Path, size: int) -> None:
    content = (b"\x00secret" * (size // 7 + 1))[:size]
    made = packages.workplace(JOB)
    made.write_bytes(content)

    packages.keep(JOB, made)

    assert b"".join(packages.read(JOB)) == content
    [kept] = (tmp_path / "packages").iterdir()
    assert b"secret" not in kept.read_bytes()
    assert kept.parent.stat().st_mode & 0o077 == 0
    assert packages.size(JOB) == kept.stat().st_size


def test_what_was_cut_off_or_belongs_to_another_job_is_not_given_out(
    packages: Packages, tmp_path: Path
) -> None:
    made = packages.workplace(JOB)
    made.write_bytes(b"x" * (CHUNK_BYTES + 1))
    packages.keep(JOB, made)
    [kept] = (tmp_path / "packages").iterdir()
    whole = kept.read_bytes()

    first = 4 + int.from_bytes(whole[:4])
    kept.write_bytes(whole[:first])
    with pytest.raises(SealBroken):
        list(packages.read(JOB))
    kept.write_bytes(whole)
    kept.rename(kept.with_name("another.sealed"))
    with pytest.raises(SealBroken):
        list(packages.read("another"))
    with pytest.raises(PackageGone):
        packages.read(JOB)


def test_after_a_day_nothing_is_left_not_even_of_a_crash(
    packages: Packages, tmp_path: Path
) -> None:
    made = packages.workplace(JOB)
    made.write_bytes(b"x")
    packages.keep(JOB, made)
    draft = tmp_path / "packages" / ".job.zip.draft"
    draft.mkdir()
    (draft / "payments.csv").write_bytes(b"x")
    now_s = 2_000_000_000
    for path in (tmp_path / "packages").iterdir():
        os.utime(path, (now_s, now_s))

    packages.purge(now_s + KEPT_S - 1)
    assert packages.size(JOB) is not None
    packages.purge(now_s + KEPT_S)

    assert list((tmp_path / "packages").iterdir()) == []
    assert packages.size(JOB) is None

"""A file that a command writes takes the place of the one before when it is whole."""

from pathlib import Path

import pytest

from api.cli.drafts import FileUnwritable, drafted, told_of


def test_a_file_stays_until_the_next_one_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "city.zip"
    path.write_bytes(b"before")

    def breaks_off() -> None:
        with drafted(path) as draft:
            draft.write_bytes(b"half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        breaks_off()
    assert path.read_bytes() == b"before"
    with drafted(path) as draft:
        draft.write_bytes(b"whole")

    assert path.read_bytes() == b"whole"
    assert list(tmp_path.iterdir()) == [path]


def test_what_a_crash_left_is_not_written_on(tmp_path: Path) -> None:
    """It may be for everybody to read."""
    path, left = tmp_path / "city.zip", tmp_path / "city.zip.new"
    left.touch(mode=0o644)

    with drafted(path, 0o600) as draft:
        draft.write_bytes(b"whole")

    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("place", ["missing/city.zip", "file/city.zip", "folder", "/", "x" * 300])
def test_a_place_where_nothing_can_be_written_is_found_first(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    done = False

    with pytest.raises(FileUnwritable, match="cannot be written"), drafted(tmp_path / place):
        done = True

    assert not done


def test_what_is_refused_while_writing_is_told(tmp_path: Path) -> None:
    with pytest.raises(FileUnwritable, match="No such file"), told_of(tmp_path / "a"):
        (tmp_path / "missing" / "a").write_bytes(b"")

"""The file in which a province lists its cities: each stands in it once, by all that it has."""

from pathlib import Path

import pytest

from api.cities import ProvinceUnreadable, read_cities

NORTH = {"key": "k1", "origin": "north.test/log", "file": "packs/north.zip"}
SOUTH = {"key": "k2", "origin": "south.test/log", "file": "packs/south.zip"}


def written(folder: Path, **cities: dict[str, str]) -> Path:
    lines = []
    for name, of in cities.items():
        lines += [f"[cities.{name}]", *(f'{member} = "{value}"' for member, value in of.items())]
    path = folder / "province.toml"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def test_files_are_named_from_the_folder_of_the_list(tmp_path: Path) -> None:
    told = read_cities(written(tmp_path, north=NORTH, south={**SOUTH, "tags": "lists/south"}))

    [north, south] = told.cities
    assert north.city.file == tmp_path / "packs/north.zip"
    assert north.tags == tmp_path / "packs/north.tags"
    assert south.tags == tmp_path / "lists/south"


@pytest.mark.parametrize(
    ("shared", "told"),
    [
        ({"key": "k1"}, "founding key, k1"),
        ({"origin": "north.test/log"}, "log, north.test/log"),
        ({"file": "packs/north.zip"}, "file, "),
        ({"file": "packs/../packs/north.zip"}, "file, "),
        ({"file": "packs/north.pack"}, "file, "),
        ({"tags": "packs/north.tags"}, "file, "),
        ({"tags": "link.tags"}, "file, "),
        ({"tags": "packs/north.zip"}, "file, "),
    ],
)
def test_a_city_that_is_listed_twice_is_refused(
    tmp_path: Path, shared: dict[str, str], told: str
) -> None:
    (tmp_path / "link.tags").symlink_to(tmp_path / "packs/north.tags")
    path = written(tmp_path, north=NORTH, south={**SOUTH, **shared})

    with pytest.raises(ProvinceUnreadable, match=f"north and south share one {told}"):
        read_cities(path)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("[cities]", "it names no city"),
        ('[cities.""]\nkey = "k"\norigin = "o"\nfile = "f"', "no city is called"),
        ('[cities.a]\nkey = "k"\norigin = "o"\nfile = "/"', "a: no file is called"),
        ('[cities.a]\nkey = "k"\norigin = "o"\nfile = ""', "a: no file is called"),
        ('[cities.a]\nkey = "k"\norigin = "o"\nfile = "f"\ntags = "\\u0000"', "no file is called"),
        ('[cities.a]\nkey = "k"\norigin = "o"\nfile = "f.tags"', "a has twice one file"),
    ],
)
def test_a_list_that_cannot_be_is_refused(tmp_path: Path, content: str, told: str) -> None:
    path = tmp_path / "province.toml"
    path.write_text(content, encoding="utf-8")

    with pytest.raises(ProvinceUnreadable, match=told):
        read_cities(path)

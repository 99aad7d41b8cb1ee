"""A ledger with the 2017 campaign, published twice, with the first checkpoint kept."""

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.interop.peers import go_reader, nuanzhang

SCENARIO = Path(__file__).parents[1] / "data" / "scenario-2017"


@dataclass(frozen=True)
class Carried:
    """What was carried out of a ledger: the folder, an older checkpoint, and the log's key."""

    home: Path
    folder: Path
    older: Path
    vkey: str
    origin: str
    founding: str


@pytest.fixture(scope="session")
def carried(tmp_path_factory: pytest.TempPathFactory) -> Carried:
    place = tmp_path_factory.mktemp("carried")
    home, folder, older = place / "data", place / "log", place / "older"
    vkey = nuanzhang(home, "init").split("verifier key: ")[1].strip()
    nuanzhang(home, "publish", folder)
    shutil.copy(folder / "checkpoint", older)
    nuanzhang(home, "load", SCENARIO)
    said = nuanzhang(home, "publish", folder)
    founding = said.split("--key ")[1].strip()
    return Carried(home, folder, older, vkey, vkey.split("+")[0], founding)


@pytest.fixture(scope="session")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return go_reader(tmp_path_factory.mktemp("go"))

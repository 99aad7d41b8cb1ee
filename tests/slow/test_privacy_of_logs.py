"""Neither what a load logs and reports, nor what verification finds, tells who was helped."""

import logging
import re
import shutil
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from random import Random

import pytest

from api.folder import open_folder
from api.keyring import Keyring
from api.loading import Loading
from ledger.commands.verification import verify_log
from ledger.store.home import Home
from projections.runner import catch_up
from tests.api.test_privacy import personal_words
from tests.slow.conftest import RECORDED_AT
from tests.slow.excerpt import SCENARIO
from tests.slow.failures import saying
from tests.slow.tampering import Log, Unaltered, tamper

pytestmark = pytest.mark.slow

TAMPERINGS = 200


@pytest.fixture(scope="module")
def words() -> frozenset[str]:
    found = frozenset(personal_words())
    assert len(found) > 2000
    assert named([f"refused: {min(found)}"], found) == {min(found)}
    return found


def test_a_load_with_every_logger_open_names_nobody(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, words: frozenset[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    folder = tmp_path / "scenario"
    shutil.copytree(SCENARIO, folder)
    spoil(folder)
    home = Home(tmp_path / "home")
    home.create()
    ledger = home.open(RECORDED_AT, date(2017, 1, 1))

    loaded = Loading(ledger, Keyring(home.keyring), open_folder(folder), lambda: RECORDED_AT).run()
    catch_up(ledger, home.read_models)
    logging.getLogger("tests.slow").debug("the end, %s", [home, ledger, loaded])
    ledger.close()

    assert "the end" in caplog.text
    assert "file.missing" in {each.code for each in loaded.problems}
    assert sum(not each.recorded for each in loaded.problems) > 5
    told = [f"{each.step} {each.code} {each.detail}" for each in loaded.problems]
    assert named([caplog.text, *told], words) == set()


def test_what_is_found_in_an_altered_log_names_nobody(
    home: Home, tmp_path: Path, words: frozenset[str]
) -> None:
    log = Log.read(home.events)
    key = home.founding_key_id()
    done = draw = 0
    while done < TAMPERINGS:
        draw += 1
        copy = tmp_path / f"{draw}.sqlite"
        shutil.copy(home.events, copy)
        try:
            tampering = tamper(copy, log, Random(f"privacy {draw}"))
        except Unaltered:
            continue
        done += 1
        verdict = verify_log(copy, home.origin(), key, processes=1)
        with saying(f"draw {draw}: {tampering.told}"):
            assert named([repr(verdict), str(verdict.broken)], words) == set()


def spoil(folder: Path) -> None:
    """Give the loader things to complain of: a cut file of each kind, and a missing one."""
    for pattern in ("rosters/*.csv", "signatures/*.csv", "bank/*.txt", "bank/*.xml"):
        for path in sorted(folder.glob(pattern))[:2]:
            path.write_bytes(path.read_bytes()[:-40])
    min(folder.glob("rosters/*.xlsx")).unlink()


def named(texts: Iterable[str], words: frozenset[str]) -> set[str]:
    """Return the names and numbers that stand in the texts.

    A name of two characters may well be part of another word, so it counts only by itself.
    """
    whole = "\n".join(texts)
    standing = set(re.findall(r"\w+", whole))
    return {word for word in words if word in standing or (len(word) > 2 and word in whole)}

"""The 2017 campaign, loaded once in a run of the tests, to be copied by whoever works on it."""

import fcntl
import os
import shutil
from pathlib import Path

import pytest

from api import bootstrap
from api.folder import open_folder
from api.keyring import Keyring
from api.loading import Loading
from ledger.store.home import Home
from projections.runner import catch_up

SCENARIO = Path(__file__).parent / "data" / "scenario-2017"


def campaign_home(temporary: pytest.TempPathFactory) -> Home:
    """Return the loaded campaign with its read model, nothing published; it is not written to.

    It takes some seconds to load, and each worker of a run would load it for several folders of
    tests: the first that asks does it for all.
    """
    base = temporary.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    folder = shared / "campaign-2017"
    with (shared / "campaign-2017.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            # Half a load, left by a worker that was stopped, is not taken for the whole.
            shutil.rmtree(draft := shared / "campaign-2017.draft", ignore_errors=True)
            load(Home(draft / "data"))
            draft.rename(folder)
    return Home(folder / "data")


def load(home: Home) -> None:
    with bootstrap.opened(home, create=True) as ledger:
        Loading(ledger, Keyring(home.keyring), open_folder(SCENARIO), bootstrap.now).run()
        catch_up(ledger, home.read_models)


def copied(home: Home, folder: Path) -> Home:
    """Copy a ledger that nobody writes to, to be written to."""
    # What a reader leaves beside a database for a moment may be gone before it is copied.
    shutil.copytree(home.path, folder / "data", ignore=shutil.ignore_patterns("*-shm", "*-wal"))
    return Home(folder / "data")

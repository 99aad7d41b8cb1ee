"""A small ledger that is backed up, and what the tests do with its backups."""

from contextlib import closing
from pathlib import Path

from api.control_totals import control_totals
from ledger.backups.manifest import Manifest
from ledger.backups.sealed_keys import Keys, keys_of
from ledger.backups.taking import Order, take
from ledger.commands.verification import verify_log
from ledger.store.home import Home
from projections.runner import catch_up
from tests.world import DAY, RECORDED_AT, World

PASSPHRASE = "correct horse battery staple"


def back_up(world: World, folder: Path, keys: Keys | None = None) -> Manifest:
    def totals(size: int) -> dict[str, int | str]:
        model = catch_up(world.ledger, world.home.read_models)
        with model.asking() as connection:
            return control_totals(connection, size)

    order = Order(RECORDED_AT, totals, keys, PASSPHRASE)
    return take(world.home, world.ledger.log, folder, order)


def keys(world: World) -> Keys:
    return keys_of(world.home)


def note_at(world: World, size: int | None = None) -> str:
    """Return a checkpoint as somebody else would have kept it."""
    found = world.ledger.log.select_checkpoint(size)
    assert found is not None
    return found[1]


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def holds(home: Home, size: int) -> None:
    verdict = verify_log(home.log, home.origin(), home.founding_key_id(), processes=1)
    assert verdict.holds, verdict
    assert verdict.events == size


def sizes(home: Home) -> tuple[int, bytes]:
    """Open a ledger as the service would; return how long its log is, and its root."""
    with closing(home.open(RECORDED_AT, DAY)) as ledger:
        return ledger.size(), ledger.log.root_at(ledger.size())

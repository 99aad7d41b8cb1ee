"""Jobs and webhooks over real files, with a clock whose hands a test moves."""

from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from api.access.door import Door
from api.access.passkeys import RelyingParty
from api.background.jobs import Jobs
from api.background.sealing import Seal
from api.background.store import BackgroundStore
from api.clock import Clock
from api.trials import Trials
from tests.world import World

KEY = bytes(range(32))
OFFICER = UUID(int=7)
OTHER = UUID(int=8)


@dataclass
class Hands:
    """What the clock says, in seconds since 1970."""

    now_s: int = 1_700_000_000

    def __call__(self) -> int:
        return self.now_s


def jobs_at(folder: Path) -> Jobs:
    return Jobs(BackgroundStore(folder / "jobs.sqlite"), Seal(KEY))


def trials(world: World, clock: Clock) -> Trials:
    """Put trials on record in the access journal of a world."""
    door = Door(world.home.access, RelyingParty("localhost", "http://localhost"))
    return Trials(world.home, world.ledger, door, clock)

"""A log so small that each of its bytes can be altered by itself."""

import shutil
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from ledger.anchoring.publications import announce
from ledger.anchoring.static_log import write_static_log
from ledger.commands import officers, organisations, policies
from ledger.domain.officer import Role
from ledger.store.home import Home
from ledger.store.map_store import MapStore
from tests.packs.packing import Packing
from tests.slow.tampering import without_constraints
from tests.world import (
    CAMPAIGN,
    POLICY,
    Person,
    World,
    roster_row,
    settled,
    terms,
)

EARLY = date(2016, 12, 1)
PERSON = Person(1)
EVENTS = 31


@dataclass(frozen=True)
class SmallLog:
    """Its home, its database without constraints, its published folder, and one pack of it."""

    home: Home
    bare: Path
    published: Path
    packing: Packing
    payment_id: str

    def __repr__(self) -> str:
        return "SmallLog()"

    @property
    def key_id(self) -> str:
        return self.packing.ledger.founding_key_id()

    def pack(self, *, opened: bool) -> bytes:
        return self.packing.write("payment", self.payment_id, opened=opened)


def write_small_log(folder: Path, *, published: bool = True) -> SmallLog:
    """Pay one person by a batch, from money that an officer allocated in part; publish it all."""
    world = World.at(folder)
    _settle_in(world)
    world.receive("X01", 500_000)
    world.allocate("X01", "X01-01", 100_000)
    world.file(PERSON)
    world.pay("B1", roster_row(1, PERSON, 100_000))
    world.answer("B1", settled(1, PERSON, 100_000))
    maps = MapStore(world.home.map)
    publication = announce(world.ledger, maps, world.act())
    if published:
        write_static_log(world.ledger, publication, publication.note, folder / "published")
    world.ledger.close()
    bare = folder / "bare.sqlite"
    shutil.copy(world.home.events, bare)
    without_constraints(bare)
    world.reopen()
    assert world.ledger.size() == EVENTS
    packing = Packing(world.home, world.ledger, maps, publication)
    payment_id = str(world.payment_id(PERSON))
    return SmallLog(world.home, bare, folder / "published", packing, payment_id)


def _settle_in(world: World) -> None:
    early = world.act(day=EARLY)
    for code, parent in (("X01", None), ("X01-01", "X01")):
        union = organisations.Registration(code, f"{code}工会", "县区", parent)
        organisations.register_organisation(world.ledger, early, union)
    for staff, role in (("H-X01", Role.HANDLER), ("R-X01", Role.REVIEWER)):
        # Whose own signature nothing here needs.
        order = officers.Appointment(staff, "某某", "X01", role)
        officers.appoint_officer(world.ledger, early, order)
    world.appoint("A-X01", "X01", Role.APPROVER, EARLY)
    policies.adopt_policy(world.ledger, world.act("A-X01", EARLY), terms())
    opening = policies.CampaignOpening(
        CAMPAIGN, "两节", date(2016, 12, 15), date(2017, 2, 11), 2017, POLICY
    )
    policies.open_campaign(world.ledger, early, opening)

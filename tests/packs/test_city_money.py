"""What a city's own key alone can sign, and that no sum of it is believed."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from ledger.anchoring.publications import announce
from ledger.domain.aggregate import Act, Event, Root
from ledger.domain.fiscal_year import FiscalYear, fiscal_year_id
from ledger.domain.fund import FundAccount, fund_id
from ledger.domain.lots import LotIn, Part
from ledger.domain.organisation import organisation_id
from ledger.domain.policy import SurplusTargets
from ledger.domain.remittance import EntryElsewhere, Remittance, RemittedLot, RemittedPart
from ledger.domain.values import Money
from ledger.evidence.verifiable_map import THE_LOG
from ledger.packs.city_figures import Figures, city_figures
from ledger.packs.consolidation import City, Standing, State, prove
from ledger.packs.contents import LEDGER
from ledger.packs.making import make_pack
from ledger.store.application import Work
from ledger.store.map_store import MapStore
from tests.packs.packing import write_unchecked
from tests.world import EARMARK, Person, World, roster_row, settled

C01, X01 = organisation_id("C01"), organisation_id("X01")
FROM, TO = fund_id(C01, EARMARK), fund_id(X01, EARMARK)
ID = uuid4()
ELSEWHERE = EntryElsewhere(
    key_id="ab" * 32,
    position=7,
    leaf_hash="AA==",
    checkpoint_size=9,
    checkpoint_root="AA==",
)

Lie = Callable[[Work, Act, FundAccount, FundAccount], None]


@pytest.fixture
def city(tmp_path: Path) -> Iterator[World]:
    world = World.at(tmp_path / "city", origin="city.test/log").settle_in()
    world.receive("C01", 500_000)
    world.allocate("C01", "X01", 200_000)
    yield world
    world.ledger.close()


def shown(world: World, folder: Path, year: int = 2017) -> tuple[Standing, Figures | None]:
    """Return what a province makes of the city's whole ledger."""
    ledger, maps = world.ledger, MapStore(world.home.map)
    published = announce(ledger, maps, world.act())
    pack = make_pack(ledger, maps, published, LEDGER, UUID(THE_LOG))
    maps.close()
    path = folder / "city.zip"
    path.write_bytes(write_unchecked(pack, ledger.signer))
    of = City("city", ledger.founding_key_id(), ledger.origin, path)
    return prove(of, (), 0, lambda checked: city_figures(checked, year))


def signed(world: World, lie: Lie) -> None:
    def decide(work: Work) -> None:
        lie(work, act, work.get(FundAccount, FROM), work.get(FundAccount, TO))

    act = world.act("A-C01")
    world.ledger.perform(act, "lie", "a lie", decide)


def part_of(account: FundAccount, fen: int, **changes: Any) -> Part:
    lot = account.live[0]
    facts = {"lot_id": lot.lot_id, "origin_id": lot.origin_id, "vintage": lot.vintage}
    return Part(**{**facts, "amount_fen": Money(fen), **changes})


def told(root: Root, event: type[Event], act: Act, work: Work, **facts: Any) -> None:
    root.trigger_event(event, act, organisation_id=C01, **facts)
    work.save(root)


def lot_here(lot_id: UUID, fen: int) -> RemittedLot:
    return RemittedLot(
        lot_id=lot_id,
        origin_id=lot_id,
        vintage=2015,
        source="地方财政",
        document="拨",
        amount_fen=Money(fen),
        sent_as="cd" * 16,
    )


def came(act: Act, fen: Any, sent: EntryElsewhere = ELSEWHERE) -> Remittance:
    return Remittance.receive(
        act,
        ID,
        organisation_id=X01,
        fund_id=TO,
        earmark=EARMARK,
        from_code="C09",
        document="转",
        amount=fen,
        sent=sent,
        received_by=ID,
    )


def more_came_in_than_was_received(
    work: Work, act: Act, _: FundAccount, account: FundAccount
) -> None:
    work.save(came(act, Money(100)))
    lots = (lot_here(uuid4(), 1_000_000),)
    told(
        account,
        FundAccount.RemittanceReceived,
        act,
        work,
        remittance_id=ID,
        document="",
        amount_fen=Money(1_000_000),
        lots=lots,
    )


def received_into_no_account(work: Work, act: Act, _: FundAccount, __: FundAccount) -> None:
    work.save(came(act, Money(100)))


def received_before_it_was_sent(work: Work, act: Act, _: FundAccount, account: FundAccount) -> None:
    entry = EntryElsewhere(
        key_id=ELSEWHERE.key_id,
        position=9,
        leaf_hash="AA==",
        checkpoint_size=9,
        checkpoint_root="AA==",
    )
    work.save(came(act, Money(100), entry))
    told(
        account,
        FundAccount.RemittanceReceived,
        act,
        work,
        remittance_id=ID,
        document="",
        amount_fen=Money(100),
        lots=(lot_here(uuid4(), 100),),
    )


def came_by_no_allocation(work: Work, act: Act, giver: FundAccount, account: FundAccount) -> None:
    lot = giver.live[0]
    passed_on = LotIn(
        lot_id=uuid4(),
        parent_id=lot.lot_id,
        origin_id=lot.origin_id,
        vintage=lot.vintage,
        source=lot.source,
        document=lot.document,
        amount_fen=Money(5),
    )
    told(
        account,
        FundAccount.AllocationReceived,
        act,
        work,
        allocation_id=ID,
        from_fund_id=giver.id,
        from_organisation_id=C01,
        document="",
        amount_fen=Money(5),
        lots=(passed_on,),
    )


def left_and_was_sent_nowhere(work: Work, act: Act, giver: FundAccount, _: FundAccount) -> None:
    parts = (part_of(giver, 70),)
    told(
        giver, FundAccount.Remitted, act, work, remittance_id=ID, amount_fen=Money(70), parts=parts
    )


def send_other_money_than_left(work: Work, act: Act, giver: FundAccount, fen: Any) -> None:
    lot = giver.live[0]
    left_and_was_sent_nowhere(work, act, giver, giver)
    sent = Remittance.send(
        act,
        ID,
        organisation_id=C01,
        fund_id=giver.id,
        from_code="C01",
        earmark=EARMARK,
        to_key_id="ab" * 32,
        to_code="X01",
        document="转",
        amount=Money(70),
        parts=[
            RemittedPart(
                lot_id=lot.lot_id,
                origin_id=lot.origin_id,
                vintage=2015,
                source=lot.source,
                document=lot.document,
                amount_fen=fen,
            )
        ],
    )
    work.save(sent)


def sent_other_money_than_left(work: Work, act: Act, giver: FundAccount, _: FundAccount) -> None:
    send_other_money_than_left(work, act, giver, Money(70))


def came_back_and_was_never_sent(work: Work, act: Act, giver: FundAccount, _: FundAccount) -> None:
    told(
        giver,
        FundAccount.RemittanceTakenBack,
        act,
        work,
        remittance_id=ID,
        amount_fen=Money(70),
        parts=(part_of(giver, 70),),
    )


def paid_more_than_it_held(work: Work, act: Act, giver: FundAccount, _: FundAccount) -> None:
    told(
        giver,
        FundAccount.Drawn,
        act,
        work,
        disbursement_id=ID,
        batch_id=ID,
        amount_fen=Money(300_001),
        parts=(part_of(giver, 300_001),),
    )


def gave_back_what_it_never_paid(work: Work, act: Act, giver: FundAccount, _: FundAccount) -> None:
    told(
        giver,
        FundAccount.Restored,
        act,
        work,
        disbursement_id=ID,
        amount_fen=Money(1),
        parts=(part_of(giver, 1),),
    )


def paid_of_another_vintage(work: Work, act: Act, giver: FundAccount, _: FundAccount) -> None:
    told(
        giver,
        FundAccount.Drawn,
        act,
        work,
        disbursement_id=ID,
        batch_id=ID,
        amount_fen=Money(1),
        parts=(part_of(giver, 1, vintage=2018),),
    )


def bring_forward(work: Work, act: Act, giver: FundAccount, year: int, **changes: Any) -> None:
    opened = FiscalYear.begin(
        FiscalYear.Opened,
        act,
        fiscal_year_id(C01, year),
        organisation_id=C01,
        year=year,
        targets=SurplusTargets(first_year_minimum=None, all_within=None),
    )
    lot = giver.live[0]
    facts = {"vintage": lot.vintage, "amount_fen": Money(100), **changes}
    told(
        opened,
        FiscalYear.SurplusBroughtForward,
        act,
        work,
        year=year,
        fund_id=giver.id,
        lot_id=lot.lot_id,
        origin_id=lot.origin_id,
        **facts,
    )


def brought_forward_what_is_not_old(
    work: Work, act: Act, giver: FundAccount, _: FundAccount
) -> None:
    bring_forward(work, act, giver, 2017, vintage=2015)


def brought_forward_more_than_it_held(
    work: Work, act: Act, giver: FundAccount, _: FundAccount
) -> None:
    bring_forward(work, act, giver, 2018, amount_fen=Money(300_001))


LIES: dict[Lie, str] = {
    more_came_in_than_was_received: "is received with 100 fen, and 1000000 came",
    received_into_no_account: "is received or came into an account, and not both",
    received_before_it_was_sent: "under a checkpoint that does not hold it",
    came_by_no_allocation: "was not passed on",
    left_and_was_sent_nowhere: "is sent or has left an account, and not both",
    sent_other_money_than_left: "is sent as other money than has left",
    came_back_and_was_never_sent: "came back twice, or as it was not sent",
    paid_more_than_it_held: "holds -1 fen",
    gave_back_what_it_never_paid: "gave back more than it took",
    paid_of_another_vintage: "moves as another",
    brought_forward_what_is_not_old: "is brought forward as of another year",
    brought_forward_more_than_it_held: "is brought forward with more than was in hand",
}


@pytest.mark.parametrize("lie", LIES, ids=lambda lie: lie.__name__)
def test_money_that_nobody_sent_breaks_the_pack_of_whoever_has_it(
    city: World, tmp_path: Path, lie: Lie
) -> None:
    signed(city, lie)

    standing, figures = shown(city, tmp_path)

    assert (standing.state, figures) == (State.BROKEN, None)
    assert LIES[lie] in standing.cause


@pytest.mark.parametrize(
    ("amount", "key_id"), [("x", "ab" * 32), (True, "ab" * 32), (Money(100), [])]
)
def test_events_of_other_types_break_their_own_city_alone(
    city: World, tmp_path: Path, amount: Any, key_id: Any
) -> None:
    entry = EntryElsewhere(
        key_id=key_id, position=7, leaf_hash="AA==", checkpoint_size=9, checkpoint_root="AA=="
    )
    signed(city, lambda work, act, *_: work.save(came(act, amount, entry)))

    standing, _ = shown(city, tmp_path)

    assert standing.state is State.BROKEN
    assert "(remittance.received) says what none of its kind can: Expected" in standing.cause


def test_pieces_of_other_types_do_too(city: World, tmp_path: Path) -> None:
    signed(city, lambda work, act, giver, _: send_other_money_than_left(work, act, giver, "5"))

    standing, _ = shown(city, tmp_path)

    assert standing.state is State.BROKEN
    assert standing.cause.endswith("Expected `int`, got `str` - at `$.parts[0].amount_fen`")


def test_what_a_city_did_by_the_rules_agrees(city: World, tmp_path: Path) -> None:
    city.file(Person(1))
    city.pay("B1", roster_row(1, Person(1), 80_000))
    city.answer("B1", settled(1, Person(1), 80_000))

    standing, figures = shown(city, tmp_path)

    assert standing.state is State.COUNTED, standing.cause
    assert figures is not None
    assert (figures.in_hand_fen, figures.is_opened) == (420_000, False)


def test_what_was_left_out_when_a_lot_was_brought_forward_is_named(
    city: World, tmp_path: Path
) -> None:
    """Who brings less forward has consumed a larger share of it."""
    signed(city, lambda work, act, giver, _: bring_forward(work, act, giver, 2018))

    _, figures = shown(city, tmp_path, 2018)

    assert figures is not None
    assert figures.surplus.opening_fen == 100
    missing = [(each.code, each.vintage, each.amount_fen) for each in figures.unopened]
    assert missing == [("C01", 2017, 299_900), ("X01", 2017, 200_000)]

"""A remittance that is refused goes back where it came from, and is never in two ledgers."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger.commands.funds import FundReceipt, open_fiscal_year, receive_funds
from ledger.commands.remittance_proofs import NotOfRemittance, Proof
from ledger.commands.remittances import (
    Sending,
    prepare_refusal,
    refuse_remittance,
    send_remittance,
    strike_off_ledger,
    take_back_remittance,
)
from ledger.commands.statements import ReturnFile, receive_statement
from ledger.domain.events import committing_topics
from ledger.domain.fiscal_year import FiscalYear, fiscal_year_id
from ledger.domain.fund import FundAccount
from ledger.domain.known_ledger import LedgerUnknown, OwnLedger
from ledger.domain.officer import Role, RoleMissing, officer_id
from ledger.domain.organisation import organisation_id
from ledger.domain.remittance import (
    EntryElsewhere,
    RefusalReasonUnfit,
    Remittance,
    RemittanceAcknowledged,
    RemittanceAmountDiffers,
    RemittanceForOthers,
    RemittanceProofDiffers,
    RemittanceRefused,
    RemittanceTaken,
    RemittanceTakenBack,
    State,
)
from ledger.domain.values import Money
from ledger.errors import LedgerError
from ledger.evidence.figures import SURPLUS
from ledger.evidence.pack import Pack, PackBroken
from ledger.evidence.pack_check import CheckedPack, check_pack
from ledger.evidence.verify import Rules
from ledger.files.bank import BankReturn, Lists
from ledger.packs.city_figures import city_figures
from ledger.packs.file import check_files, read_pack
from ledger.packs.verify_pack import main as plain_main
from ledger.store.application import Answer, Work
from ledger.store.signing import OfficerSignatureMissing
from projections.asked import Moment
from projections.balances import lots_of, trial_balance
from projections.figures import figures, total
from projections.findings.rules import findings
from projections.flow_of_funds import Period
from projections.flows import trace_forward
from projections.journal import Account
from projections.remittances import remittance_list
from projections.runner import catch_up
from projections.surplus import surplus
from projections.turnover import Asked, movement_list
from projections.year import year_of
from tests.campaign import copied
from tests.commands.test_remittances import Side
from tests.packs.test_surplus_under_way import figures as packed_figures
from tests.projections.test_findings import asked_of
from tests.world import EARMARK, POLICY, Person, World, roster_row, settled

REASON = "收款单位已撤销"
C01 = organisation_id("C01")


@dataclass
class RefusingSide(Side):
    """A ledger that refuses, and takes back what was refused."""

    def refuse(self, pack: Pack, staff: str = "A-X01", reason: str = REASON) -> Answer:
        return refuse_remittance(self.world.ledger, self.world.act(staff), pack, reason)

    def take_back(self, pack: Pack, amount: int, staff: str = "K-C01") -> Answer:
        act = replace(self.world.act(staff), signed_in=True)
        return take_back_remittance(self.world.ledger, act, pack, amount)

    def state(self, remittance: str) -> State | None:
        found = self.world.ledger.load(Remittance, UUID(remittance))
        return None if found is None else found.state


@pytest.fixture
def giver(world: World) -> RefusingSide:
    world.receive("C01", 300_000, vintage=2015)
    world.receive("C01", 500_000)
    world.appoint("K-C01", "C01", Role.CASHIER, date(2016, 12, 1))
    return RefusingSide(world)


@pytest.fixture
def taker(tmp_path: Path, giver: RefusingSide) -> Iterator[RefusingSide]:
    side = taker_at(tmp_path / "other")
    side.know(giver)
    giver.know(side)
    yield side
    side.world.ledger.close()


def taker_at(folder: Path) -> RefusingSide:
    other = World.at(folder).settle_in()
    other.receive("C01", 100_000)
    other.appoint("K-X01", "X01", Role.CASHIER, date(2016, 12, 1))
    return RefusingSide(other)


def test_refused_money_is_back_in_its_lots_on_the_receivers_proof(
    giver: RefusingSide, taker: RefusingSide
) -> None:
    world = giver.world
    remittance = giver.send(taker, 400_000)
    taker.refuse(giver.proof(remittance))
    giver.take_back(taker.proof(remittance), 400_000)

    assert giver.state(remittance) is State.TAKEN_BACK
    assert taker.state(remittance) is State.REFUSED
    assert [lot.remaining for lot in world.fund("C01").live] == [300_000, 500_000]
    with catch_up(world.ledger, world.home.read_models).asking() as model:
        trial = trial_balance(model)
        [old, new] = lots_of(model, world.fund("C01").id)
        followed = trace_forward(model, old.lot_id)
        [listed] = remittance_list(model)
        of = total(figures(model, [C01]).values())
        line = year_of(model, [C01], Period(2017)).line([C01])
        kinds = [each.kind for each in movement_list(model, Asked())]
    assert (trial[Account.FUND], trial[Account.REMITTED], trial[Account.LEDGERS]) == (800_000, 0, 0)
    assert (old.in_hand_fen, new.in_hand_fen) == (300_000, 500_000)
    assert followed is not None
    assert (followed.in_hand_fen, followed.remitted_fen) == (300_000, 0)
    assert (listed.state, listed.reason, listed.waits) == ("taken_back", REASON, False)
    assert (of.in_hand_fen, of.remitted_fen, of.unacknowledged_fen) == (800_000, 0, 0)
    assert line.balances
    assert kinds == ["receipt", "receipt", "remittance", "taken_back"]
    with catch_up(taker.world.ledger, taker.world.home.read_models).asking() as model:
        [refused] = remittance_list(model)
    assert (refused.state, refused.fund_id, refused.reason) == ("refused", None, REASON)
    for side in (giver, taker):
        side.world.check_log()


def test_the_refusal_names_what_it_refuses_and_the_taking_back_names_the_refusal(
    giver: RefusingSide, taker: RefusingSide
) -> None:
    remittance = giver.send(taker, 400_000)
    taker.refuse(giver.proof(remittance))
    giver.take_back(taker.proof(remittance), 400_000)

    refused = taker.world.ledger.event(UUID(remittance), 1)
    back = giver.world.ledger.event(UUID(remittance), 2)
    assert isinstance(refused, Remittance.Refused)
    assert isinstance(back, Remittance.TakenBack)
    at = {each.event: each.position for each in giver.world.ledger.read(0, 500)}
    sent = next(each for each in at if isinstance(each, Remittance.Sent))
    assert (refused.sent.key_id, refused.sent.position) == (giver.key_id, at[sent])
    assert back.refused.key_id == taker.key_id


def test_what_is_refused_is_never_taken_in_and_what_is_in_is_never_refused(
    giver: RefusingSide, taker: RefusingSide
) -> None:
    first, second = giver.send(taker, 100_000), giver.send(taker, 200_000)
    taker.refuse(giver.proof(first))
    taker.take(giver.proof(second), 200_000)

    with pytest.raises(RemittanceRefused):
        taker.take(giver.proof(first), 100_000)
    with pytest.raises(RemittanceRefused):
        taker.refuse(giver.proof(first))
    with pytest.raises(RemittanceTaken):
        taker.refuse(giver.proof(second))
    with pytest.raises(NotOfRemittance):
        giver.take_back(taker.proof(second), 200_000)
    with pytest.raises(NotOfRemittance):
        giver.acknowledge(taker.proof(first))
    giver.take_back(taker.proof(first), 100_000)
    with pytest.raises(RemittanceTakenBack):
        giver.take_back(taker.proof(first), 100_000)
    giver.acknowledge(taker.proof(second))
    assert giver.world.fund("C01").balance == 600_000


def test_a_receiver_that_says_both_is_believed_once(
    giver: RefusingSide, taker: RefusingSide, tmp_path: Path
) -> None:
    """Its log was copied, and the copy went on otherwise: whoever is shown both keeps the first."""
    remittance = giver.send(taker, 400_000)
    taker.world.ledger.close()
    home = copied(taker.world.home, tmp_path / "twin")
    twin = RefusingSide(World(home, taker.world.officers))
    taker.world.reopen()
    twin.world.reopen()
    taker.take(giver.proof(remittance), 400_000)
    twin.refuse(giver.proof(remittance))

    giver.take_back(twin.proof(remittance), 400_000)
    with pytest.raises(RemittanceTakenBack):
        giver.acknowledge(taker.proof(remittance))

    other = giver.send(taker, 50_000)
    twin.refuse(giver.proof(other))
    taker.take(giver.proof(other), 50_000)
    giver.acknowledge(taker.proof(other))
    with pytest.raises(RemittanceAcknowledged):
        giver.take_back(twin.proof(other), 50_000)
    twin.world.ledger.close()


def test_what_is_for_no_union_there_is_refused_by_any_approver(
    giver: RefusingSide, taker: RefusingSide
) -> None:
    ledger = giver.world.ledger
    order = Sending("C01", EARMARK, taker.key_id, "X99", "跨市〔2017〕1号", 100_000)
    sent = str(send_remittance(ledger, giver.world.act("A-C01"), order).result["remittance_id"])

    with pytest.raises(RoleMissing):
        taker.refuse(giver.proof(sent), "K-X01")
    taker.refuse(giver.proof(sent))
    giver.take_back(taker.proof(sent), 100_000)

    assert giver.world.fund("C01").balance == 800_000
    refused = taker.world.ledger.load(Remittance, UUID(sent))
    assert refused is not None
    assert refused.organisation_id == organisation_id("X01")


def test_ledgers_that_no_longer_know_one_another_still_settle_what_was_sent(
    giver: RefusingSide, taker: RefusingSide
) -> None:
    first, second = giver.send(taker, 100_000), giver.send(taker, 200_000)
    taker.take(giver.proof(second), 200_000)
    for side, other in ((giver, taker), (taker, giver)):
        strike_off_ledger(side.world.ledger, side.world.act("A-C01"), other.key_id, "不再往来")

    with pytest.raises(LedgerUnknown):
        taker.take(giver.proof(first), 100_000)
    taker.refuse(giver.proof(first))
    giver.take_back(taker.proof(first), 100_000)
    giver.acknowledge(taker.proof(second))

    assert giver.world.fund("C01").balance == 600_000


def test_a_ledger_that_was_never_known_may_be_refused_but_not_for_another(
    giver: RefusingSide, taker: RefusingSide, tmp_path: Path
) -> None:
    third = RefusingSide(World.at(tmp_path / "third").settle_in())
    remittance = giver.send(taker, 400_000)

    with pytest.raises(RemittanceForOthers):
        third.refuse(giver.proof(remittance))
    with pytest.raises(OwnLedger):
        giver.refuse(giver.proof(remittance), "A-C01")
    third.know(taker)
    third.world.receive("C01", 70_000)
    astray = third.send(taker, 70_000)
    taker.refuse(third.proof(astray))
    third.world.appoint("K-C01", "C01", Role.CASHIER, date(2016, 12, 1))
    third.take_back(taker.proof(astray), 70_000)
    assert third.world.fund("C01").balance == 70_000
    third.world.ledger.close()


def test_nobody_uses_up_the_id_of_what_another_ledger_sends(
    giver: RefusingSide, taker: RefusingSide, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A ledger of one's own can be made to say anything; it cannot have others' founding key."""
    remittance = giver.send(taker, 400_000)
    forger = RefusingSide(World.at(tmp_path / "forger").settle_in())
    forger.world.receive("C01", 400_000)
    forger.know(taker)
    monkeypatch.setattr("ledger.commands.remittances.remittance_id", lambda *_: UUID(remittance))
    assert forger.send(taker, 400_000) == remittance
    monkeypatch.undo()

    with pytest.raises(NotOfRemittance):
        taker.refuse(forger.proof(remittance))
    taker.know(forger)
    with pytest.raises(NotOfRemittance):
        taker.take(forger.proof(remittance), 400_000)
    taker.take(giver.proof(remittance), 400_000)
    forger.world.ledger.close()


def test_another_amount_a_stranger_and_an_altered_file_take_nothing_back(
    giver: RefusingSide, taker: RefusingSide, tmp_path: Path
) -> None:
    remittance = giver.send(taker, 400_000)
    sent = giver.proof(remittance)
    taker.refuse(sent)
    refusal = taker.proof(remittance)
    others = {at: each for at, each in refusal.entries.items() if at != max(refusal.entries) - 1}
    stranger = taker_at(tmp_path / "stranger")
    stranger.world.ledger.close()

    with pytest.raises(RemittanceAmountDiffers):
        giver.take_back(refusal, 399_999)
    with pytest.raises(NotOfRemittance):
        giver.take_back(sent, 400_000)
    with pytest.raises(RoleMissing):
        giver.take_back(refusal, 400_000, "H-X01")
    with pytest.raises(PackBroken):
        giver.take_back(replace(refusal, entries=others), 400_000)
    with pytest.raises(OwnLedger):
        taker.take_back(refusal, 400_000, "K-X01")
    assert giver.state(remittance) is State.ON_ITS_WAY
    assert giver.world.fund("C01").balance == 400_000


def test_a_refusal_of_what_never_stood_here_is_refused(
    giver: RefusingSide, taker: RefusingSide, tmp_path: Path
) -> None:
    giver.world.ledger.close()
    home = copied(giver.world.home, tmp_path / "before")
    before = RefusingSide(World(home, giver.world.officers))
    giver.world.reopen()
    before.world.reopen()
    remittance = giver.send(taker, 400_000)
    taker.refuse(giver.proof(remittance))

    assert before.send(taker, 400_000, document="跨市〔2017〕2号") == remittance
    with pytest.raises(RemittanceProofDiffers):
        before.take_back(taker.proof(remittance), 400_000)
    before.world.ledger.close()


def test_the_approver_signs_the_refusal_and_says_why_without_naming_anybody(
    giver: RefusingSide, taker: RefusingSide
) -> None:
    sent = giver.proof(giver.send(taker, 400_000))
    ledger, act = taker.world.ledger, taker.world.act("A-X01")

    for reason in ("", "  ", "字" * 501, "退给 13812345678"):
        with pytest.raises(RefusalReasonUnfit):
            refuse_remittance(ledger, act, sent, reason)
    assert REASON.encode() in prepare_refusal(ledger, act, sent, REASON)
    with pytest.raises(OfficerSignatureMissing):
        refuse_remittance(ledger, replace(act, signer=None), sent, REASON)
    with pytest.raises(RoleMissing):
        taker.refuse(sent, "A-X02")
    taker.refuse(sent)
    assert "remittance.refused" in committing_topics()


def test_both_verifiers_read_the_refusal_and_the_account_that_has_it_back(
    giver: RefusingSide, taker: RefusingSide, tmp_path: Path
) -> None:
    remittance = giver.send(taker, 400_000)
    taker.refuse(giver.proof(remittance))
    giver.take_back(taker.proof(remittance), 400_000)

    for number, (side, kind, name) in enumerate(
        (
            (taker, "remittance", remittance),
            (giver, "remittance", remittance),
            (giver, "fund", f"C01/{EARMARK}"),
        )
    ):
        file = side.file(name, kind)
        rules = Rules(side.world.ledger.origin, committing_topics(), side.key_id)
        assert list(check_files(read_pack(file), rules))
        path = tmp_path / str(number)
        path.write_bytes(file)
        assert plain_main(str(path), side.key_id) == 0


def test_what_was_on_its_way_at_new_year_counts_as_surplus_when_it_is_back(
    giver: RefusingSide, taker: RefusingSide
) -> None:
    world = giver.world
    sent_on = replace(world.act("A-C01"), happened_on=date(2017, 12, 20))
    order = Sending("C01", EARMARK, taker.key_id, "X01", "跨市〔2017〕9号", 600_000)
    remittance = str(send_remittance(world.ledger, sent_on, order).result["remittance_id"])
    new_year = replace(world.act(), happened_on=date(2018, 1, 1))
    open_fiscal_year(world.ledger, new_year, "C01", EARMARK, 2018, POLICY)
    taker.refuse(giver.proof(remittance))

    def opening() -> tuple[int, int]:
        with catch_up(world.ledger, world.home.read_models).asking() as model:
            of = surplus(model, [C01], 2018)
            line = year_of(model, [C01], Period(2018)).line([C01])
            assert line.balances
        return of.opening_fen, of.in_hand_fen

    assert opening() == (200_000, 200_000)
    act = replace(world.act("K-C01"), happened_on=date(2018, 1, 15))
    take_back_remittance(world.ledger, act, taker.proof(remittance), 600_000)
    assert opening() == (800_000, 800_000)


def test_what_was_sent_in_the_year_but_before_it_was_opened_is_surplus_of_it_when_it_is_back(
    giver: RefusingSide, taker: RefusingSide
) -> None:
    """Of every year that is open: it would be consumed in each, and stand in no opening."""
    world, years = giver.world, (2018, 2019)
    sent_on = replace(world.act("A-C01"), happened_on=date(2018, 1, 2))
    order = Sending("C01", EARMARK, taker.key_id, "X01", "跨市〔2018〕1号", 600_000)
    remittance = str(send_remittance(world.ledger, sent_on, order).result["remittance_id"])
    for year in years:
        act = replace(world.act(), happened_on=date(year, 1, 5))
        open_fiscal_year(world.ledger, act, "C01", EARMARK, year, POLICY)
    taker.refuse(giver.proof(remittance))
    act = replace(world.act("K-C01"), happened_on=date(2019, 2, 1))

    take_back_remittance(world.ledger, act, taker.proof(remittance), 600_000)

    with catch_up(world.ledger, world.home.read_models).asking() as model:
        assert [surplus(model, [C01], year).opening_fen for year in years] == [800_000, 800_000]


def test_what_was_counted_before_it_was_sent_is_not_counted_twice(
    giver: RefusingSide, taker: RefusingSide
) -> None:
    world = giver.world
    open_fiscal_year(
        world.ledger,
        replace(world.act(), happened_on=date(2018, 1, 1)),
        "C01",
        EARMARK,
        2018,
        POLICY,
    )
    sent_on = replace(world.act("A-C01"), happened_on=date(2018, 1, 10))
    order = Sending("C01", EARMARK, taker.key_id, "X01", "跨市〔2018〕1号", 600_000)
    remittance = str(send_remittance(world.ledger, sent_on, order).result["remittance_id"])
    taker.refuse(giver.proof(remittance))
    act = replace(world.act("K-C01"), happened_on=date(2018, 2, 1))
    take_back_remittance(world.ledger, act, taker.proof(remittance), 600_000)

    with catch_up(world.ledger, world.home.read_models).asking() as model:
        assert surplus(model, [C01], 2018).opening_fen == 800_000


OTHER_ACCOUNT = "金秋助学"


def open_for_another_account(world: World) -> None:
    """Have the year 2018 opened by old money of another account alone."""
    order = FundReceipt("C01", OTHER_ACCOUNT, "地方财政", "拨〔2017〕8号", 2017, 7, 2018, POLICY)
    receive_funds(world.ledger, replace(world.act(), happened_on=date(2018, 1, 2)), order)


def sent_over_new_year(giver: RefusingSide, taker: RefusingSide, *amounts: int) -> list[Pack]:
    """Send in 2017 what is refused there, and return the refusals."""
    world, refusals = giver.world, []
    for amount in amounts:
        act = replace(world.act("A-C01"), happened_on=date(2017, 12, 20))
        order = Sending("C01", EARMARK, taker.key_id, "X01", "跨市〔2017〕9号", amount)
        sent = str(send_remittance(world.ledger, act, order).result["remittance_id"])
        taker.refuse(giver.proof(sent))
        refusals.append(taker.proof(sent))
    return refusals


def opening_of_2018(world: World, folder: Path) -> tuple[int, int, int]:
    """Return opening, consumed and in hand by the read model; a pack's have to be the same."""
    with catch_up(world.ledger, world.home.read_models).asking() as model:
        of = surplus(model, [C01], 2018)
    packed = packed_figures(world, folder, "organisation", "C01", SURPLUS, year=2018)
    names = ("opening_fen", "consumed_fen", "in_hand_fen")
    told = of.opening_fen, of.consumed_fen, of.unconsumed_fen
    assert tuple(packed[name] for name in names) == told
    return told


def pay_one(world: World, amount: int) -> None:
    world.file(Person(1), union="C01")
    world.draft("B1", roster_row(1, Person(1), amount), union="C01")
    world.review("B1", "R-C01")
    assert world.approve("B1", "A-C01", date(2018, 1, 20)).refusal_code is None
    content = BankReturn(
        "unionpay-df", "B1", Lists.ALL, (settled(1, Person(1), amount),), None, None, "cd" * 32
    )
    act = replace(world.act(), happened_on=date(2018, 1, 20))
    receive_statement(world.ledger, act, ReturnFile("B1", "return.txt", content))


def open_2018(world: World) -> None:
    act = replace(world.act(), happened_on=date(2018, 2, 1))
    open_fiscal_year(world.ledger, act, "C01", EARMARK, 2018, POLICY)


def test_a_lot_of_which_a_piece_is_back_stands_whole_in_a_year_open_for_another_account(
    giver: RefusingSide, taker: RefusingSide, tmp_path: Path
) -> None:
    """Its rest was in no opening, and a later one would take it for counted."""
    world, act = giver.world, replace(giver.world.act("K-C01"), happened_on=date(2018, 1, 15))
    first, second = sent_over_new_year(giver, taker, 100_001, 50_003)
    open_for_another_account(world)
    assert opening_of_2018(world, tmp_path) == (7, 0, 7)

    take_back_remittance(world.ledger, act, first, 100_001)
    assert opening_of_2018(world, tmp_path) == (7 + 249_997, 0, 7 + 249_997)
    take_back_remittance(world.ledger, act, second, 50_003)
    assert opening_of_2018(world, tmp_path) == (7 + 300_000, 0, 7 + 300_000)
    open_2018(world)
    assert opening_of_2018(world, tmp_path) == (7 + 800_000, 0, 7 + 800_000)
    open_2018(world)
    assert opening_of_2018(world, tmp_path) == (7 + 800_000, 0, 7 + 800_000)


def test_what_is_paid_of_a_lot_of_which_a_piece_is_back_was_in_the_opening(
    giver: RefusingSide, taker: RefusingSide, tmp_path: Path
) -> None:
    """Up to now it was more than all that there was to consume."""
    world, act = giver.world, replace(giver.world.act("K-C01"), happened_on=date(2018, 1, 15))
    [refusal] = sent_over_new_year(giver, taker, 100_001)
    open_for_another_account(world)
    take_back_remittance(world.ledger, act, refusal, 100_001)
    pay_one(world, 180_000)

    assert opening_of_2018(world, tmp_path) == (7 + 300_000, 180_000, 7 + 120_000)
    open_2018(world)
    assert opening_of_2018(world, tmp_path) == (7 + 800_000, 180_000, 7 + 620_000)


def take_back_a_piece_alone(world: World, refusal: Pack, amount: int) -> None:
    """Leave what ledgers of before have: of the lot the piece alone was brought forward."""
    proof = Proof.of(refusal)
    position, refused = proof.first(Remittance.Refused, "receiver's refusal of a remittance")
    act = replace(world.act("K-C01"), happened_on=date(2018, 1, 15))

    def decide(work: Work) -> None:
        remittance = work.get(Remittance, refused.originator_id)
        parts = remittance.take_back(
            act,
            amount=Money(amount),
            reason=REASON,
            refused=proof.entry(position),
            taken_back_by=officer_id("K-C01"),
        )
        account = work.get(FundAccount, world.fund("C01").id)
        account.take_remittance_back(act, remittance_id=remittance.id, parts=parts)
        opened = work.get(FiscalYear, fiscal_year_id(C01, 2018))
        [part] = parts
        opened.bring_forward(
            act,
            fund_id=account.id,
            lot_id=part.lot_id,
            origin_id=part.origin_id,
            vintage=part.vintage,
            amount=part.amount_fen,
        )
        work.save(remittance, account, opened)

    world.ledger.perform(act, "remittance.take_back", refusal.subject, decide)


def test_what_ledgers_of_before_left_out_is_brought_forward_when_the_account_is_opened(
    giver: RefusingSide, taker: RefusingSide, tmp_path: Path
) -> None:
    world = giver.world
    first, second = sent_over_new_year(giver, taker, 100_001, 50_003)
    open_for_another_account(world)
    take_back_a_piece_alone(world, first, 100_001)
    take_back_remittance(
        world.ledger,
        replace(world.act("K-C01"), happened_on=date(2018, 1, 16)),
        second,
        50_003,
    )
    assert opening_of_2018(world, tmp_path) == (7 + 150_004, 0, 7 + 150_004)
    pay_one(world, 250_000)

    for _ in range(2):
        open_2018(world)
        assert opening_of_2018(world, tmp_path) == (7 + 800_000, 250_000, 7 + 550_000)
    # A province believes it, though less than what was left out is in hand of the lot by now.
    rules = Rules(world.ledger.origin, committing_topics(), giver.key_id)
    *_, checked = check_pack(read_pack(giver.file("all", "ledger")).pack, rules)
    assert isinstance(checked, CheckedPack)
    assert city_figures(checked, 2018).surplus.opening_fen == 7 + 800_000


def test_what_was_refused_is_told_until_it_is_taken_back(
    giver: RefusingSide, taker: RefusingSide
) -> None:
    world, day = giver.world, date(2017, 2, 20)

    def found() -> list[tuple[str, int, int | None]]:
        with catch_up(world.ledger, world.home.read_models).asking() as model:
            return [
                (each.rule, each.count, each.amount_fen)
                for each in findings(asked_of(world, model, day, Moment(day)))
                if each.rule == "F9"
            ]

    remittance = giver.send(taker, 400_000)
    taker.refuse(giver.proof(remittance))
    assert found() == [("F9", 1, 400_000)]
    giver.take_back(taker.proof(remittance), 400_000)
    assert found() == []


@dataclass
class Pair:
    """Two ledgers and every file that either ever made, to be handed over in any order, again."""

    giver: RefusingSide
    taker: RefusingSide
    sent: list[tuple[str, int]] = field(default_factory=list)
    from_giver: list[Pack] = field(default_factory=list)
    from_taker: list[Pack] = field(default_factory=list)

    def send(self, which: int) -> None:
        if balance := self.giver.world.fund("C01").balance:
            amount = 1 + which % balance
            self.sent.append((self.giver.send(self.taker, amount), amount))

    def show(self, which: int) -> None:
        if self.sent:
            remittance, _ = self.sent[which % len(self.sent)]
            self.from_giver.append(self.giver.proof(remittance))
            if self.taker.state(remittance) is not None:
                self.from_taker.append(self.taker.proof(remittance))

    def take(self, which: int) -> None:
        for pack in self.chosen(self.from_giver, which):
            self.taker.take(pack, dict(self.sent)[pack.subject])

    def refuse(self, which: int) -> None:
        for pack in self.chosen(self.from_giver, which):
            self.taker.refuse(pack)
            self.from_taker.append(self.taker.proof(pack.subject))

    def acknowledge(self, which: int) -> None:
        for pack in self.chosen(self.from_taker, which):
            self.giver.acknowledge(pack)

    def take_back(self, which: int) -> None:
        for pack in self.chosen(self.from_taker, which):
            self.giver.take_back(pack, dict(self.sent)[pack.subject])

    def chosen(self, packs: list[Pack], which: int) -> list[Pack]:
        return [packs[which % len(packs)]] if packs else []

    def check(self, held_at_first: int) -> None:
        """Every fen is in one place: still here, back here, there, or on its way."""
        there = unanswered = between = 0
        for remittance, amount in self.sent:
            here, beyond = self.giver.state(remittance), self.taker.state(remittance)
            assert here is not State.TAKEN_BACK or beyond is State.REFUSED
            assert here is not State.ACKNOWLEDGED or beyond is State.RECEIVED
            there += amount if beyond is State.RECEIVED else 0
            unanswered += amount if here is State.ON_ITS_WAY else 0
            between += amount if here is State.ON_ITS_WAY and beyond is not State.RECEIVED else 0
        ours, theirs = trial_of(self.giver), trial_of(self.taker)
        assert sum(ours.values()) == sum(theirs.values()) == 0
        assert ours[Account.REMITTED] == unanswered
        assert theirs[Account.FUND] == 100_000 + there
        assert ours[Account.FUND] + there + between == held_at_first
        lots = self.giver.world.fund("C01").lots.values()
        assert sum(lot.remaining for lot in lots) == ours[Account.FUND]


def trial_of(side: Side) -> dict[Account, Money]:
    with catch_up(side.world.ledger, side.world.home.read_models).asking() as model:
        return trial_balance(model)


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    world = World.at(tmp_path_factory.mktemp("giver")).settle_in()
    world.receive("C01", 300_000, vintage=2015)
    world.receive("C01", 500_000)
    world.appoint("K-C01", "C01", Role.CASHIER, date(2016, 12, 1))
    giver, taker = RefusingSide(world), taker_at(tmp_path_factory.mktemp("taker"))
    giver.know(taker)
    taker.know(giver)
    yield Pair(giver, taker)
    world.ledger.close()
    taker.world.ledger.close()


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["send", "show", "take", "refuse", "acknowledge", "take_back"]),
        st.integers(0, 10**6),
    ),
    max_size=12,
)


@given(STEPS)
@settings(deadline=None, max_examples=25, suppress_health_check=list(HealthCheck))
def test_no_fen_is_lost_or_doubled_whatever_file_is_handed_over_when(
    pair: Pair, steps: list[tuple[str, int]]
) -> None:
    """Examples go on where the one before ended: files of long ago are handed over again."""
    for what, which in [("send", 7), ("show", len(pair.sent)), *steps]:
        with suppress(LedgerError):
            getattr(pair, what)(which)
        pair.check(800_000)


def test_a_refusal_that_names_another_entry_of_ours_is_refused(
    giver: RefusingSide, taker: RefusingSide, monkeypatch: pytest.MonkeyPatch
) -> None:
    remittance = giver.send(taker, 400_000)
    entry = Proof.entry

    def earlier(proof: Proof, _position: int) -> EntryElsewhere:
        return entry(proof, min(proof.checked.pack.entries))

    monkeypatch.setattr(Proof, "entry", earlier)
    taker.refuse(giver.proof(remittance))
    monkeypatch.undo()

    with pytest.raises(RemittanceProofDiffers):
        giver.take_back(taker.proof(remittance), 400_000)
    assert giver.state(remittance) is State.ON_ITS_WAY

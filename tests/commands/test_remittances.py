"""Money between two ledgers: each takes the other's proof, and neither takes anything else."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from uuid import UUID

import pytest

from api.crossing import crossings
from ledger.anchoring.publications import announce
from ledger.commands.funds import open_fiscal_year
from ledger.commands.remittance_proofs import NotOfRemittance
from ledger.commands.remittances import (
    Acquaintance,
    Sending,
    acknowledge_remittance,
    prepare_remittance,
    receive_remittance,
    register_ledger,
    send_remittance,
    strike_off_ledger,
)
from ledger.commands.verification import verify_log
from ledger.domain.events import committing_topics
from ledger.domain.known_ledger import (
    FoundingKeyMisspelt,
    KnownLedger,
    LedgerAlreadyKnown,
    LedgerUnknown,
    OwnLedger,
)
from ledger.domain.officer import KeyUnknown, Role, RoleMissing
from ledger.domain.organisation import organisation_id
from ledger.domain.refusal import Refusal
from ledger.domain.remittance import (
    Remittance,
    RemittanceAcknowledged,
    RemittanceAmountDiffers,
    RemittanceForOthers,
    RemittanceProofDiffers,
    RemittanceTaken,
)
from ledger.evidence.canonical import base64_text
from ledger.evidence.envelope import payload_of
from ledger.evidence.keys import Ed25519Signer
from ledger.evidence.merkle import leaf_hash
from ledger.evidence.pack import Pack, PackBroken
from ledger.evidence.verify import Rules
from ledger.packs.contents import subject_of
from ledger.packs.file import check_files, read_pack, write_pack
from ledger.packs.making import make_pack
from ledger.packs.verify_pack import main as plain_main
from ledger.store.application import Answer, NotOnRecord
from ledger.store.map_store import MapStore
from ledger.store.signing import KeyHolder, OfficerSignatureMissing
from projections.asked import Moment
from projections.balances import balances, lots_of, trial_balance
from projections.figures import figures, total
from projections.findings.rules import findings
from projections.flow_of_funds import Period
from projections.flows import trace_back, trace_forward
from projections.journal import Account
from projections.remittances import known_ledgers, remittance_list
from projections.runner import catch_up
from projections.surplus import surplus
from projections.turnover import Asked, movement_list
from projections.year import year_of
from tests.campaign import copied
from tests.projections.test_findings import asked_of
from tests.world import EARMARK, POLICY, Person, World, roster_row, settled

SENT_ON = date(2017, 1, 10)
C01, X01 = organisation_id("C01"), organisation_id("X01")


@dataclass
class Side:
    """One of two ledgers; they have unions of the same codes, as cities may."""

    world: World

    @property
    def key_id(self) -> str:
        return self.world.ledger.founding_key_id()

    def know(self, other: "Side", **changes: str) -> Answer:
        order = Acquaintance(other.key_id, other.world.ledger.origin, "邻市账本")
        act = self.world.act("A-C01")
        return register_ledger(self.world.ledger, act, replace(order, **changes))

    def send(
        self,
        other: "Side",
        amount: int,
        key: str | None = None,
        document: str = "跨市〔2017〕1号",
        giver: str = "C01",
    ) -> str:
        answer = send_remittance(
            self.world.ledger,
            self.world.act("A-C01", key=key),
            Sending(giver, EARMARK, other.key_id, "X01", document, amount),
        )
        assert answer.refusal_code is None
        return str(answer.result["remittance_id"])

    def proof(self, remittance: str) -> Pack:
        """Publish, and make the file that travels; it is read back as the other side reads it."""
        return read_pack(self.file(remittance)).pack

    def file(self, name: str, kind: str = "remittance") -> bytes:
        ledger, maps = self.world.ledger, MapStore(self.world.home.map)
        published = announce(ledger, maps, self.world.act())
        pack = make_pack(ledger, maps, published, kind, subject_of(ledger, kind, name))
        maps.close()
        rules = Rules(ledger.origin, committing_topics(), self.key_id)
        return write_pack(pack, rules, ledger.signer)

    def take(self, pack: Pack, amount: int, staff: str = "K-X01") -> Answer:
        act = replace(self.world.act(staff), signed_in=True)
        return receive_remittance(self.world.ledger, act, pack, amount)

    def acknowledge(self, pack: Pack) -> Answer:
        act = replace(self.world.act("K-C01"), signed_in=True)
        return acknowledge_remittance(self.world.ledger, act, pack)


@pytest.fixture
def giver(world: World) -> Side:
    world.receive("C01", 300_000, vintage=2015)
    world.receive("C01", 500_000)
    world.appoint("K-C01", "C01", Role.CASHIER, date(2016, 12, 1))
    return Side(world)


@pytest.fixture
def taker(tmp_path: Path, giver: Side) -> Iterator[Side]:
    other = World.at(tmp_path / "other").settle_in()
    other.receive("C01", 100_000)
    other.appoint("K-X01", "X01", Role.CASHIER, date(2016, 12, 1))
    side = Side(other)
    side.know(giver)
    giver.know(side)
    yield side
    other.ledger.close()


def test_each_ledger_records_its_half_and_holds_the_proof_of_the_other(
    giver: Side, taker: Side
) -> None:
    remittance = giver.send(taker, 400_000)
    taker.take(giver.proof(remittance), 400_000)
    giver.acknowledge(taker.proof(remittance))

    every = giver.world.ledger.read(0, 500)
    [sent] = [each for each in every if isinstance(each.event, Remittance.Sent)]
    here = taker.world.ledger.load(Remittance, sent.event.originator_id)
    assert here is not None
    assert here.amount == 400_000
    received = taker.world.ledger.event(here.id, 1)
    assert isinstance(received, Remittance.Received)
    assert (received.sent.key_id, received.sent.position) == (giver.key_id, sent.position)
    acknowledged = giver.world.ledger.event(here.id, 2)
    assert isinstance(acknowledged, Remittance.Acknowledged)
    assert acknowledged.received.key_id == taker.key_id
    for side in (giver, taker):
        side.world.check_log()


def test_lots_arrive_with_source_document_and_vintage_and_the_oldest_go_first(
    giver: Side, taker: Side
) -> None:
    remittance = giver.send(taker, 400_000)
    taker.take(giver.proof(remittance), 400_000)

    came = taker.world.fund("X01").live
    assert [(lot.vintage, lot.source, lot.document, lot.remaining) for lot in came] == [
        (2015, "地方财政", "拨〔2015〕1号", 300_000),
        (2017, "地方财政", "拨〔2017〕1号", 100_000),
    ]
    # Both ledgers gave their first lot of C01 the same id: what arrived has one of its own.
    own = set(taker.world.fund("C01").lots)
    assert own & set(giver.world.fund("C01").lots)
    assert not own & {lot.lot_id for lot in came}


def test_money_that_arrived_is_paid_and_counts_for_the_two_years(giver: Side, taker: Side) -> None:
    taker.take(giver.proof(giver.send(taker, 400_000)), 400_000)
    world, person = taker.world, Person(1)
    open_fiscal_year(world.ledger, world.act(), "X01", EARMARK, 2017, POLICY)
    world.file(person)
    world.pay("B1", roster_row(1, person, 80_000))
    world.answer("B1", settled(1, person, 80_000))

    with catch_up(world.ledger, world.home.read_models).asking() as model:
        old = surplus(model, [X01], 2017)
        trial = trial_balance(model)

    assert (old.opening_fen, old.consumed_fen, old.all_within_years) == (300_000, 80_000, 2)
    assert sum(trial.values()) == 0
    world.check_log()


def test_a_payment_is_traced_to_the_remittance_and_to_the_entry_in_the_other_ledger(
    giver: Side, taker: Side, tmp_path: Path
) -> None:
    remittance = giver.send(taker, 400_000)
    taker.take(giver.proof(remittance), 400_000)
    world, person = taker.world, Person(1)
    world.file(person)
    world.pay("B1", roster_row(1, person, 350_000))

    with catch_up(world.ledger, world.home.read_models).asking() as model:
        strands = trace_back(model, world.payment_id(person))
        came = crossings(world.ledger, model, [each.origin.lot_id for each in strands])
    sent = giver.world.ledger.event(UUID(remittance), 1)
    assert isinstance(sent, Remittance.Sent)
    at = {each.event: each.position for each in giver.world.ledger.read(0, 500)}
    [(_, _, _, entry)] = giver.world.ledger.log.select_entries(at[sent], 1)
    assert [came[each.origin.lot_id].sent_as for each in strands] == [
        part.lot_id.hex for part in sent.parts
    ]
    for each in came.values():
        assert (str(each.remittance_id), each.key_id) == (remittance, giver.key_id)
        assert (each.ledger_name, each.organisation_code) == ("邻市账本", "C01")
        assert (each.position, each.leaf_hash) == (at[sent], base64_text(leaf_hash(entry)))

    file = taker.file(str(world.payment_id(person)), "payment")
    pack = read_pack(file).pack
    assert any(b'"remittance.received"' in payload_of(each) for each in pack.entries.values())
    (tmp_path / "payment").write_bytes(file)
    assert plain_main(str(tmp_path / "payment"), taker.key_id) == 0


def test_what_is_on_its_way_stands_in_an_account_until_the_other_proves_it(
    giver: Side, taker: Side
) -> None:
    world = giver.world
    remittance = giver.send(taker, 400_000)

    def held() -> tuple[int, int, int]:
        with catch_up(world.ledger, world.home.read_models).asking() as model:
            trial = trial_balance(model)
            assert sum(trial.values()) == 0
            on_its_way = sum(each.remitted_fen for each in balances(model))
            assert trial[Account.REMITTED] == on_its_way
            of = total(figures(model, [C01]).values())
            assert of.in_hand_fen == of.received_fen - of.remitted_fen
            assert of.unacknowledged_fen == on_its_way
            line = year_of(model, [C01], Period(2017)).line([C01])
            assert line.balances
        return trial[Account.FUND], trial[Account.REMITTED], trial[Account.LEDGERS]

    assert held() == (400_000, 400_000, 0)
    taker.take(giver.proof(remittance), 400_000)
    assert held() == (400_000, 400_000, 0)
    giver.acknowledge(taker.proof(remittance))
    assert held() == (400_000, 0, 400_000)
    with catch_up(world.ledger, world.home.read_models).asking() as model:
        [old, _] = lots_of(model, world.fund("C01").id)
        followed = trace_forward(model, old.lot_id)
        [listed] = remittance_list(model)
        kinds = [each.kind for each in movement_list(model, Asked())]
        [known] = known_ledgers(model)
    assert followed is not None
    assert (followed.in_hand_fen, followed.remitted_fen) == (0, 300_000)
    assert (listed.amount_fen, listed.ledger_name, listed.waits) == (400_000, "邻市账本", False)
    assert kinds == ["receipt", "receipt", "remittance"]
    assert (known.key_id, known.is_known) == (taker.key_id, True)


def test_it_is_taken_in_once_whatever_file_proves_it(giver: Side, taker: Side) -> None:
    remittance = giver.send(taker, 400_000)
    taker.take(giver.proof(remittance), 400_000)
    giver.world.receive("C01", 1)

    with pytest.raises(RemittanceTaken):
        taker.take(giver.proof(remittance), 400_000)

    giver.acknowledge(taker.proof(remittance))
    with pytest.raises(RemittanceAcknowledged):
        giver.acknowledge(taker.proof(remittance))
    assert taker.world.fund("X01").balance == 400_000


def test_another_amount_another_ledger_and_another_side_are_refused(
    giver: Side, taker: Side, tmp_path: Path
) -> None:
    remittance = giver.send(taker, 400_000)
    sent = giver.proof(remittance)
    third = Side(World.at(tmp_path / "third").settle_in())

    with pytest.raises(RemittanceAmountDiffers, match=r"3999\.99"):
        taker.take(sent, 399_999)
    third.world.appoint("K-X01", "X01", Role.CASHIER, date(2016, 12, 1))
    with pytest.raises(LedgerUnknown):
        third.take(sent, 400_000)
    third.know(giver)
    with pytest.raises(RemittanceForOthers):
        third.take(sent, 400_000)
    with pytest.raises(NotOfRemittance):
        giver.acknowledge(sent)
    with pytest.raises(OwnLedger):
        giver.take(sent, 400_000, "K-C01")
    with pytest.raises(RoleMissing):
        taker.take(sent, 400_000, "H-X01")
    assert taker.world.ledger.load(Remittance, UUID(sent.subject)) is None
    third.world.ledger.close()


def test_an_altered_file_proves_nothing(giver: Side, taker: Side) -> None:
    pack = giver.proof(giver.send(taker, 400_000))
    at = sorted(pack.entries)[len(pack.entries) // 2]
    others = {position: each for position, each in pack.entries.items() if position != at}

    for altered in (
        replace(pack, entries=others),
        replace(pack, entries={**pack.entries, at: pack.entries[0]}),
        replace(pack, checkpoint=pack.checkpoint.replace("test.local", "test.other")),
        replace(pack, listings=pack.listings[1:]),
        replace(pack, entries={}),
    ):
        with pytest.raises(PackBroken):
            taker.take(altered, 400_000)


@pytest.mark.usefixtures("giver")
def test_a_ledger_of_another_key_cannot_speak_for_a_known_one(taker: Side, tmp_path: Path) -> None:
    """It has the known ledger's name, unions and officers, and all that a forger could copy."""
    forger = Side(World.at(tmp_path / "forger").settle_in())
    forger.world.receive("C01", 900_000)
    forger.know(taker)

    with pytest.raises(LedgerUnknown):
        taker.take(forger.proof(forger.send(taker, 400_000)), 400_000)

    forger.world.ledger.close()


def test_a_receipt_of_what_never_stood_here_is_refused(
    giver: Side, taker: Side, tmp_path: Path
) -> None:
    """The sender's log was put back to before, and went on: the same id, another entry."""
    giver.world.ledger.close()
    before = Side(World(copied(giver.world.home, tmp_path / "before"), giver.world.officers))
    giver.world.reopen()
    before.world.reopen()
    remittance = giver.send(taker, 400_000)
    taker.take(giver.proof(remittance), 400_000)

    assert before.send(taker, 400_000, document="跨市〔2017〕2号") == remittance
    with pytest.raises(RemittanceProofDiffers):
        before.acknowledge(taker.proof(remittance))

    before.world.ledger.close()


def test_both_verifiers_read_the_file_of_either_side(
    giver: Side, taker: Side, tmp_path: Path
) -> None:
    remittance = giver.send(taker, 400_000)
    taker.take(giver.proof(remittance), 400_000)

    for side in (giver, taker):
        file = side.file(remittance)
        rules = Rules(side.world.ledger.origin, committing_topics(), side.key_id)
        assert list(check_files(read_pack(file), rules))
        (tmp_path / "file").write_bytes(file)
        assert plain_main(str(tmp_path / "file"), side.key_id) == 0


def test_too_little_money_is_put_on_record(giver: Side, taker: Side) -> None:
    order = Sending("C01", EARMARK, taker.key_id, "X01", "跨市〔2017〕1号", 900_000)

    answer = send_remittance(giver.world.ledger, giver.world.act("A-C01"), order)

    assert answer.refusal_code == "fund.insufficient"
    assert giver.world.types()[-1] == Refusal.Recorded.TOPIC


def test_the_approver_signs_where_the_money_goes(giver: Side, taker: Side) -> None:
    order = Sending("C01", EARMARK, taker.key_id, "X01", "跨市〔2017〕1号", 100_000)
    ledger, act = giver.world.ledger, giver.world.act("A-C01")

    assert taker.key_id.encode() in prepare_remittance(ledger, act, order)
    with pytest.raises(OfficerSignatureMissing):
        send_remittance(ledger, replace(act, signer=None), order)
    stranger = KeyHolder(Ed25519Signer.generate())
    with pytest.raises(KeyUnknown):
        send_remittance(ledger, replace(act, signer=stranger), order)
    assert giver.send(taker, 100_000, key="k") == giver.send(taker, 100_000, key="k")
    assert giver.world.fund("C01").balance == 700_000


def test_a_ledger_is_registered_once_and_struck_off(giver: Side, taker: Side) -> None:
    world = giver.world
    act = world.act("A-C01")
    with pytest.raises(LedgerAlreadyKnown):
        giver.know(taker)
    with pytest.raises(OwnLedger):
        giver.know(giver)
    with pytest.raises(FoundingKeyMisspelt):
        giver.know(taker, key_id="F" * 32)
    with pytest.raises(LedgerUnknown):
        strike_off_ledger(world.ledger, act, "0" * 32, "无此账本")

    strike_off_ledger(world.ledger, act, taker.key_id, "并入本市")

    with pytest.raises(LedgerUnknown):
        giver.send(taker, 100_000)
    giver.know(taker)
    assert giver.send(taker, 100_000)
    known = [each for each in world.types() if each.startswith(KnownLedger.TOPIC)]
    assert known == [
        "known_ledger.registered",
        "known_ledger.struck_off",
        "known_ledger.registered",
    ]


def test_what_goes_to_no_union_there_comes_to_nothing(giver: Side, taker: Side) -> None:
    ledger = giver.world.ledger
    order = Sending("C01", EARMARK, taker.key_id, "X99", "跨市〔2017〕1号", 100_000)
    sent = send_remittance(ledger, giver.world.act("A-C01"), order).result["remittance_id"]

    with pytest.raises(NotOnRecord):
        taker.take(giver.proof(str(sent)), 100_000)


def test_what_nobody_acknowledged_in_time_is_found(giver: Side, taker: Side) -> None:
    world = giver.world
    remittance = giver.send(taker, 400_000)

    def found(day: date) -> list[tuple[str, int, int | None]]:
        with catch_up(world.ledger, world.home.read_models).asking() as model:
            return [
                (each.rule, each.count, each.amount_fen)
                for each in findings(asked_of(world, model, day, Moment(day)))
                if each.rule == "F9"
            ]

    assert found(date(2017, 1, 12)) == []
    assert found(date(2017, 2, 20)) == [("F9", 1, 400_000)]
    taker.take(giver.proof(remittance), 400_000)
    giver.acknowledge(taker.proof(remittance))
    assert found(date(2017, 2, 20)) == []


def test_the_whole_log_is_verified_by_other_programs_rules_too(giver: Side, taker: Side) -> None:
    giver.send(taker, 1)
    verdict = verify_log(giver.world.home.log, giver.world.ledger.origin, giver.key_id, processes=1)
    assert verdict.holds

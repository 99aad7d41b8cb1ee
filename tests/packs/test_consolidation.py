"""A province sees its cities: by what each proved, under a checkpoint that its witness cosigned."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest
from fastapi.testclient import TestClient
from typer.testing import CliRunner, Result

from api import bootstrap
from api.cli.drafts import FileUnwritable
from api.cli.main import app
from api.witness_app import create_witness_app
from ledger.anchoring.anchors import Anchors
from ledger.anchoring.publications import announce
from ledger.anchoring.witnesses import NeverCosigned, collect, cosigned_note
from ledger.commands.funds import (
    FundReceipt,
    ReceiptCorrection,
    account_for,
    correct_receipt,
    open_fiscal_year,
    receive_funds,
)
from ledger.commands.remittance_proofs import Proof
from ledger.commands.remittances import refuse_remittance, take_back_remittance
from ledger.commands.witnesses import WitnessAppointment, appoint_witness
from ledger.domain.events import committing_topics
from ledger.domain.officer import Role, officer_id
from ledger.domain.organisation import organisation_id
from ledger.domain.remittance import Remittance, RemittedPart
from ledger.domain.values import Money
from ledger.evidence.checkpoint import Checkpoint, sign_note
from ledger.evidence.keys import Ed25519Signer
from ledger.evidence.pack import Pack
from ledger.evidence.verify import Rules
from ledger.evidence.vouching import RELIABLE, UNVOUCHED
from ledger.packs import verify_pack as plain
from ledger.packs.city_figures import Piece
from ledger.packs.consolidation import stood_before
from ledger.packs.contents import LEDGER, subject_of
from ledger.packs.file import read_pack, write_pack
from ledger.packs.making import make_pack
from ledger.store.application import Work
from ledger.store.map_store import MapStore
from ledger.witness.home import WitnessHome
from ledger.witness.state import Refused
from ledger.witness.witnessing import TWO_ROOTS, Status, Submission, Witness
from tests.commands.test_remittances import Side
from tests.packs.packing import write_unchecked
from tests.packs.test_vouched_keys import confirm
from tests.world import EARMARK, POLICY, Person, World, failed, pending, roster_row, settled

NOW_S = 1_800_000_000
EARLY = date(2016, 12, 1)


@dataclass
class Province:
    folder: Path
    witness: WitnessHome
    client: TestClient
    cities: dict[str, Side]

    def publish(self, name: str, *, cosigned: bool = True) -> Path:
        """Have a city publish, its witness cosign, and the pack of the whole ledger written."""
        world = self.cities[name].world
        maps, anchors = MapStore(world.home.map), Anchors(world.home.anchors)
        published = announce(world.ledger, maps, world.act())
        if cosigned:
            collect(world.ledger, anchors, world.act(), published, self.client, lambda _: None)
        under = replace(published, note=cosigned_note(anchors, published))
        subject = subject_of(world.ledger, LEDGER, "all")
        pack = make_pack(world.ledger, maps, under, LEDGER, subject)
        rules = Rules(world.ledger.origin, committing_topics(), self.cities[name].key_id)
        path = self.folder / f"{name}.zip"
        path.write_bytes(write_pack(pack, rules, world.ledger.signer))
        maps.close()
        anchors.close()
        return path

    def fork(self, name: str) -> None:
        """Show the witness another checkpoint of the size that it cosigned last, signed alike."""
        ledger = self.cities[name].world.ledger
        state = self.witness.state()
        held = state.cosigned(ledger.origin)
        assert held is not None
        other = Checkpoint(ledger.origin, held.size, bytes(32))
        note = sign_note(other, ledger.origin, ledger.signer)
        watching = Witness(state, self.witness.cosigners())
        refused = watching.add_checkpoint(Submission(held.size, (), note).text(), NOW_S)
        assert refused.status is Status.INCONSISTENT
        state.close()

    def consolidate(self, out: str = "all.json", *more: str) -> tuple[Result, Path]:
        file = self.folder / "province.toml"
        lines = []
        for name, side in self.cities.items():
            origin = side.world.ledger.origin
            lines += [f"[cities.{name}]", f'key = "{side.key_id}"', f'origin = "{origin}"']
            lines += [f'file = "{name}.zip"']
        file.write_text("\n".join(lines) + "\n", encoding="utf-8")
        path = self.folder / out
        words = ["province", "consolidate", str(file), "--year", "2017", "--out", str(path)]
        return CliRunner().invoke(app, [*words, *more]), path

    def consolidated(self, *more: str, status: int = 0) -> dict[str, Any]:
        """Have all cities publish, and return what the province makes of it."""
        for name in self.cities:
            self.publish(name)
        return self.as_told(*more, status=status)

    def as_told(self, *more: str, status: int = 0) -> dict[str, Any]:
        """Return what the province makes of what was published."""
        done, path = self.consolidate("all.json", *more)
        assert done.exit_code == status, done.output
        told: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return told


@pytest.fixture
def province(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Province]:
    """A witness that watches two logs, and the two cities, each of which knows the other."""
    home = WitnessHome(tmp_path / "witness")
    home.create("province.test/w1")
    monkeypatch.setenv("NUANZHANG_WITNESS_HOME", str(home.path))
    state = home.state()
    cities = {}
    for name in ("north", "south"):
        world = World.at(tmp_path / name, origin=f"{name}.test/log").settle_in()
        added = CliRunner().invoke(app, ["witness", "add-log", world.home.note_key().vkey()])
        assert added.exit_code == 0, added.output
        order = WitnessAppointment(home.cosigners()[0].key.vkey(), "http://testserver")
        appoint_witness(world.ledger, world.act(), order)
        world.appoint("K-C01", "C01", Role.CASHIER, EARLY)
        world.appoint("K-X01", "X01", Role.CASHIER, EARLY)
        cities[name] = Side(world)
    north, south = cities["north"], cities["south"]
    north.world.receive("C01", 300_000, vintage=2015)
    north.world.receive("C01", 500_000)
    south.world.receive("C01", 100_000)
    north.know(south)
    south.know(north)
    watching = create_witness_app(Witness(state, home.cosigners()), lambda: NOW_S)
    with TestClient(watching) as client:
        yield Province(tmp_path, home, client, cities)
    for side in cities.values():
        side.world.ledger.close()


def pay_80_000(world: World) -> None:
    person = Person(1)
    world.file(person)
    world.pay("B1", roster_row(1, person, 80_000))
    world.answer("B1", settled(1, person, 80_000))


def open_2017(side: Side, union: str) -> None:
    act = side.world.act(day=date(2017, 1, 2))
    open_fiscal_year(side.world.ledger, act, union, EARMARK, 2017, POLICY)


def unopened_of(told: dict[str, Any]) -> tuple[Any, ...]:
    return told["city"], told["code"], told["vintage"], told["amount_fen"]


def surplus_of(told: dict[str, Any]) -> tuple[int, ...]:
    """Return opening, consumed, in transit, sent to other ledgers, and in hand."""
    later = [f"surplus_{each}_fen" for each in ("in_transit", "remitted", "in_hand")]
    return tuple(told[each] for each in ["opening_fen", "consumed_fen", *later])


def take_lying(
    taker: Side, pack: Pack, change: Callable[[RemittedPart], RemittedPart], **entry: Any
) -> None:
    """Take in what was sent as something else, as whoever has the ledger's own key can."""
    proof = Proof.of(pack)
    position, sent = proof.sent()
    parts = [change(each) for each in sent.parts]

    def decide(work: Work) -> None:
        act = taker.world.act("K-X01")
        account = account_for(work, act, organisation_id("X01"), EARMARK)
        came = Remittance.receive(
            act,
            sent.originator_id,
            organisation_id=account.organisation_id,
            fund_id=account.id,
            earmark=EARMARK,
            from_code="C01",
            document=sent.document,
            amount=Money(sum(each.amount_fen for each in parts)),
            sent=msgspec.structs.replace(proof.entry(position), **entry),
            received_by=officer_id("K-X01"),
        )
        account.receive_remittance(act, remittance_id=came.id, document="", parts=parts)
        work.save(came, account)

    taker.world.ledger.perform(taker.world.act("K-X01"), "remittance.receive", "a lie", decide)


def test_what_one_city_sent_another_counts_once(province: Province) -> None:
    north, south = province.cities["north"], province.cities["south"]
    remittance = north.send(south, 400_000)
    south.take(north.proof(remittance), 400_000)
    open_fiscal_year(south.world.ledger, south.world.act(), "X01", EARMARK, 2017, POLICY)
    pay_80_000(south.world)

    told = province.consolidated()

    # 300,000 + 500,000 + 100,000 came from outside, 80,000 of it reached a person.
    assert (told["received_fen"], told["in_hand_fen"]) == (900_000, 820_000)
    # The old 300,000 stood in both openings: where it was first, and where it went.
    assert (told["opening_fen"], told["opening_in_two_fen"]) == (300_000, 300_000)
    assert told["consumed_fen"] == 80_000
    [between] = told["remittances"]
    assert (between["giver"], between["taker"], between["meeting"]) == ("north", "south", "agreed")
    sizes = {each["name"]: each["checkpoint_size"] for each in told["cities"]}
    assert sizes == {name: side.world.ledger.size() for name, side in province.cities.items()}


def test_of_each_city_it_is_told_whose_word_its_officers_keys_rest_on(province: Province) -> None:
    north = province.cities["north"].world
    north.administer({"SYS": Role.SYSTEM_ADMINISTRATOR, "SEC": Role.SECURITY_ADMINISTRATOR})
    confirm(north, "A-C01", by="SYS")
    north.allocate("C01", "X01", 100_000)

    told = province.consolidated()
    done = province.consolidate("all.xlsx")[0].output.splitlines()

    [first] = told["cities"][0]["first_keys"]
    assert first["key_id"] == north.officers["SYS"].public_key.key_id
    assert told["cities"][1]["first_keys"] == []
    signed = [city["attested"] for city in told["cities"]]
    # The allocation, and that the key under it is its officer's.
    assert [each.get(RELIABLE, 0) for each in signed] == [2, 0]
    # The policy of each was adopted under an approver's key, for which nobody signed.
    assert all(each[UNVOUCHED] for each in signed)
    for name, own, each in zip(province.cities, (2, 0), signed, strict=True):
        said = f"{name}: of the entries in its pack {own} carry the officer's own signature, "
        [line] = [line for line in done if line.startswith(said)]
        assert f", {each[UNVOUCHED]} one by a key that is an officer's on the operator's" in line
    [compared] = [line for line in done if "COMPARE" in line]
    assert compared.startswith(f"north: COMPARE 请核对: key {first['key_id']} is that of the first")


def test_what_one_union_passed_on_to_another_of_its_city_counts_once(province: Province) -> None:
    world = province.cities["north"].world
    world.allocate("C01", "X01", 200_000)
    open_fiscal_year(world.ledger, world.act(), "X01", EARMARK, 2017, POLICY)
    pay_80_000(world)

    told = province.consolidated()

    assert (told["opening_fen"], told["consumed_fen"]) == (300_000, 80_000)
    [north, _] = told["cities"]
    assert north["figures"]["opening_fen"] == 300_000
    assert north["figures"]["consumed_fen"] == 80_000


def test_what_was_sent_before_its_sender_opened_the_year_counts_where_it_came(
    province: Province,
) -> None:
    """What one opened with less than was sent, and what the other had sent before: both count."""
    north, south = province.cities["north"], province.cities["south"]
    north.world.allocate("C01", "X01", 200_000)
    two = Person(2)
    south.world.file(two)
    pay_80_000(north.world)
    south.take(north.proof(north.send(south, 120_000, giver="X01")), 120_000)
    south.world.pay("B1", roster_row(1, two, 70_000))
    south.world.answer("B1", settled(1, two, 70_000))
    for side in (north, south):
        new_year = side.world.act(day=date(2018, 1, 2))
        open_fiscal_year(side.world.ledger, new_year, "X01", EARMARK, 2018, POLICY)
    # Of what north's C01 opened the year with, it sent 100,000; south paid some before it opened.
    new_year = north.world.act(day=date(2018, 1, 2))
    open_fiscal_year(north.world.ledger, new_year, "C01", EARMARK, 2018, POLICY)
    south.take(north.proof(north.send(south, 100_000, document="跨市〔2018〕1号")), 100_000)
    south.world.file(Person(3))
    south.world.pay("B2", roster_row(1, Person(3), 90_000))
    south.world.answer("B2", settled(1, Person(3), 90_000))
    new_year = south.world.act(day=date(2018, 1, 3))
    open_fiscal_year(south.world.ledger, new_year, "X01", EARMARK, 2018, POLICY)

    told = province.consolidated("--year", "2018", status=1)

    # North: nothing in X01, 100,000 of 2015 and 500,000 of 2017 in C01. South: 50,000 that came
    # from north before, and 60,000 that were left of what came after: these stood in both.
    opened = {each["name"]: each["figures"]["opening_fen"] for each in told["cities"]}
    assert opened == {"north": 600_000, "south": 110_000}
    assert (told["opening_fen"], told["opening_in_two_fen"]) == (650_000, 60_000)
    # South paid 50,000 and 40,000: these had stood in north's opening alone.
    assert (told["consumed_fen"], told["cities"][1]["figures"]["consumed_fen"]) == (90_000, 50_000)
    # South's C01 opened nothing.
    assert [unopened_of(each) for each in told["unopened"]] == [("south", "C01", 2017, 100_000)]


def test_cities_that_sign_that_each_had_it_of_the_other_hold_nobody_up() -> None:
    one, two = ("r1", "lot"), ("r2", "lot")
    pieces = {
        one: Piece(50, 0, "地方财政", two, 2015),
        two: Piece(70, 0, "地方财政", one, 2015),
    }

    assert stood_before(pieces, dict.fromkeys(pieces, 0)).before == {one: 0, two: 0}


def test_a_long_way_is_gone_without_end_of_stack() -> None:
    places = [(f"r{n}", "lot") for n in range(5_000)]
    came = [None, *places[:-1]]
    pieces = {
        place: Piece(50, 0 if came_as else 50, "地方财政", came_as, 2015)
        for place, came_as in reversed(list(zip(places, came, strict=True)))
    }

    assert set(stood_before(pieces, dict.fromkeys(pieces, 0)).before.values()) == {50}


@pytest.mark.parametrize("opens_between", [False, True])
def test_what_went_through_a_third_city_counts_once(
    province: Province, tmp_path: Path, *, opens_between: bool
) -> None:
    """North opens with it, sends it through south, and east opens with it."""
    north, south = province.cities["north"], province.cities["south"]
    world = World.at(tmp_path / "east", origin="east.test/log").settle_in()
    added = CliRunner().invoke(app, ["witness", "add-log", world.home.note_key().vkey()])
    assert added.exit_code == 0, added.output
    appoint_witness(
        world.ledger,
        world.act(),
        WitnessAppointment(province.witness.cosigners()[0].key.vkey(), "http://testserver"),
    )
    for union in ("C01", "X01"):
        world.appoint(f"K-{union}", union, Role.CASHIER, EARLY)
    east = province.cities["east"] = Side(world)
    south.know(east)
    east.know(south)
    new_year = date(2018, 1, 2)

    def opened(side: Side, union: str) -> None:
        act = side.world.act(day=new_year)
        open_fiscal_year(side.world.ledger, act, union, EARMARK, 2018, POLICY)

    opened(north, "C01")
    south.take(north.proof(north.send(south, 100_000)), 100_000)
    if opens_between:
        opened(south, "X01")
    for fen in (40_000, 20_000):
        order = {"giver": "X01", "document": f"转〔2018〕{fen}号"}
        east.take(south.proof(south.send(east, fen, **order)), fen)
    opened(east, "X01")

    told = province.consolidated("--year", "2018", status=1)

    counted = {each["name"]: each["figures"]["opening_fen"] for each in told["cities"]}
    through = 100_000 if opens_between else 0
    assert counted == {"north": 800_000, "south": through, "east": 60_000}
    assert (told["opening_fen"], told["opening_in_two_fen"]) == (800_000, 60_000 + through)
    assert told["sources"]["地方财政"]["opening_fen"] == 800_000
    assert [unopened_of(each) for each in told["unopened"]] == [("south", "C01", 2017, 100_000)]


def test_money_is_told_by_its_source_wherever_it_went(province: Province) -> None:
    north, south = province.cities["north"], province.cities["south"]
    order = FundReceipt("C01", EARMARK, "社会捐赠", "捐〔2017〕1号", 2017, 70_000, None, POLICY)
    received = receive_funds(south.world.ledger, south.world.act(), order)
    south.take(north.proof(north.send(south, 400_000)), 400_000)
    open_fiscal_year(south.world.ledger, south.world.act(), "X01", EARMARK, 2017, POLICY)
    back, paid = Person(1), Person(2)
    south.world.file(back, paid)
    south.world.pay("B1", roster_row(1, back, 80_000), roster_row(2, paid, 80_000))
    south.world.answer("B1", failed(1, back, 80_000), settled(2, paid, 80_000))
    lot = UUID(received.result["lot_id"])
    put_right = ReceiptCorrection(
        "C01", EARMARK, lot, south.world.fund("C01").version, -5_000, "多记"
    )
    correct_receipt(south.world.ledger, south.world.act(), put_right)

    told = province.consolidated()

    assert told["sources"]["社会捐赠"] == {
        "received_fen": 65_000,
        "came_fen": 0,
        "sent_fen": 0,
        "paid_fen": 0,
        "opening_fen": 0,
        "in_hand_fen": 65_000,
    }
    local = told["sources"]["地方财政"]
    assert (local["came_fen"], local["sent_fen"]) == (400_000, 400_000)
    assert local["paid_fen"] == 80_000
    # Each figure of all sources is the figure of all money, in each city and together.
    for name in ("received_fen", "in_hand_fen", "opening_fen"):
        assert sum(each[name] for each in told["sources"].values()) == told[name]
    for city in told["cities"]:
        of = city["figures"]
        held = sum(each["in_hand_fen"] for each in of["holdings"])
        assert sum(each["in_hand_fen"] for each in of["sources"].values()) == held
        assert sum(each["opening_fen"] for each in of["sources"].values()) == of["opening_fen"]
    assert province.consolidate("all.xlsx")[0].exit_code == 0


def test_what_is_on_its_way_between_cities_is_told_and_in_nobodys_hand(province: Province) -> None:
    province.cities["north"].send(province.cities["south"], 400_000)

    told = province.consolidated("--on-its-way-days", "4000")

    [between] = told["remittances"]
    assert (between["meeting"], between["late"]) == ("on_its_way", False)
    assert (between["sent_on"], between["received_on"]) == ("2017-01-10", "")
    assert told["received_fen"] - told["in_hand_fen"] == 400_000
    assert surplus_of(told) == (300_000, 0, 0, 300_000, 0)

    # The witness cosigned south's pack ten years later.
    late, _ = province.consolidate()
    assert late.exit_code == 1
    assert "on_its_way for more than 30 days" in late.output


def test_old_money_that_another_city_paid_out_is_consumed(province: Province) -> None:
    """North opens the year with it; south, which had opened the year before, pays some of it."""
    north, south = province.cities["north"], province.cities["south"]
    south.world.allocate("C01", "X01", 10_000)
    open_2017(south, "X01")
    south.take(north.proof(north.send(south, 300_000)), 300_000)
    people = [Person(serial) for serial in (1, 2, 3)]
    south.world.file(*people)
    rows = [roster_row(number, each, 80_000) for number, each in enumerate(people, 1)]
    south.world.pay("B1", *rows)
    answers = (settled, failed, pending)
    lines = [
        each(n, who, 80_000) for n, (each, who) in enumerate(zip(answers, people, strict=True), 1)
    ]
    south.world.answer("B1", *lines)

    told = province.consolidated()

    # One is on its way, one came back and is in hand.
    assert surplus_of(told) == (300_000, 80_000, 80_000, 0, 140_000)
    assert told["consumed_basis_points_floor"] == 2_666
    of = [surplus_of(each["figures"]) for each in told["cities"]]
    assert of == [(300_000, 0, 0, 300_000, 0), (0, 0, 0, 0, 0)]
    assert (told["opening_in_two_fen"], told["unopened"]) == (0, [])

    # A pack that does not show whom it reached proves no more than that it left the account.
    file = province.folder / "south.zip"
    pack = read_pack(file.read_bytes()).pack
    [lot] = [
        str(lot.lot_id) for lot in south.world.fund("X01").lots.values() if lot.vintage == 2015
    ]
    shown = tuple(each for each in pack.listings if each.subject != lot)
    assert len(shown) == len(pack.listings) - 1
    file.write_bytes(write_unchecked(replace(pack, listings=shown), south.world.ledger.signer))
    assert surplus_of(province.as_told()) == (300_000, 0, 160_000, 0, 140_000)


def test_old_money_that_was_sent_on_counts_where_it_was_paid(province: Province) -> None:
    """South passes it on to a union of its own, and from there back to another union of north."""
    north, south = province.cities["north"], province.cities["south"]
    south.take(north.proof(north.send(south, 200_000)), 200_000)
    south.world.allocate("X01", "X01-01", 150_000)
    back = south.send(north, 120_000, giver="X01-01")
    north.take(south.proof(back), 120_000)
    pay_80_000(north.world)

    told = province.consolidated()

    assert surplus_of(told) == (300_000, 80_000, 0, 0, 220_000)
    assert (told["opening_in_two_fen"], told["unopened"]) == (0, [])


def test_no_more_is_consumed_than_stood_in_an_opening(province: Province) -> None:
    """Of what south was sent 300,000 had stood there; the rest is of this year."""
    north, south = province.cities["north"], province.cities["south"]
    south.take(north.proof(north.send(south, 400_000)), 400_000)
    people = [Person(serial) for serial in (1, 2, 3, 4)]
    south.world.file(*people)
    south.world.pay("B1", *(roster_row(n, each, 90_000) for n, each in enumerate(people, 1)))
    south.world.answer("B1", *(settled(n, each, 90_000) for n, each in enumerate(people, 1)))

    told = province.consolidated()

    assert surplus_of(told) == (300_000, 300_000, 0, 0, 0)
    assert told["consumed_basis_points_floor"] == 10_000


def test_money_that_was_not_brought_forward_is_named(province: Province) -> None:
    """Two unions of south hold money of 2017, one of them paid some; only north opens 2018."""
    north, south = province.cities["north"], province.cities["south"]
    south.world.allocate("C01", "X01", 90_000)
    open_fiscal_year(
        north.world.ledger, north.world.act(day=date(2018, 1, 2)), "C01", EARMARK, 2018, POLICY
    )

    told = province.consolidated("--year", "2018", status=1)

    assert (told["whole"], told["opened"]) == (False, True)
    assert [unopened_of(each) for each in told["unopened"]] == [
        ("south", "C01", 2017, 10_000),
        ("south", "X01", 2017, 90_000),
    ]
    assert (
        "were not brought forward into 2018"
        in province.consolidate("all.csv", "--year", "2018")[0].output
    )
    assert ",1000.00," in (province.folder / "all.csv").read_text(encoding="utf-8-sig")

    for union in ("C01", "X01"):
        act = south.world.act(day=date(2018, 1, 2))
        open_fiscal_year(south.world.ledger, act, union, EARMARK, 2018, POLICY)
    assert province.consolidated("--year", "2018")["opening_fen"] == 900_000


def test_a_year_that_nobody_opened_says_nothing(province: Province) -> None:
    for name in province.cities:
        province.publish(name)

    mistyped, _ = province.consolidate("all.json", "--year", "2071")
    earlier, _ = province.consolidate("all.json", "--year", "2016")

    assert (mistyped.exit_code, earlier.exit_code) == (1, 1)
    assert "nobody opened the year 2071" in mistyped.output
    assert "north: 5000.00 yuan of 2017 of C01" in mistyped.output
    assert "nobody opened the year 2016" in earlier.output
    assert "not brought forward" not in earlier.output


def test_a_log_with_two_histories_is_not_counted(province: Province) -> None:
    """Its witness was shown both of one size, and has the signature under each."""
    for name in province.cities:
        province.publish(name)
    province.fork("north")
    state = province.witness.state()
    south = province.cities["south"].world.ledger
    unproved = sign_note(Checkpoint(south.origin, 999, bytes(32)), south.origin, south.signer)
    watching = Witness(state, province.witness.cosigners())
    held = state.cosigned(south.origin)
    assert held is not None
    refused = watching.add_checkpoint(Submission(held.size, (), unproved).text(), NOW_S)
    assert refused.status is Status.INCONSISTENT
    # By a key that the witness does not believe, or no more.
    stolen = sign_note(
        Checkpoint(south.origin, held.size, bytes(32)), south.origin, Ed25519Signer.generate()
    )
    with state.deciding():
        thief = Refused(south.origin, TWO_ROOTS, stolen, held.note, NOW_S)
        state.keep_refused(thief, certain=True)
    state.close()

    done, path = province.consolidate()

    told = json.loads(path.read_text(encoding="utf-8"))
    assert (done.exit_code, told["whole"]) == (1, False)
    # What proves nothing accuses nobody.
    assert [each["state"] for each in told["cities"]] == ["contradicted", "counted"]
    assert told["received_fen"] == 100_000
    assert province.consolidate("all.json", "--unwitnessed")[0].exit_code == 0


def test_a_pack_from_before_a_remittance_accuses_nobody(province: Province) -> None:
    """North published, sent, and did not publish since; south took it in."""
    north, south = province.cities["north"], province.cities["south"]
    province.publish("north")
    south.take(north.proof(north.send(south, 400_000)), 400_000)
    open_2017(south, "X01")
    pay_80_000(south.world)
    province.publish("south")

    told = province.as_told("--on-its-way-days", "4000")

    [between] = told["remittances"]
    assert (between["giver"], between["meeting"]) == ("north", "sender_older")
    assert between["received_on"] == "2017-01-10"
    assert (told["received_fen"], told["in_hand_fen"]) == (900_000, 820_000)
    assert told["sources"]["地方财政"]["in_hand_fen"] == 820_000
    assert surplus_of(told) == (300_000, 80_000, 0, 0, 220_000)
    assert told["opening_in_two_fen"] == 300_000
    assert "sender_older for more than 30 days" in province.consolidate()[0].output
    assert told["cities"][0]["cosigned_at"] == "2027-01-15T08:00:00+00:00"


def test_what_is_taken_in_as_other_money_than_was_sent_differs(province: Province) -> None:
    north, south = province.cities["north"], province.cities["south"]

    def of_2018(part: RemittedPart) -> RemittedPart:
        return msgspec.structs.replace(part, vintage=2018)

    take_lying(south, north.proof(north.send(south, 400_000)), of_2018)

    told = province.consolidated(status=1)

    assert [each["meeting"] for each in told["remittances"]] == ["differs"]


def test_a_city_that_cannot_be_counted_is_named(province: Province) -> None:
    north, south = province.cities["north"], province.cities["south"]
    remittance = north.send(south, 400_000)
    south.take(north.proof(remittance), 400_000)
    province.publish("north")

    missing, path = province.consolidate()
    told = json.loads(path.read_text(encoding="utf-8"))
    assert missing.exit_code == 1
    assert "south: missing" in missing.output
    assert [each["state"] for each in told["cities"]] == ["counted", "missing"]
    assert [each["meeting"] for each in told["remittances"]] == ["other_not_counted"]

    province.publish("south", cosigned=False)
    assert "south: unwitnessed" in province.consolidate()[0].output
    unasked, _ = province.consolidate("all.json", "--unwitnessed")
    assert unasked.exit_code == 0, unasked.output

    old = province.publish("south").read_bytes()
    south.world.receive("C01", 1)
    province.publish("south")
    (province.folder / "south.zip").write_bytes(old)
    assert "south: stale" in province.consolidate("all.json", "--max-age", "0")[0].output

    (province.folder / "south.zip").write_bytes((province.folder / "north.zip").read_bytes())
    assert "south: broken" in province.consolidate()[0].output
    (province.folder / "south.zip").write_bytes(b"PK none")
    assert "south: broken" in province.consolidate()[0].output
    (province.folder / "south.zip").write_bytes(south.file(remittance))
    assert "a pack of a remittance" in province.consolidate()[0].output


def packed(province: Province, name: str, *more: str) -> Result:
    """Have a city make its pack by itself."""
    home = {"NUANZHANG_HOME": str(province.folder / name / "data")}
    out = str(province.folder / f"{name}.zip")
    return CliRunner().invoke(app, ["pack", "ledger", "all", "--out", out, *more], env=home)


def test_a_pack_counts_though_its_city_went_on_since_it_was_cosigned(province: Province) -> None:
    world = province.cities["south"].world
    province.publish("north")
    province.publish("south", cosigned=False)
    none = packed(province, "south", "--cosigned")
    assert isinstance(none.exception, NeverCosigned)
    province.publish("south")
    world.receive("C01", 1)
    size = world.ledger.size()

    made = packed(province, "south", "--cosigned")

    assert made.exit_code == 0, made.output
    assert f"under the checkpoint of {size - 1} entries" in made.output
    assert world.ledger.size() == size
    done, path = province.consolidate("all.json", "--max-age", "0")
    assert done.exit_code == 0, done.output
    assert json.loads(path.read_bytes())["received_fen"] == 900_000
    assert plain.main(str(province.folder / "south.zip"), province.cities["south"].key_id) == 0
    assert packed(province, "south").exit_code == 0
    assert "south: unwitnessed" in province.consolidate()[0].output


def test_nothing_goes_on_record_for_a_file_that_cannot_be(province: Province) -> None:
    world = province.cities["south"].world
    size = world.ledger.size()

    for wrong in (province.folder / "missing" / "south.zip", province.folder):
        made = packed(province, "south", "--out", str(wrong))
        assert isinstance(made.exception, FileUnwritable), made.output

    assert world.ledger.size() == size
    assert isinstance(province.consolidate("missing/all.xlsx")[0].exception, FileUnwritable)
    assert not list(province.folder.glob("*.new"))


def test_a_pack_is_stale_when_what_came_after_was_cosigned_long_ago(province: Province) -> None:
    """A city that anchors every hour is not behind with its pack of the night."""
    now_s, state = bootstrap.now_s(), province.witness.state()
    province.publish("north")
    packs = {}
    for hours_ago in (40, 30, 20, 1):
        province.cities["south"].world.receive("C01", 1)
        witness = Witness(state, province.witness.cosigners())
        now = partial(int, now_s - hours_ago * 3600)
        with TestClient(create_witness_app(witness, now)) as client:
            packs[hours_ago] = replace(province, client=client).publish("south").read_bytes()
    (province.folder / "south.zip").write_bytes(packs[30])

    told = {
        hours: province.consolidate("all.json", "--max-age", hours)[0].output
        for hours in ("0", "12", "22")
    }

    assert "south: stale" in told["0"]
    assert "south: stale" in told["12"]  # what came 20 hours ago is missing in it
    assert "south: counted" in told["22"]
    (province.folder / "south.zip").write_bytes(packs[40])
    assert "south: stale" in province.consolidate()[0].output


def test_a_remittance_that_its_sender_does_not_have_is_told(province: Province) -> None:
    """North's pack reaches the entry that south names, and it is another."""
    north, south = province.cities["north"], province.cities["south"]
    before = province.publish("north").read_bytes()
    pack = north.proof(north.send(south, 400_000))
    take_lying(south, pack, lambda part: part, position=5, checkpoint_size=9)
    province.publish("south")
    (province.folder / "north.zip").write_bytes(before)

    told = province.as_told(status=1)

    assert told["whole"] is False
    assert [each["meeting"] for each in told["remittances"]] == ["unexplained"]


def test_the_table_is_written_in_every_form_and_the_other_verifier_agrees(
    province: Province,
) -> None:
    for name, side in province.cities.items():
        assert plain.main(str(province.publish(name)), side.key_id) == 0

    for form in ("all.xlsx", "all.csv"):
        done, path = province.consolidate(form)
        assert done.exit_code == 0, done.output
        assert path.stat().st_size > 100
    assert "north,已汇总" in (province.folder / "all.csv").read_text(encoding="utf-8-sig")
    assert province.consolidate("all.pdf")[0].exit_code == 2


def test_what_was_refused_and_taken_back_is_its_senders_again(province: Province) -> None:
    north, south = province.cities["north"], province.cities["south"]
    remittance = north.send(south, 400_000)
    refuse_remittance(
        south.world.ledger, south.world.act("A-X01"), north.proof(remittance), "单位有误"
    )
    act = north.world.act("K-C01")
    take_back_remittance(north.world.ledger, act, south.proof(remittance), 400_000)
    province.publish("north")
    province.publish("south")

    ran, path = province.consolidate()

    told = json.loads(path.read_bytes())
    assert (ran.exit_code, told["remittances"]) == (0, [])
    assert told["in_hand_fen"] == told["received_fen"] == 900_000

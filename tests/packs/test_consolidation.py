"""A province sees its cities: by what each proved, under a checkpoint that its witness cosigned."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

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
    correct_receipt,
    open_fiscal_year,
    receive_funds,
)
from ledger.commands.remittances import refuse_remittance, take_back_remittance
from ledger.commands.witnesses import WitnessAppointment, appoint_witness
from ledger.domain.events import committing_topics
from ledger.domain.officer import Role
from ledger.evidence.verify import Rules
from ledger.packs import verify_pack as plain
from ledger.packs.consolidation import Piece, stood_before
from ledger.packs.contents import LEDGER, subject_of
from ledger.packs.file import write_pack
from ledger.packs.making import make_pack
from ledger.store.map_store import MapStore
from ledger.witness.home import WitnessHome
from ledger.witness.witnessing import Witness
from tests.commands.test_remittances import Side
from tests.world import EARMARK, POLICY, Person, World, failed, roster_row, settled

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

    def consolidated(self, *more: str) -> dict[str, Any]:
        """Have all cities publish, and return what the province makes of it."""
        for name in self.cities:
            self.publish(name)
        done, path = self.consolidate("all.json", *more)
        assert done.exit_code == 0, done.output
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

    told = province.consolidated("--year", "2018")

    # North: nothing in X01, 100,000 of 2015 and 500,000 of 2017 in C01. South: 50,000 that came
    # from north before, and 60,000 that were left of what came after: these stood in both.
    opened = {each["name"]: each["figures"]["opening_fen"] for each in told["cities"]}
    assert opened == {"north": 600_000, "south": 110_000}
    assert (told["opening_fen"], told["opening_in_two_fen"]) == (650_000, 60_000)


def test_cities_that_sign_that_each_had_it_of_the_other_hold_nobody_up() -> None:
    one, two = ("r1", "lot"), ("r2", "lot")
    pieces = {
        one: Piece(50, 0, "地方财政", two),
        two: Piece(70, 0, "地方财政", one),
    }

    assert stood_before(pieces, dict.fromkeys(pieces, 0)) == {one: 0, two: 0}


def test_a_long_way_is_gone_without_end_of_stack() -> None:
    places = [(f"r{n}", "lot") for n in range(5_000)]
    came = [None, *places[:-1]]
    pieces = {
        place: Piece(50, 0 if came_as else 50, "地方财政", came_as)
        for place, came_as in reversed(list(zip(places, came, strict=True)))
    }

    assert set(stood_before(pieces, dict.fromkeys(pieces, 0)).values()) == {50}


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

    told = province.consolidated("--year", "2018")

    counted = {each["name"]: each["figures"]["opening_fen"] for each in told["cities"]}
    through = 100_000 if opens_between else 0
    assert counted == {"north": 800_000, "south": through, "east": 60_000}
    assert (told["opening_fen"], told["opening_in_two_fen"]) == (800_000, 60_000 + through)
    assert told["sources"]["地方财政"]["opening_fen"] == 800_000


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

    told = province.consolidated()

    assert [each["meeting"] for each in told["remittances"]] == ["on_its_way"]
    assert told["received_fen"] - told["in_hand_fen"] == 400_000


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
    """The sender's log went back to before, and the witness was not asked."""
    north, south = province.cities["north"], province.cities["south"]
    before = province.publish("north").read_bytes()
    south.take(north.proof(north.send(south, 400_000)), 400_000)
    province.publish("south")
    (province.folder / "north.zip").write_bytes(before)

    done, path = province.consolidate("all.json", "--unwitnessed")

    told = json.loads(path.read_text(encoding="utf-8"))
    assert (done.exit_code, told["whole"]) == (1, False)
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

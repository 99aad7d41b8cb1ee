"""Who was paid in several cities: found by tags that the province can compare and not read."""

import hashlib
import hmac
import json
from collections.abc import Callable, Iterator
from datetime import date
from functools import partial
from pathlib import Path
from zipfile import ZipFile

import pytest
from fastapi.testclient import TestClient
from typer.testing import CliRunner, Result

from api.cli.drafts import FileUnwritable
from api.cli.main import app
from api.witness_app import create_witness_app
from ledger.commands.recipients import erase_person
from ledger.commands.tag_lists import TagsOvertaken
from ledger.commands.witnesses import WitnessAppointment, appoint_witness
from ledger.domain.tag_list import TagLists, TagPeriodBackwards, tag_lists_id
from ledger.errors import LedgerError
from ledger.files.tag_lists import Draw, TagListUnreadable, read_tag_list, standing
from ledger.packs import verify_pack as plain
from ledger.vault.province_key import (
    NotSealedForUs,
    OpeningKey,
    ProvinceKey,
    ProvinceKeyUnreadable,
    seal_for,
)
from ledger.witness.home import WitnessHome
from ledger.witness.witnessing import Witness
from tests.commands.test_remittances import Side
from tests.packs.test_consolidation import NOW_S, Province
from tests.world import CAMPAIGN, Person, World, failed, roster_row, settled

CITIES = ("north", "south", "west")
BOTH, ALONE, THRICE = Person(1), Person(2), Person(3)
PERIOD = ("--since", "2016-12-01", "--until", "2017-12-31")


class Comparing(Province):
    """Three cities, each with a ledger of its own, and the keys that stand between them."""

    def at(self, name: str, *words: str) -> Result:
        """Run a command at a city, or at the province (it has no ledger)."""
        home = {"NUANZHANG_HOME": str(self.folder / name / "data")}
        return CliRunner().invoke(app, ["province", *words], env=home)

    def keyed(self) -> None:
        made = self.at("", "make-key", str(self.folder / "key"))
        assert made.exit_code == 0, made.output
        opening = self.at("", "make-opening-key", str(self.folder / "opening"))
        assert opening.exit_code == 0, opening.output
        for name in self.cities:
            assert self.at(name, "take-key", str(self.folder / "key")).exit_code == 0

    @property
    def recipient(self) -> str:
        return OpeningKey.from_text((self.folder / "opening").read_bytes()).recipient

    @property
    def key(self) -> ProvinceKey:
        return ProvinceKey.from_text((self.folder / "key").read_bytes())

    def pay(self, name: str, *people: Person) -> None:
        world = self.cities[name].world
        world.file(*people)
        world.pay("B1", *(roster_row(n, each, 80_000) for n, each in enumerate(people, 1)))
        world.answer("B1", *(settled(n, each, 80_000) for n, each in enumerate(people, 1)))

    def tags(self, name: str, *period: str) -> Path:
        """Have a city make its list; its ledger is read anew after what the command wrote."""
        path = self.folder / f"{name}.tags"
        words = (*(period or PERIOD), "--recipient", self.recipient, "--out", str(path))
        made = self.at(name, "tags", *words)
        assert made.exit_code == 0, made.output
        return path

    def hand_in(self, name: str) -> None:
        self.tags(name)
        self.publish(name)

    def compare(self, *more: str, out: str = "twice.json") -> Result:
        lines = [f'tag_key = "{self.key.name}"']
        for name, side in self.cities.items():
            origin = side.world.ledger.origin
            lines += [f"[cities.{name}]", f'key = "{side.key_id}"', f'origin = "{origin}"']
            lines += [f'file = "{name}.zip"', f'tags = "{name}.tags"']
        (self.folder / "province.toml").write_text("\n".join(lines), encoding="utf-8")
        words = ["duplicates", str(self.folder / "province.toml"), *PERIOD]
        words += ["--opening-key", str(self.folder / "opening"), "--out", str(self.folder / out)]
        return self.at("", *words, *more)

    def told(self) -> dict[str, list[dict[str, object]]]:
        found: dict[str, list[dict[str, object]]] = json.loads(
            (self.folder / "twice.json").read_bytes()
        )
        return found

    def states(self) -> list[object]:
        return [each["list"] or each["pack"] for each in self.told()["cities"]]


@pytest.fixture
def province(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Comparing]:
    home = WitnessHome(tmp_path / "witness")
    home.create("province.test/w1")
    monkeypatch.setenv("NUANZHANG_WITNESS_HOME", str(home.path))
    state = home.state()
    cities = {}
    for name in CITIES:
        world = World.at(tmp_path / name, origin=f"{name}.test/log").settle_in()
        added = CliRunner().invoke(app, ["witness", "add-log", world.home.note_key().vkey()])
        assert added.exit_code == 0, added.output
        order = WitnessAppointment(home.cosigners()[0].key.vkey(), "http://testserver")
        appoint_witness(world.ledger, world.act(), order)
        world.receive("X01", 1_000_000)
        cities[name] = Side(world)
    watching = create_witness_app(Witness(state, home.cosigners()), lambda: NOW_S)
    with TestClient(watching) as client:
        found = Comparing(tmp_path, home, client, cities)
        found.keyed()
        yield found
    for side in cities.values():
        side.world.ledger.close()


def test_who_was_paid_in_several_cities_is_found_and_named_to_nobody(province: Comparing) -> None:
    province.pay("north", BOTH, THRICE)
    province.pay("south", THRICE, ALONE, BOTH)
    province.pay("west", THRICE)
    for name in CITIES:
        province.hand_in(name)

    done = province.compare("--maximum-fen", "160001", "--parts", str(province.folder / "parts"))

    assert done.exit_code == 0, done.output
    told = province.told()
    assert province.states() == ["compared"] * 3
    assert [each["total_fen"] for each in told["doubts"]] == [240_000, 160_000]
    rules = [each["rules"] for each in told["doubts"]]
    alike = ["several_cities", "same_campaign", "same_category"]
    assert rules == [[*alike, "over_maximum"], alike]
    worlds = {name: side.world for name, side in province.cities.items()}
    ids = {
        (name, str(worlds[name].payment_id(person)))
        for name, person in [(each, THRICE) for each in CITIES] + [("north", BOTH), ("south", BOTH)]
    }
    payments = [each for doubt in told["doubts"] for each in doubt["payments"]]  # type: ignore[attr-defined]
    assert {(each["city"], each["payment_id"]) for each in payments} == ids
    for path in [province.folder / "twice.json", *(province.folder / "parts").iterdir()]:
        text = path.read_text(encoding="utf-8")
        for person in (BOTH, ALONE, THRICE):
            assert person.name not in text
            assert person.id_number not in text


def test_a_city_sees_its_own_doubts_and_nobody_elses(province: Comparing) -> None:
    province.pay("north", BOTH)
    province.pay("south", BOTH, ALONE)
    province.pay("west", Person(9))
    for name in CITIES:
        province.hand_in(name)
    parts = province.folder / "parts"
    assert province.compare("--parts", str(parts)).exit_code == 0

    north = province.at("north", "doubts", str(parts / "north.json"))

    own = str(province.cities["north"].world.payment_id(BOTH))
    assert north.exit_code == 0, north.output
    assert own in north.output
    assert "B1" in north.output
    assert "south 2017-01-10 800.00" in north.output
    assert BOTH.id_number not in north.output
    other = str(province.cities["south"].world.payment_id(BOTH))
    assert other not in (parts / "north.json").read_text(encoding="utf-8")
    assert json.loads((parts / "west.json").read_bytes())["doubts"] == []
    assert province.at("west", "doubts", str(parts / "west.json")).output == ""
    for name, file in (("south", "north.json"), ("west", "none.json")):
        refused = province.at(name, "doubts", str(parts / file))
        assert isinstance(refused.exception, LedgerError)


def test_who_came_back_or_was_erased_is_in_no_comparison(province: Comparing) -> None:
    returned = Person(4)
    for name in ("north", "south"):
        world = province.cities[name].world
        world.file(BOTH, returned)
        world.pay("B1", roster_row(1, BOTH, 80_000), roster_row(2, returned, 80_000))
    world = province.cities["south"].world
    world.answer("B1", settled(1, BOTH, 80_000), failed(2, returned, 80_000))
    north = province.cities["north"].world
    erased = north.ledger.vault.subject_id("id_number", BOTH.id_number)
    erase_person(north.ledger, north.act(), erased, "本人要求")
    for name in CITIES:
        province.hand_in(name)

    done = province.compare()

    assert done.exit_code == 0, done.output
    told = province.told()
    assert told["doubts"] == []
    assert [(each["compared"], each["untagged"]) for each in told["cities"]] == [
        (1, 1),
        (1, 0),
        (0, 0),
    ]


def test_what_cannot_be_compared_is_named(province: Comparing) -> None:
    province.pay("north", BOTH)
    province.pay("south", BOTH)
    province.hand_in("north")
    first = province.folder / "first.tags"
    first.write_bytes(province.tags("south").read_bytes())
    province.publish("south")

    missing = province.compare()
    assert missing.exit_code == 1
    assert "west: missing" in missing.output
    assert "1 people" in missing.output
    province.publish("west")
    assert province.compare().exit_code == 1
    assert province.states() == ["compared", "compared", "missing"]

    # A newer list of the same period is in the log: the one before counts no more.
    province.hand_in("south")
    assert province.compare().exit_code == 1
    (province.folder / "south.tags").write_bytes(first.read_bytes())
    province.tags("west", "--since", "2017-01-01", "--until", "2017-06-30")
    province.publish("west")
    province.compare()
    assert province.states() == ["compared", "stale", "other_period"]

    # Made after the checkpoint of the pack; of a new edition; altered; somebody else's.
    province.tags("south")
    province.at("", "make-key", str(province.folder / "key2"), "--edition", "2")
    assert province.at("west", "take-key", str(province.folder / "key2")).exit_code == 0
    province.hand_in("west")
    province.compare()
    assert province.states() == ["compared", "not_in_log", "other_key"]
    back = province.at("west", "take-key", str(province.folder / "key"))
    assert getattr(back.exception, "code", "") == "province_key.older"

    sealed = (province.folder / "north.tags").read_bytes()
    (province.folder / "north.tags").write_bytes(sealed[:-1] + bytes([sealed[-1] ^ 1]))
    (province.folder / "south.tags").write_bytes(sealed)
    province.compare()
    assert province.states() == ["broken", "not_in_log", "other_key"]
    province.cities["north"].world.receive("X01", 1)
    province.publish("north", cosigned=False)
    province.compare()
    assert province.states() == ["unwitnessed", "not_in_log", "other_key"]

    # The witness has two histories of it, both signed by itself.
    province.fork("south")
    assert province.compare().exit_code == 1
    assert province.states() == ["unwitnessed", "contradicted", "other_key"]


def test_a_list_that_leaves_a_payment_out_is_found_out(
    province: Comparing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A city's own program says less than its accounts do, and puts that on record."""
    province.pay("north", BOTH, ALONE)
    province.pay("south", BOTH)
    province.hand_in("south")
    province.hand_in("west")

    def fewer(*args: object) -> object:
        found = standing(*args)  # type: ignore[arg-type]
        found.popitem()
        return found

    monkeypatch.setattr("ledger.commands.tag_lists.standing", fewer)
    province.hand_in("north")
    monkeypatch.undo()
    monkeypatch.setenv("NUANZHANG_WITNESS_HOME", str(province.witness.path))

    done = province.compare()

    assert done.exit_code == 1
    assert "north: broken: the list of tags: 1 payments differ" in done.output
    assert province.told()["doubts"] == []


def while_tags_are_made(monkeypatch: pytest.MonkeyPatch, act: Callable[[], object]) -> None:
    made = ProvinceKey.tags

    def meanwhile(*args: object) -> object:
        act()
        return made(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(ProvinceKey, "tags", meanwhile)


def test_who_is_tagged_is_not_tagged_again_when_payments_come_meanwhile(
    province: Comparing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A tag costs milliseconds on purpose, and a ledger goes on while many are made."""
    world = province.cities["north"].world
    world.file(BOTH, THRICE, ALONE)
    world.pay("B1", roster_row(1, BOTH, 80_000), roster_row(2, THRICE, 80_000))
    tagged: list[list[str]] = []
    made = ProvinceKey.tags

    def meanwhile(key: ProvinceKey, numbers: list[str], period: str) -> list[str]:
        tagged.append(sorted(numbers))
        if len(tagged) == 1:
            world.pay("B2", roster_row(1, ALONE, 80_000))
            world.answer("B1", settled(1, BOTH, 80_000), failed(2, THRICE, 80_000))
        return list(made(key, numbers, period))

    monkeypatch.setattr(ProvinceKey, "tags", meanwhile)
    province.tags("north")
    monkeypatch.undo()
    monkeypatch.setenv("NUANZHANG_WITNESS_HOME", str(province.witness.path))

    assert tagged == [sorted([BOTH.id_number, THRICE.id_number]), [ALONE.id_number]]
    province.publish("north")
    for name in ("south", "west"):
        province.hand_in(name)
    assert province.compare().exit_code == 0, province.told()
    assert [each["compared"] for each in province.told()["cities"]] == [2, 0, 0]


def test_who_is_erased_meanwhile_has_no_tag(
    province: Comparing, monkeypatch: pytest.MonkeyPatch
) -> None:
    province.pay("north", BOTH, ALONE)
    world = province.cities["north"].world
    erased = world.ledger.vault.subject_id("id_number", BOTH.id_number)
    once = iter([partial(erase_person, world.ledger, world.act(), erased, "本人要求")])
    while_tags_are_made(monkeypatch, lambda: [act() for act in once])

    sealed = province.tags("north").read_bytes()

    rows = read_tag_list(
        OpeningKey.from_text((province.folder / "opening").read_bytes()).open(sealed)
    ).listed.rows
    untagged = {row.payment_id for row in rows if not row.tag}
    assert untagged == {str(world.payment_id(BOTH))}
    assert len(rows) == 2


def test_a_list_that_is_overtaken_again_and_again_is_refused(
    province: Comparing, monkeypatch: pytest.MonkeyPatch
) -> None:
    province.pay("north", BOTH)
    world = province.cities["north"].world
    out = province.tags("north")
    kept, size = out.read_bytes(), world.ledger.size()
    before = world.ledger.load(TagLists, tag_lists_id())
    assert before is not None
    seal, people = seal_for, iter(range(10, 100))

    def meanwhile(recipient: str, content: bytes) -> bytes:
        if content:
            person = Person(next(people))
            world.file(person)
            world.pay(f"B{person.serial}", roster_row(1, person, 80_000))
        return seal(recipient, content)

    monkeypatch.setattr("ledger.commands.tag_lists.seal_for", meanwhile)
    monkeypatch.setattr("api.cli.province_tags.TRIES", 3)
    words = (*PERIOD, "--recipient", province.recipient, "--out", str(out))
    refused = province.at("north", "tags", *words)

    assert isinstance(refused.exception, TagsOvertaken)
    assert next(people) == 13
    assert world.ledger.size() > size
    after = world.ledger.load(TagLists, tag_lists_id())
    assert after is not None
    assert after.sha256s == before.sha256s
    assert out.read_bytes() == kept
    assert not list(province.folder.glob("*.new"))


def test_a_list_without_a_place_goes_on_no_record(province: Comparing) -> None:
    province.pay("north", BOTH)
    world = province.cities["north"].world
    size = world.ledger.size()
    words = (*PERIOD, "--recipient", province.recipient, "--out")

    for wrong in (province.folder / "missing" / "north.tags", province.folder):
        refused = province.at("north", "tags", *words, str(wrong))
        assert isinstance(refused.exception, FileUnwritable), refused.output

    assert world.ledger.size() == size


def test_parts_of_an_earlier_run_are_taken_away(province: Comparing) -> None:
    province.pay("north", BOTH)
    province.pay("south", BOTH)
    for name in CITIES:
        province.hand_in(name)
    parts = province.folder / "parts"
    assert province.compare("--parts", str(parts)).exit_code == 0
    (parts / "former.json").write_bytes((parts / "south.json").read_bytes())
    kept = {"notes.json": b"{}", "south.tags": b"{}", "letter.txt": b"to the cities"}
    for name, content in kept.items():
        (parts / name).write_bytes(content)
    (parts / "folder.json").mkdir()
    (province.folder / "south.tags").unlink()

    done = province.compare("--parts", str(parts))

    assert done.exit_code == 1
    assert "south: missing" in done.output
    assert "former.json: of an earlier run, removed" in done.output
    left = {each.name for each in parts.iterdir()}
    assert left == {"north.json", "west.json", "folder.json", *kept}
    assert json.loads((parts / "north.json").read_bytes())["doubts"] == []


def test_what_was_paid_after_the_list_is_counted(province: Comparing) -> None:
    for name in CITIES:
        province.tags(name)
    province.pay("north", BOTH)
    for name in CITIES:
        province.publish(name)

    assert province.compare().exit_code == 0
    assert [each["later"] for each in province.told()["cities"]] == [1, 0, 0]


def test_the_log_and_the_pack_hold_no_tag_and_no_name(province: Comparing) -> None:
    province.pay("north", BOTH)
    sealed = province.tags("north").read_bytes()
    pack = province.publish("north")
    world = province.cities["north"].world

    opened = OpeningKey.from_text((province.folder / "opening").read_bytes()).open(sealed)
    listed = read_tag_list(opened)
    [row] = listed.listed.rows
    [tag] = province.key.tags([BOTH.id_number], "2016-12-01/2017-12-31")
    assert (row.tag, row.campaign, row.paid_on) == (tag, CAMPAIGN, date(2017, 1, 10))
    entries = world.ledger.log.select_entries(0, world.ledger.size())
    assert not any(tag.encode() in envelope for *_, envelope in entries)
    lists = world.ledger.load(TagLists, tag_lists_id())
    assert lists is not None
    assert lists.sha256s == {listed.sha256}
    assert plain.main(str(pack), province.cities["north"].key_id) == 0
    with ZipFile(pack) as archive:
        assert json.loads(archive.read("pack.json"))["masked"] == []
    world.check_log()


def test_the_doubts_are_written_in_every_form(province: Comparing) -> None:
    province.pay("north", BOTH)
    province.pay("south", BOTH)
    for name in CITIES:
        province.hand_in(name)

    for form in ("twice.xlsx", "twice.csv"):
        assert province.compare(out=form).exit_code == 0
        assert (province.folder / form).stat().st_size > 100
    text = (province.folder / "twice.csv").read_text(encoding="utf-8-sig")
    assert "多市发放、同一活动、同一类别" in text
    assert province.compare(out="twice.pdf").exit_code == 2


def test_a_city_without_a_key_makes_no_list(province: Comparing, tmp_path: Path) -> None:
    world = World.at(tmp_path / "east", origin="east.test/log")
    world.ledger.close()
    words = (*PERIOD, "--recipient", province.recipient, "--out", str(tmp_path / "out"))
    missing = province.at("east", "tags", *words)
    assert getattr(missing.exception, "code", "") == "province_key.missing"
    backwards = ("--since", "2017-02-01", "--until", "2017-01-01")
    refused = province.at("north", "tags", *backwards, *words[4:])
    assert isinstance(refused.exception, TagPeriodBackwards)
    nobody = province.at("north", "tags", *PERIOD, "--recipient", "00", *words[6:])
    assert isinstance(nobody.exception, ProvinceKeyUnreadable)
    assert not (tmp_path / "out").exists()
    again = province.at("", "make-key", str(province.folder / "key"))
    assert getattr(again.exception, "code", "") == "province_key.file_taken"
    wrong = province.at("north", "take-key", str(province.folder / "opening"))
    assert isinstance(wrong.exception, ProvinceKeyUnreadable)


def test_tags_of_other_periods_and_keys_have_nothing_in_common() -> None:
    key, other = ProvinceKey.make(1), ProvinceKey.make(1)
    numbers = [BOTH.id_number, ALONE.id_number, BOTH.id_number]

    first, second, again = key.tags(numbers, "2017")

    assert first == again
    assert first != second
    assert key.tags(numbers[:1], "2018") != [first]
    assert other.tags(numbers[:1], "2017") != [first]
    assert ProvinceKey.from_text(key.text()) == key
    assert key.name != other.name
    assert key.raw.hex() not in repr(key)


def test_a_tag_is_what_the_published_format_says() -> None:
    """Computed from FORMAT.md alone, so that another program can make tags, too."""
    key = ProvinceKey(3, bytes(range(32)))
    number, period = "340101197001010017", "2017-01-01/2017-12-31"

    def digest(*parts: str) -> bytes:
        told = "".join(f"{len(part)}:{part}" for part in parts)
        return hmac.new(bytes(range(32)), told.encode(), "sha256").digest()

    salt = digest("salt", period)
    slow = hashlib.scrypt(number.encode(), salt=salt, n=4096, r=8, p=1, dklen=32).hex()

    assert key.tags([number], period) == [digest("tag", period, slow).hex()]
    assert key.name == f"3-{digest('name')[:8].hex()}"


def test_what_is_sealed_for_one_opens_for_nobody_else() -> None:
    ours, theirs = OpeningKey.make(), OpeningKey.make()
    sealed = seal_for(ours.recipient, b"list")

    assert ours.open(sealed) == b"list"
    for key, content in ((theirs, sealed), (ours, sealed[:-1]), (ours, b"")):
        with pytest.raises(NotSealedForUs):
            key.open(content)


def test_a_list_is_read_in_its_one_form_alone() -> None:
    row = ["a", "0" * 64, 1, "2017-01-01", "c", "k"]
    whole = {
        "format": "nuanzhang tag list 1",
        "origin": "o",
        "key_name": "1-0",
        "since": "2017-01-01",
        "until": "2017-12-31",
        "salt": "",
        "rows": [row],
    }
    assert len(read_tag_list(json.dumps(whole).encode()).listed.rows) == 1
    for wrong in (
        {"rows": [row, row]},
        {"rows": [["a", "0", *row[2:]]]},
        {"rows": [[*row[:2], 0, *row[3:]]]},
        {"format": "other"},
        {"since": "never"},
        {"more": 1},
    ):
        with pytest.raises(TagListUnreadable):
            read_tag_list(json.dumps({**whole, **wrong}).encode())


def test_what_came_back_whole_stands_no_more() -> None:
    day, late = date(2017, 1, 2), date(2017, 5, 1)
    draws = [Draw("a", 5, late), Draw("a", -5, late), Draw("b", 5, late), Draw("b", -5, day)]
    draws += [Draw("b", 7, day), Draw("c", 3, late)]

    found = standing(draws, day, date(2017, 2, 1))

    assert found == {"b": (7, day)}


def test_a_list_is_made_again_when_an_account_was_opened_meanwhile(
    province: Comparing, monkeypatch: pytest.MonkeyPatch
) -> None:
    province.pay("north", BOTH)
    world = province.cities["north"].world
    person = Person(5)

    def pay_from_a_new_account() -> None:
        world.receive("X02", 100_000)
        world.file(person, union="X02")
        world.draft("B9", roster_row(1, person, 80_000), union="X02")
        world.review("B9", "R-X02")
        world.approve("B9", "A-X02")

    once = iter([pay_from_a_new_account])
    while_tags_are_made(monkeypatch, lambda: [act() for act in once])
    province.tags("north")
    monkeypatch.undo()
    monkeypatch.setenv("NUANZHANG_WITNESS_HOME", str(province.witness.path))

    province.publish("north")
    for name in ("south", "west"):
        province.hand_in(name)
    assert province.compare().exit_code == 0
    assert [each["compared"] for each in province.told()["cities"]] == [2, 0, 0]

"""The ledger collects cosignatures by a policy, and a witness that refuses leaves a finding."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI, Response
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from api.cli.main import app
from api.witness_app import create_witness_app
from ledger.anchoring.anchors import Anchors
from ledger.anchoring.publications import Published, announce
from ledger.anchoring.witnesses import (
    CosignatureForeign,
    NeverCosigned,
    Witnessed,
    collect,
    cosigned_note,
    newest_cosigned,
    take_in,
    witnessed,
)
from ledger.commands.rotation import rotate_service_key
from ledger.commands.witnesses import (
    WitnessAppointment,
    appoint_witness,
    dismiss_witness,
    set_quorum,
)
from ledger.domain.witness import QuorumImpossible, Witnesses, WitnessTaken, WitnessUnknown
from ledger.evidence.cosignature import CosignatureKey, cosign, cosignatures
from ledger.evidence.keys import Algorithm
from ledger.evidence.note import NoteBroken, split_note
from ledger.store.map_store import MapStore
from ledger.witness.home import WitnessHome
from ledger.witness.witnessing import Status, Submission, Witness
from tests.world import DAY, RECORDED_AT, World

NOW_S = 1_800_000_000


class Town:
    """A ledger, witnesses w1 to w3 on one made-up network, and what else answers there."""

    def __init__(self, folder: Path) -> None:
        self.world = World.at(folder).settle_in()
        self.anchors = Anchors(self.world.home.anchors)
        self.maps = MapStore(self.world.home.map)
        self.network = FastAPI()
        self.homes: dict[str, WitnessHome] = {}
        for name in ("w1", "w2", "w3"):
            self.add_witness(folder / name, name)
        self.waited: list[float] = []

    def add_witness(self, folder: Path, name: str) -> None:
        home = self.homes[name] = WitnessHome(folder)
        home.create(f"audit.example/{name}")
        state = home.state()
        state.add_log(self.world.ledger.origin, self.world.home.note_key().vkey())
        witness = Witness(state, home.cosigners())
        self.network.mount(f"/{name}", create_witness_app(witness, lambda: NOW_S))

    def key(self, name: str, kind: int = 0) -> CosignatureKey:
        return self.homes[name].cosigners()[kind].key

    def appoint(self, *names: str, needed: int = 0, at: str | None = None) -> None:
        for name in names:
            order = WitnessAppointment(self.key(name).vkey(), f"http://testserver/{at or name}")
            appoint_witness(self.world.ledger, self.world.act(), order)
        set_quorum(self.world.ledger, self.world.act(), needed)

    def publish(self, receipts: int = 0) -> Published:
        for _ in range(receipts):
            self.world.receive("C01", 10_000)
        return announce(self.world.ledger, self.maps, self.world.act())

    def collect(self, published: Published) -> Witnessed:
        with TestClient(self.network) as client:
            return collect(
                self.world.ledger,
                self.anchors,
                self.world.act(),
                published,
                client,
                self.waited.append,
            )

    def findings(self) -> list[Witnesses.Refused]:
        events = [each.event for each in self.world.ledger.read(0, 100_000)]
        return [each for each in events if isinstance(each, Witnesses.Refused)]


@pytest.fixture
def town(tmp_path: Path) -> Town:
    return Town(tmp_path)


def test_all_witnesses_cosign_what_grows(town: Town) -> None:
    town.appoint("w1", "w2", "w3", needed=2)

    for receipts in (0, 3, 300):
        published = town.publish(receipts)
        found = town.collect(published)
        assert found.is_enough
        assert len(found.names) == 3
        note = cosigned_note(town.anchors, published)
        assert len(cosignatures(note, [town.key("w1"), town.key("w2")])) == 2
    assert town.findings() == []
    town.world.check_log()


def test_a_witness_that_was_away_is_caught_up(town: Town) -> None:
    town.appoint("w1", needed=1)
    town.collect(town.publish())
    town.publish(5)
    town.anchors = Anchors(town.world.home.path / "lost.sqlite")  # what was collected is lost too

    found = town.collect(town.publish(5))

    assert found.is_enough
    assert town.findings() == []


def test_who_has_not_signed_and_since_when_is_shown(town: Town) -> None:
    town.appoint("w1", needed=1)
    appoint_witness(
        town.world.ledger,
        town.world.act(),
        WitnessAppointment(town.key("w2").vkey(), "http://testserver/nobody-here"),
    )
    appoint_witness(town.world.ledger, town.world.act(), WitnessAppointment(town.key("w3").vkey()))
    first = town.publish()

    found = town.collect(first)

    one, two, three = found.standings
    assert (one.last_size, one.last_time_s, one.behind) == (first.size, NOW_S, 0)
    assert (two.last_size, two.last_outcome, two.behind) == (None, "refused", first.size)
    assert (three.last_outcome, three.last_asked_at) == ("no address", town.world.act().recorded_at)
    later = town.publish(2)
    assert witnessed(town.world.ledger, town.anchors, later).standings[0].behind > 0


def test_too_few_cosignatures_are_not_enough(town: Town) -> None:
    town.appoint("w1", "w2", needed=2)

    @town.network.post("/away/add-checkpoint")
    def away() -> Response:
        return Response(status_code=503)

    dismiss_and_move(town, "w2", "http://testserver/away")
    set_quorum(town.world.ledger, town.world.act(), 2)

    found = town.collect(town.publish())

    assert not found.is_enough
    assert found.standings[1].last_outcome == "unreachable"
    assert town.waited == [2.0, 4.0]
    assert town.findings() == []


def dismiss_and_move(town: Town, name: str, url: str) -> None:
    set_quorum(town.world.ledger, town.world.act(), 0)
    dismiss_witness(town.world.ledger, town.world.act(), town.key(name).name, "moved")
    order = WitnessAppointment(town.key(name).vkey(), url)
    appoint_witness(town.world.ledger, town.world.act(), order)


def test_a_rolled_back_ledger_is_found_out(town: Town) -> None:
    town.appoint("w1", needed=1)
    town.publish()
    town.world.ledger.close()
    older = {path: path.read_bytes() for path in town.world.home.path.glob("*.sqlite*")}
    town.world.reopen()
    town.collect(town.publish(5))
    town.world.ledger.close()
    for path in town.world.home.path.glob("events.sqlite*"):
        path.unlink()
    for path, content in older.items():
        if path.name.startswith("events"):
            path.write_bytes(content)
    town.world.home.high_water.unlink()  # whoever rolls back the log does so with all else here
    town.world.reopen()
    town.world.check_log()  # in itself it is whole: only a witness knows better

    shorter = town.collect(town.publish())
    longer = town.collect(town.publish(9))

    assert not shorter.is_enough
    assert not longer.is_enough
    assert [each.status for each in town.findings()] == [409, 422]
    assert town.findings()[0].held_size is not None


def test_a_split_view_to_two_witnesses_shows(town: Town, tmp_path: Path) -> None:
    # One ledger, copied: each copy goes its own way and is shown to another witness.
    town.appoint("w1", "w2", needed=1)
    town.world.ledger.close()
    shutil.copytree(town.world.home.path, tmp_path / "copy" / "data")
    town.world.reopen()
    here = town.publish(1)
    other = World.at(tmp_path / "copy")
    other.receive("C01", 77)
    there = announce(other.ledger, MapStore(other.home.map), other.act())
    assert here.size == there.size
    second = Witness(town.homes["w2"].state(), town.homes["w2"].cosigners())
    shown = second.add_checkpoint(Submission(0, (), there.note).text(), NOW_S)
    assert shown.status is Status.COSIGNED

    found = town.collect(here)

    assert found.names == ("audit.example/w1",)
    assert [each.name for each in town.findings()] == ["audit.example/w2"]
    [held] = town.homes["w2"].state().refused(town.world.ledger.origin)
    assert held.note == here.note
    assert (held.held_note or "").startswith(there.note)  # both signed by one key: the proof


@pytest.mark.parametrize("answer", ["", "— x AAAA\n", "hello", "—"])
def test_an_answer_that_does_not_hold_is_not_believed(town: Town, answer: str) -> None:
    @town.network.post("/liar/add-checkpoint")
    def lie() -> Response:
        return Response(answer, status_code=200)

    town.appoint("w1", needed=1, at="liar")

    found = town.collect(town.publish())

    assert not found.is_enough
    assert len(town.findings()) == 1


def test_another_witnesss_answer_is_not_taken_for_ones_own(town: Town) -> None:
    town.appoint("w1", needed=2 - 1, at="w2")
    appoint_witness(town.world.ledger, town.world.act(), WitnessAppointment(town.key("w2").vkey()))

    found = town.collect(town.publish())

    assert "audit.example/w1" not in found.names
    assert [each.name for each in town.findings()] == ["audit.example/w1"]


def test_an_endless_answer_is_cut_off(town: Town) -> None:
    @town.network.post("/flood/add-checkpoint")
    def flood() -> Response:
        return Response("x" * 1_000_000, status_code=200)

    town.appoint("w1", needed=1, at="flood")

    assert town.collect(town.publish()).standings[0].last_outcome == "unreachable"


def test_a_finding_stands_once_for_each_checkpoint(town: Town) -> None:
    town.appoint("w1", needed=0, at="nobody")
    published = town.publish()

    for _ in range(3):
        town.collect(published)

    assert len(town.findings()) == 1
    assert town.findings()[0].size == published.size


def test_cosignatures_come_back_as_a_file(town: Town) -> None:
    town.appoint("w1", needed=1)
    published = town.publish()
    body, _ = split_note(published.note)
    line = cosign(body, town.homes["w1"].cosigners()[0], NOW_S).text()

    assert take_in(town.world.ledger, town.anchors, published, line) == ["audit.example/w1"]
    assert witnessed(town.world.ledger, town.anchors, published).is_enough
    assert take_in(town.world.ledger, town.anchors, published, published.note + line)


def test_lines_of_strangers_or_other_checkpoints_are_not_taken_in(town: Town) -> None:
    town.appoint("w1", needed=1)
    first = town.publish()
    body, _ = split_note(first.note)
    later = town.publish(1)
    stranger = cosign(body, town.homes["w2"].cosigners()[0], NOW_S).text()
    stale = cosign(body, town.homes["w1"].cosigners()[0], NOW_S).text()

    with pytest.raises(CosignatureForeign):
        take_in(town.world.ledger, town.anchors, first, stranger)
    with pytest.raises(NoteBroken):
        take_in(town.world.ledger, town.anchors, later, stale)
    assert town.anchors.cosignatures(later.size) == []


def test_the_newest_checkpoint_that_enough_cosigned_is_found(town: Town) -> None:
    town.appoint("w1", "w2", needed=2)
    with pytest.raises(NeverCosigned):
        newest_cosigned(town.world.ledger, town.anchors)
    first = town.publish(1)
    town.collect(first)
    second = town.publish(1)

    found = newest_cosigned(town.world.ledger, town.anchors)
    assert (found.size, found.note) == (first.size, cosigned_note(town.anchors, first))

    # One of two came back by file, and a line that does not hold: neither makes the second count.
    line = cosign(split_note(second.note)[0], town.homes["w1"].cosigners()[0], NOW_S)
    take_in(town.world.ledger, town.anchors, second, line.text())
    assert newest_cosigned(town.world.ledger, town.anchors).size == first.size
    other = cosign(split_note(first.note)[0], town.homes["w2"].cosigners()[0], NOW_S)
    town.anchors.add_cosignature(second.size, other, NOW_S)
    assert newest_cosigned(town.world.ledger, town.anchors).size == first.size


def test_one_witness_may_have_to_be_among_them(town: Town) -> None:
    """Others may have cosigned what the province's own was not there for."""
    town.appoint("w1", "w2", needed=1)
    first = town.publish(1)
    town.collect(first)
    second = town.publish(1)
    line = cosign(split_note(second.note)[0], town.homes["w1"].cosigners()[0], NOW_S)
    take_in(town.world.ledger, town.anchors, second, line.text())

    newest = {
        by: newest_cosigned(town.world.ledger, town.anchors, by).size
        for by in ("", town.key("w1").name, town.key("w2").name)
    }

    assert list(newest.values()) == [second.size, second.size, first.size]
    with pytest.raises(NeverCosigned, match="w3 among them"):
        newest_cosigned(town.world.ledger, town.anchors, town.key("w3").name)


def test_where_nobody_agreed_on_how_many_one_has_to_have_cosigned(town: Town) -> None:
    town.appoint("w1")
    published = town.publish(1)
    with pytest.raises(NeverCosigned):
        newest_cosigned(town.world.ledger, town.anchors)

    town.collect(published)

    assert newest_cosigned(town.world.ledger, town.anchors).size == published.size


def test_what_a_former_key_signed_carries_nothing_that_is_signed_now(town: Town) -> None:
    town.appoint("w1", needed=1)
    town.collect(town.publish(1))
    town.world.ledger.close()
    rotate_service_key(town.world.home, Algorithm.ED25519, "每年更换", RECORDED_AT, DAY)
    town.world.reopen()
    with pytest.raises(NeverCosigned):
        newest_cosigned(town.world.ledger, town.anchors)
    state = town.homes["w1"].state()
    state.add_log(town.world.ledger.origin, town.world.home.note_key().vkey())

    published = town.publish(1)
    town.collect(published)

    assert newest_cosigned(town.world.ledger, town.anchors).size == published.size


def test_a_checkpoint_is_printed_as_witnesses_left_it(town: Town) -> None:
    town.appoint("w1", needed=1)
    first = town.publish(1)
    town.collect(first)
    town.publish(1)
    env = {"NUANZHANG_HOME": str(town.world.home.path)}

    printed = CliRunner().invoke(app, ["witnesses", "note", "--size", str(first.size)], env=env)
    last = CliRunner().invoke(app, ["witnesses", "note"], env=env)

    assert printed.output == cosigned_note(town.anchors, first)
    assert "audit.example/w1" in printed.output
    assert "audit.example/w1" not in last.output


def test_appointments_are_held_to_sense(town: Town) -> None:
    ledger, act = town.world.ledger, town.world.act()
    with pytest.raises(WitnessUnknown):
        set_quorum(ledger, act, 1)
    with pytest.raises(NoteBroken):
        appoint_witness(ledger, act, WitnessAppointment(town.world.home.note_key().vkey()))
    town.appoint("w1", needed=1)
    with pytest.raises(WitnessTaken):
        town.appoint("w1")
    with pytest.raises(QuorumImpossible):
        set_quorum(ledger, act, 2)
    with pytest.raises(QuorumImpossible):
        dismiss_witness(ledger, act, town.key("w1").name, "x")
    with pytest.raises(WitnessUnknown):
        dismiss_witness(ledger, act, "nobody", "x")


def test_the_witness_program_minds_its_http(town: Town) -> None:
    with TestClient(town.network) as client:
        too_large: Any = client.post("/w1/add-checkpoint", content=b"x" * 300_000)
        no_text: Any = client.post("/w1/add-checkpoint", content=b"\xff")
        conflict: Any = client.get("/w1/add-checkpoint")

    assert (too_large.status_code, no_text.status_code, conflict.status_code) == (413, 400, 405)

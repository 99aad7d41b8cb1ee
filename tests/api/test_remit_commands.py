"""Money between two ledgers as operators carry it: each at their own machine, with files."""

import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path

import pytest

from ledger.domain.officer import Role
from ledger.evidence.keys import Algorithm
from tests.api.test_key_commands import Desk, signed
from tests.world import EARMARK, World


class RemittingDesk(Desk):
    """Of one of two ledgers, with an approver's key in a file."""

    def prepare(self, cashier: str, union: str) -> None:
        world = World.at(self.folder, origin=f"{self.folder.name}.test/log").settle_in()
        world.receive("C01", 800_000)
        world.appoint(cashier, union, Role.CASHIER, date(2016, 12, 1))
        self.origin, self.key_id = world.ledger.origin, world.ledger.founding_key_id()
        world.ledger.close()
        _, self.key = self.enrol("A-C01", Algorithm.ED25519)

    def know(self, other: "RemittingDesk") -> None:
        self.says("remit", "know", other.key_id, other.origin, "邻市", *signed("A-C01", self.key))

    def send(self, other: "RemittingDesk", fen: int) -> str:
        words = ("remit", "send", "C01", EARMARK, other.key_id, "X01", "--document", "跨市1号")
        said = self.says(*words, "--amount-fen", str(fen), *signed("A-C01", self.key))
        return said.split()[1]

    def proof(self, remittance: str) -> Path:
        path = self.folder / f"{len(list(self.folder.iterdir()))}.zip"
        self.says("remit", "proof", remittance, "--out", path)
        return path

    def remittances(self) -> list[Mapping[str, object]]:
        found: list[Mapping[str, object]] = json.loads(self.says("remit", "list", "--json"))
        return found


@pytest.fixture
def desks(tmp_path: Path) -> tuple[RemittingDesk, RemittingDesk]:
    giver, taker = RemittingDesk(tmp_path / "giver"), RemittingDesk(tmp_path / "taker")
    giver.prepare("K-C01", "C01")
    taker.prepare("K-X01", "X01")
    giver.know(taker)
    taker.know(giver)
    return giver, taker


def test_a_refused_remittance_is_carried_back_in_a_file(
    desks: tuple[RemittingDesk, RemittingDesk],
) -> None:
    giver, taker = desks
    remittance = giver.send(taker, 30_000)
    sent = giver.proof(remittance)

    refuse = ("remit", "refuse", sent, "--reason", "本单位无此项目")
    said = taker.says(*refuse, *signed("A-C01", taker.key))
    assert f"remit proof {remittance}" in said
    status, said = taker.run("remit", "take", sent, "--amount-fen", "30000", "--officer", "K-X01")
    assert (status, "remittance.refused_before" in said) == (1, True)
    status, said = taker.run(*refuse, *signed("A-C01", taker.key))
    assert (status, "remittance.refused_before" in said) == (1, True)

    back = ("remit", "take-back", taker.proof(remittance), "--officer", "K-C01", "--amount-fen")
    status, said = giver.run(*back, "29999")
    assert (status, "remittance.amount_differs" in said) == (1, True)
    assert "is back in account" in giver.says(*back, "30000")
    [listed] = giver.remittances()
    assert (listed["state"], listed["reason"]) == ("taken_back", "本单位无此项目")
    assert "taken back" in giver.says("remit", "list")
    assert "refused" in taker.says("remit", "list")
    for desk in desks:
        assert "everything holds" in desk.says("verify")


def test_an_accepted_one_is_acknowledged_and_cannot_be_taken_back(
    desks: tuple[RemittingDesk, RemittingDesk],
) -> None:
    giver, taker = desks
    remittance = giver.send(taker, 30_000)
    sent = giver.proof(remittance)
    taker.says("remit", "take", sent, "--amount-fen", "30000", "--officer", "K-X01")
    refuse = ("remit", "refuse", sent, "--reason", "迟了")
    status, said = taker.run(*refuse, *signed("A-C01", taker.key))
    assert (status, "remittance.taken_before" in said) == (1, True)
    receipt = taker.proof(remittance)
    back = ("remit", "take-back", receipt, "--officer", "K-C01", "--amount-fen", "30000")
    status, said = giver.run(*back)
    assert (status, "remittance.wrong_file" in said) == (1, True)
    giver.says("remit", "acknowledge", receipt, "--officer", "K-C01")
    [listed] = giver.remittances()
    assert listed["state"] == "acknowledged"

"""Whoever signs with a key of their own reads first what it is."""

import json
from base64 import b64decode, b64encode
from dataclasses import replace
from pathlib import Path

import pytest

from api.cli.signing import NothingToSign, told
from ledger.commands import funds
from ledger.commands.officer_keys import proposal_message
from ledger.domain.officer import officer_id
from ledger.evidence.canonical import canonical_json
from ledger.evidence.envelope import PAYLOAD_TYPE, pae
from ledger.evidence.keys import Algorithm, PublicKey, verify
from tests.api.test_key_commands import Desk
from tests.evidence.sample_log import FUND, OFFICER, SampleLog
from tests.world import EARMARK, World


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


@pytest.fixture
def key(desk: Desk) -> Path:
    path = desk.folder / "own.pem"
    desk.says("key", "new", path, "--passphrase-fd", "FD")
    return path


def sign(desk: Desk, key: Path, message: bytes) -> tuple[int, str]:
    written = b64encode(message).decode()
    return desk.run("key", "sign", key, written, "--passphrase-fd", "FD")


def test_an_event_is_said_in_words_before_it_is_signed(
    desk: Desk, key: Path, tmp_path: Path
) -> None:
    world = World.at(tmp_path / "ledger").settle_in()
    world.receive("C01", 6_000_000)
    order = funds.Allocation("C01", "X01", EARMARK, "下拨〔2017〕1号", 5_999_905)
    act = replace(world.act("A-C01"), signer=None)
    message = pae(PAYLOAD_TYPE, funds.prepare_allocation(world.ledger, act, order))
    size = world.ledger.size()
    world.ledger.close()

    status, said = sign(desk, key, message)

    assert status == 0
    words, _, answer = said.partition("{\n")
    assert "(fund.allocated)" in words
    assert "amount_fen: 5999905 (59,999.05 元)" in words
    assert 'document: "下拨〔2017〕1号"' in words
    assert str(officer_id("A-C01")) in words
    assert f"{size} entries with the root" in words
    made = json.loads("{" + answer)
    public_key = PublicKey(Algorithm.ED25519, b64decode(made["public_key"]))
    verify(public_key, message, b64decode(made["signature"]))


def event(data: bytes) -> bytes:
    """What would be signed of an event with this data."""
    payload = canonical_json(SampleLog().payload("fund.allocated", FUND, {}, actor=OFFICER))
    return pae(PAYLOAD_TYPE, payload.replace(b'"data":{}', b'"data":' + data))


def test_no_text_makes_a_terminal_say_something_else() -> None:
    hidden = "\x1b[1A\x1b[2K\u202e\n  amount_fen: 100 (1.00 元)"
    lines = told(event(canonical_json({"amount_fen": -99_999_999, "document": hidden})))

    assert "  amount_fen: -99999999 (-999,999.99 元)" in lines
    assert all(each.isprintable() for each in lines)
    assert len([each for each in lines if each.startswith("  amount_fen")]) == 1
    assert any("UPON NO LOG" in each for each in lines)


def test_data_nested_without_end_is_nothing_to_sign() -> None:
    with pytest.raises(NothingToSign):
        told(event(b'{"a":' * 20_000 + b"{}" + b"}" * 20_000))


def test_a_proof_of_a_key_is_said_to_be_one(desk: Desk, key: Path) -> None:
    status, said = sign(
        desk, key, proposal_message("log.example/one", officer_id("A-01"), "ab" * 16)
    )

    assert status == 0
    assert "proof that you hold a key" in said
    assert "log.example/one" in said


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"anything",
        pae("application/vnd.nuanzhang.segment+json", b"{}"),
        pae(PAYLOAD_TYPE, b"{}"),
        pae(PAYLOAD_TYPE, b"no event") + b"!",
        proposal_message("log.example/one", officer_id("A-01"), "ab" * 16) + b"\n",
    ],
)
def test_what_cannot_be_said_is_not_signed(desk: Desk, key: Path, message: bytes) -> None:
    status, said = sign(desk, key, message)

    assert status == 1
    assert said.startswith("key.nothing_to_sign")
    assert "signature" not in said.partition(":")[2]

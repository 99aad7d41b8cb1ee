"""Lost keys: what an attacker who has one can try in order to have their own entries count."""

from base64 import b64encode
from typing import Any
from uuid import UUID

import pytest

from ledger.evidence.keys import Doubt, Ed25519Signer, KeyHistory
from ledger.evidence.log import verify_log
from ledger.evidence.verify import KEY_TOPICS, EntryBroken, Rules, learn_keys
from tests.evidence.sample_log import (
    FUND,
    OFFICER,
    OFFICER_SIGNER,
    ORIGIN,
    OTHER_OFFICER,
    SECOND_SERVICE_SIGNER,
    SERVICE_SIGNER,
    SERVICE_STREAM,
    STRANGER,
    SampleLog,
    key_data,
    sample_log,
)
from tests.evidence.tiny_verifier import REFUSALS, check_log

LOG_STREAM, SECOND_STREAM = str(UUID(int=9)), str(UUID(int=8))
OTHER_SIGNER = Ed25519Signer.from_seed(bytes(range(150, 182)))
THIRD_SERVICE_SIGNER = Ed25519Signer.from_seed(bytes(range(200, 232)))
SIGNED = frozenset({"fund.allocated", "service_key.compromised", "log.reaffirmed"})
RULES = Rules(ORIGIN, SIGNED, SERVICE_SIGNER.public_key.key_id)
LOST_FROM = 6
THIEVES = [Ed25519Signer.from_seed(bytes(range(each, each + 32))) for each in (10, 60)]


class LostKey:
    """The sample log, whose first service key was lost at position 6, and which went on."""

    def __init__(self, custody: str = "officer") -> None:
        self.log = sample_log()
        self.service = SERVICE_SIGNER
        self.signers = {OFFICER: OFFICER_SIGNER, OTHER_OFFICER: OTHER_SIGNER}
        other = key_data(OTHER_SIGNER.public_key, custody=custody)
        self.write("officer.key_registered", OTHER_OFFICER, other)
        self.write("fund.drawn", FUND, {"amount_fen": 60_000})

    def write(self, topic: str, stream: str, data: object, officer: str = "") -> int:
        signers = (self.service, self.signers[officer]) if officer else (self.service,)
        entry = self.log.record(topic, stream, data, *signers, actor=officer or "operator")
        return entry.position

    def rotate(self, signer: Ed25519Signer, stream: str) -> None:
        self.write("service_key.registered", stream, key_data(signer.public_key))
        self.service = signer

    def lose(self, signer: Ed25519Signer, stream: str, counts_from: int) -> int:
        data = {"key_id": signer.public_key.key_id, "counts_from": counts_from}
        return self.write("service_key.compromised", stream, data, OFFICER)

    def lose_first(self) -> int:
        self.rotate(SECOND_SERVICE_SIGNER, SECOND_STREAM)
        return self.lose(SERVICE_SIGNER, SERVICE_STREAM, LOST_FROM)

    def enrol(self, officer: str, signer: Ed25519Signer) -> None:
        """Register another key of an officer, which they hold themselves, and sign with it."""
        data = key_data(signer.public_key, custody="officer")
        self.write("officer.key_registered", officer, data)
        self.signers[officer] = signer

    def reaffirm(self, officer: str, **facts: Any) -> int:
        edge = self.log.edge()
        root = b64encode(edge.root()).decode()
        return self.write(
            "log.reaffirmed", LOG_STREAM, {"size": edge.size, "root": root, **facts}, officer
        )

    def doubts(self) -> list[Doubt]:
        self.log.notes.clear()
        self.log.checkpoint(self.service)
        verify_log(self.log.entries, self.log.notes, RULES)
        check_log(rows(self.log), self.log.notes, KNOWN)
        return learned(self.log).doubts()


KNOWN = {
    "origin": ORIGIN,
    "founding_key_id": RULES.founding_key_id,
    "officer_signed": SIGNED,
}


def rows(log: SampleLog) -> list[tuple[int, str, int, str, bytes]]:
    return [(e.position, e.stream, e.version, e.topic, e.envelope) for e in log.entries]


def learned(log: SampleLog) -> KeyHistory:
    keys = KeyHistory()
    for entry in log.entries:
        if entry.topic in KEY_TOPICS:
            learn_keys(keys, entry)
    return keys


def test_two_officers_have_the_entries_of_a_lost_key_count_again() -> None:
    lost = LostKey()
    position = lost.lose_first()

    [doubt] = lost.doubts()
    assert (doubt.key_id, doubt.start) == (SERVICE_SIGNER.public_key.key_id, LOST_FROM)
    assert doubt.stop == position
    lost.reaffirm(OFFICER)
    assert lost.doubts() == [doubt]
    lost.reaffirm(OTHER_OFFICER)

    assert lost.doubts() == []


def test_one_officer_who_says_it_twice_is_not_two() -> None:
    lost = LostKey()
    lost.lose_first()

    lost.reaffirm(OFFICER)
    lost.reaffirm(OFFICER)

    assert len(lost.doubts()) == 1


def test_a_reaffirmation_made_before_the_loss_was_known_does_not_cover_it() -> None:
    # Whoever stole the key, and deceived two officers, has it count before anybody noticed.
    lost = LostKey()
    lost.reaffirm(OFFICER)
    lost.reaffirm(OTHER_OFFICER)

    lost.lose_first()

    assert len(lost.doubts()) == 1


def test_a_key_that_the_operator_holds_for_an_officer_reaffirms_nothing() -> None:
    lost = LostKey(custody="operator_keyring")
    lost.lose_first()

    lost.reaffirm(OFFICER)
    lost.reaffirm(OTHER_OFFICER)

    assert len(lost.doubts()) == 1


def test_a_reaffirmation_by_a_key_that_turns_out_lost_is_in_doubt_itself() -> None:
    lost = LostKey()
    lost.lose_first()
    lost.reaffirm(OFFICER)
    position = lost.reaffirm(OTHER_OFFICER)
    assert lost.doubts() == []

    data = {"key_id": OTHER_SIGNER.public_key.key_id, "counts_from": position}
    lost.write("officer.key_compromised", OTHER_OFFICER, data)

    assert [each.key_id for each in lost.doubts()] == [
        SERVICE_SIGNER.public_key.key_id,
        OTHER_SIGNER.public_key.key_id,
    ]


def test_officers_whom_the_thief_registered_vouch_for_nothing() -> None:
    lost = LostKey()
    for officer, signer in zip((OFFICER, OTHER_OFFICER), THIEVES, strict=True):
        lost.enrol(officer, signer)
    lost.lose_first()

    lost.reaffirm(OFFICER)
    lost.reaffirm(OTHER_OFFICER)

    [doubt] = lost.doubts()
    assert doubt.start == LOST_FROM
    lost.signers = {OFFICER: OFFICER_SIGNER, OTHER_OFFICER: OTHER_SIGNER}
    lost.reaffirm(OFFICER)
    assert lost.doubts() == [doubt]
    lost.reaffirm(OTHER_OFFICER)
    assert lost.doubts() == []


def test_nor_do_those_registered_under_a_key_that_the_lost_one_registered() -> None:
    # The next service key is the thief's, or might be: nothing says that it is not.
    lost = LostKey()
    lost.lose_first()
    for officer, signer in zip((OFFICER, OTHER_OFFICER), THIEVES, strict=True):
        lost.enrol(officer, signer)

    lost.reaffirm(OFFICER)
    lost.reaffirm(OTHER_OFFICER)

    assert len(lost.doubts()) == 1


def test_who_was_registered_under_another_key_that_was_safe_vouches_for_it() -> None:
    # Two service keys from before: one is lost, and all goes on under the other.
    lost = LostKey()
    lost.rotate(SECOND_SERVICE_SIGNER, SECOND_STREAM)
    lost.write("fund.drawn", FUND, {"amount_fen": 60_000})
    lost.lose(SERVICE_SIGNER, SERVICE_STREAM, 8)
    for officer, signer in zip((OFFICER, OTHER_OFFICER), THIEVES, strict=True):
        lost.enrol(officer, signer)

    lost.reaffirm(OFFICER)
    assert len(lost.doubts()) == 1
    lost.reaffirm(OTHER_OFFICER)

    assert lost.doubts() == []


def test_an_officer_whom_a_lost_officers_key_registered_vouches_for_nothing() -> None:
    lost = LostKey()
    data = key_data(THIEVES[0].public_key, custody="officer")
    start = lost.write("officer.key_registered", str(UUID(int=5)), data, OFFICER)
    told = {"key_id": OFFICER_SIGNER.public_key.key_id, "counts_from": start}
    lost.write("officer.key_compromised", OFFICER, told)
    lost.signers[str(UUID(int=5))] = THIEVES[0]

    lost.reaffirm(str(UUID(int=5)))
    lost.reaffirm(OTHER_OFFICER)

    assert len(lost.doubts()) == 1


def test_a_second_lost_service_key_puts_the_recovery_from_the_first_in_doubt() -> None:
    lost = LostKey()
    lost.lose_first()
    first = lost.reaffirm(OFFICER)
    lost.reaffirm(OTHER_OFFICER)

    lost.rotate(THIRD_SERVICE_SIGNER, str(UUID(int=7)))
    lost.lose(SECOND_SERVICE_SIGNER, SECOND_STREAM, first)
    assert len(lost.doubts()) == 2
    lost.reaffirm(OFFICER)
    lost.reaffirm(OTHER_OFFICER)

    assert lost.doubts() == []


@pytest.mark.parametrize(
    ("facts", "field"),
    [
        ({"size": 3}, "data.size"),
        ({"size": True}, "data.size"),
        ({"root": b64encode(bytes(32)).decode()}, "data.root"),
        ({"root": ""}, "data.root"),
        ({"root": None}, "data.root"),
        ({"root": "*"}, "data.root"),
    ],
)
def test_officers_reaffirm_these_entries_and_no_others(facts: dict[str, Any], field: str) -> None:
    lost = LostKey()
    lost.lose_first()
    position = lost.reaffirm(OFFICER, **facts)

    with pytest.raises(EntryBroken) as broken:
        lost.doubts()

    assert (broken.value.position, broken.value.field) == (position, field)
    with pytest.raises(REFUSALS):
        check_log(rows(lost.log), lost.log.notes, KNOWN)


def test_what_officers_reaffirmed_is_not_put_over_a_history_signed_anew() -> None:
    # The operator, who has the lost key too, writes one entry anew and keeps what came after.
    true = LostKey()
    true.lose_first()
    true.reaffirm(OFFICER)
    true.reaffirm(OTHER_OFFICER)
    forged = SampleLog()
    for entry in true.log.entries:
        if entry.position == LOST_FROM:
            forged.record("fund.drawn", entry.stream, {"amount_fen": 1})
        else:
            forged.append(entry.topic, entry.stream, entry.envelope)
    forged.checkpoint(true.service)

    with pytest.raises(EntryBroken) as broken:
        verify_log(forged.entries, forged.notes, RULES)

    assert broken.value.field == "data.root"
    with pytest.raises(REFUSALS):
        check_log(rows(forged), forged.notes, KNOWN)


def test_a_stranger_reaffirms_nothing() -> None:
    lost = LostKey()
    lost.lose_first()
    edge = lost.log.edge()
    root = b64encode(edge.root()).decode()
    lost.log.record(
        "log.reaffirmed",
        LOG_STREAM,
        {"size": edge.size, "root": root},
        lost.service,
        STRANGER,
        actor=OFFICER,
    )

    with pytest.raises(EntryBroken):
        lost.doubts()

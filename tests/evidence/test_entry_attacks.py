"""Entries that are altered, forged or wrongly signed: named by position and field."""

import pickle
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from ledger.evidence.canonical import canonical_json
from ledger.evidence.checkpoint import Checkpoint, sign_note
from ledger.evidence.envelope import Signature, decode, encode
from ledger.evidence.keys import Algorithm, Ed25519Signer, KeyHistory, PublicKey
from ledger.evidence.log import CheckpointDiffers, verify_checkpoint, verify_log
from ledger.evidence.verify import EntryBroken, Rules
from tests.evidence.both_verifiers import checkpoint_fault, entry_fault, fault_of
from tests.evidence.sample_log import (
    FUND,
    OFFICER,
    OFFICER_SIGNER,
    ORIGIN,
    OTHER_OFFICER,
    RULES,
    SECOND_SERVICE_SIGNER,
    SERVICE_SIGNER,
    SERVICE_STREAM,
    STRANGER,
    SampleLog,
    key_data,
    sample_log,
    sign,
)

ALLOCATED = {"amount_fen": 100}


def key_of(signer: Ed25519Signer) -> str:
    return f"signature by {signer.public_key.key_id}"


def covered(log: SampleLog, signer: Ed25519Signer = SERVICE_SIGNER) -> SampleLog:
    log.checkpoint(signer)
    return log


# What is stored beside the envelope.


@pytest.mark.parametrize(
    ("column", "value", "field"),
    [
        ("stream", str(UUID(int=9)), "stream"),
        ("version", 7, "version"),
        ("topic", "fund.returned", "type"),
        ("envelope", b"", "envelope"),
        ("envelope", sample_log().entries[3].envelope[:-1], "envelope"),
        ("envelope", encode(b"{}", sign(b"{}", SERVICE_SIGNER)), "payload"),
        ("envelope", encode(b"[]", sign(b"[]", SERVICE_SIGNER)), "payload"),
        ("envelope", encode(b"\xff", sign(b"\xff", SERVICE_SIGNER)), "payload"),
    ],
)
def test_a_column_that_disagrees_with_what_was_signed_is_named(
    column: str, value: Any, field: str
) -> None:
    assert entry_fault(sample_log().replaced(3, **{column: value})) == (3, field)


@pytest.mark.parametrize("value", [None, "text", 7, 1.5])
def test_a_database_that_hands_over_anything_else_is_refused(value: Any) -> None:
    log = sample_log().replaced(4, envelope=value)

    with pytest.raises(EntryBroken) as caught:
        verify_log(log.entries, log.notes, RULES)

    assert (caught.value.position, caught.value.field) == (4, "envelope")


def test_the_refusal_names_place_and_fault_and_survives_a_journey() -> None:
    fault = fault_of(sample_log().replaced(3, version=7))

    arrived = pickle.loads(pickle.dumps(fault))

    assert isinstance(arrived, EntryBroken)
    assert (arrived.position, arrived.stream, arrived.version) == (3, FUND, 7)
    assert str(arrived) == str(fault)
    assert str(arrived).startswith(f"position 3, stream {FUND}, version 7: version: ")


# What the payload says.


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("actor", "somebody"),
        ("actor", ""),
        ("actor", None),
        ("actor", OFFICER.upper().replace("0", "A")),
        ("actor", OFFICER + "\n"),
        ("data", []),
        ("data", "text"),
        ("happened_on", "2017-02-29"),
        ("happened_on", "20170108"),
        ("happened_on", "2017-W01-1"),
        ("happened_on", "2017-01- 8"),
        ("happened_on", "2017-1-8"),
        ("happened_on", "2017-01-08T00:00"),
        ("happened_on", 20170108),
        ("recorded_at", "2017-01-09T08:30:00Z"),
        ("recorded_at", "2017-01-09T08:30:00.000"),
        ("recorded_at", "2017-01-09T08:30:00.000000Z"),
        ("recorded_at", "2017-01-09T08:30:00.000+00:00"),
        ("recorded_at", "2017-01-09 08:30:00.000Z"),
        ("recorded_at", "2017-01-09T24:00:00.000Z"),
        ("recorded_at", "2017-01-09T23:59:60.000Z"),
        ("recorded_at", "2017-13-09T08:30:00.000Z"),
        ("recorded_at", None),
        ("schema", 0),
        ("schema", True),
        ("schema", "1"),
        ("version", True),
        ("version", 0),
        ("origin", "other.example/log"),
        ("origin", None),
        ("stream", OTHER_OFFICER),
        ("stream", 7),
        ("type", "fund.closed"),
        ("version", 4),
        ("version", "3"),
    ],
)
def test_a_member_of_another_form_is_named_though_it_is_truly_signed(
    member: str, value: Any
) -> None:
    log = sample_log()
    log.record("fund.drawn", FUND, {}, **{member: value})

    assert entry_fault(covered(log)) == (5, member)


OTHER_SPELLINGS = (
    "0000000A-0000-0000-0000-000000000004",
    "00000000000000000000000000000004",
    "0000000A000000000000000000000004",
    "00000000-0000-0000-0000-00000000000",
    FUND + "\n",
    "",
    4,
    {"id": FUND},
)


@pytest.mark.parametrize("spelling", OTHER_SPELLINGS)
@pytest.mark.parametrize(
    ("place", "field"),
    [
        (lambda id_: {"fund_id": id_}, "data.fund_id"),
        (lambda id_: {"approved_by": id_}, "data.approved_by"),
        (lambda id_: {"parts": [{"lot_id": FUND}, {"lot_id": id_}]}, "data.lot_id"),
        (lambda id_: {"item_ids": [id_]}, "data.item_ids"),
        (lambda id_: {"item_ids": [FUND, id_], "note": "甲"}, "data.item_ids"),
    ],
)
def test_an_id_in_another_spelling_does_not_escape_the_map(
    place: Callable[[Any], dict[str, Any]], field: str, spelling: Any
) -> None:
    # The service would read most of these as the fund's id; the map counts none of them.
    log = sample_log()
    log.record("fund.drawn", FUND, place(spelling))

    assert entry_fault(covered(log)) == (5, field)


def test_what_is_no_id_may_look_like_one_in_any_spelling() -> None:
    log = sample_log()
    texts = {
        "note": "0000000A-0000-0000-0000-000000000004",
        "sent_as": "00000000000000000000000000000004",
        "end_to_end_id": "E2E 1",
        "to_key_id": "96c9135fd47d599993d76f0be8e2e28e",
        "by": "短信",
        "fund_id": FUND,
        "match_id": None,
        "item_ids": [FUND, OFFICER],
        "statement_ids": [],
        "quoted": '{"fund_id":4}',
    }
    log.record("fund.drawn", FUND, texts)

    assert fault_of(covered(log)) is None


def test_a_version_that_is_true_is_not_taken_for_one() -> None:
    log = sample_log()
    log.record("fund.opened", str(UUID(int=5)), {}, version=True)

    assert entry_fault(covered(log)) == (5, "version")


@pytest.mark.parametrize("missing", ["actor", "data", "schema", "version"])
def test_a_payload_without_one_of_its_members_is_refused(missing: str) -> None:
    log = sample_log()
    members = log.payload("fund.drawn", FUND, {})
    del members[missing]
    written = canonical_json(members)
    log.append("fund.drawn", FUND, encode(written, sign(written, SERVICE_SIGNER)))

    assert entry_fault(covered(log)) == (5, "payload")


def test_a_payload_with_a_further_member_is_refused() -> None:
    log = sample_log()
    log.record("fund.drawn", FUND, {}, note="nothing")

    assert entry_fault(covered(log)) == (5, "payload")


@pytest.mark.parametrize(
    ("there", "instead"),
    [
        (b'{"actor"', b'{ "actor"'),
        (b'"schema":1', b'"schema":1.0'),
        (b'"schema":1', b'"schema":1,"schema":1'),
        (b'"actor":"operator"', rb'"actor":"\u006fperator"'),
        (b'"data":{}', rb'"data":{"a":"\ud800"}'),
        (b'"data":{}', b'"data":{"amount_fen":9007199254740993}'),
        (b'"data":{}', b'"data":{"amount_fen":-0}'),
        (b'"data":{}', b'"data":{"b":1,"a":1}'),
    ],
)
def test_a_trick_with_canonical_form_is_refused_though_it_is_truly_signed(
    there: bytes, instead: bytes
) -> None:
    log = sample_log()
    written = canonical_json(log.payload("fund.drawn", FUND, {})).replace(there, instead)
    log.append("fund.drawn", FUND, encode(written, sign(written, SERVICE_SIGNER)))

    assert entry_fault(covered(log)) == (5, "payload")


# Who signed.


def test_an_event_that_no_one_signed_is_refused() -> None:
    log = sample_log()
    written = canonical_json(log.payload("fund.drawn", FUND, {}))
    log.append("fund.drawn", FUND, encode(written, []))

    assert entry_fault(covered(log)) == (5, "signatures")


@pytest.mark.parametrize("signer", [STRANGER, OFFICER_SIGNER, SECOND_SERVICE_SIGNER])
def test_a_forged_entry_signed_by_anybody_but_the_service_is_refused(
    signer: Ed25519Signer,
) -> None:
    log = sample_log()
    log.record("fund.drawn", FUND, {}, signer, actor=OFFICER)

    assert entry_fault(covered(log)) == (5, key_of(signer))


def test_an_officer_s_signature_that_is_missing_is_missed() -> None:
    log = sample_log()
    log.record("fund.allocated", FUND, ALLOCATED, actor=OFFICER)

    assert entry_fault(covered(log)) == (5, "signatures")


@pytest.mark.parametrize("actor", [OTHER_OFFICER, "operator"])
def test_an_officer_cannot_sign_for_another(actor: str) -> None:
    log = sample_log()
    signers = (SERVICE_SIGNER, OFFICER_SIGNER)
    log.record("fund.allocated", FUND, ALLOCATED, *signers, actor=actor)

    assert entry_fault(covered(log)) == (5, key_of(OFFICER_SIGNER))


def test_the_service_cannot_sign_for_an_officer() -> None:
    log = sample_log()
    second = key_data(SECOND_SERVICE_SIGNER.public_key)
    log.record("service_key.registered", OTHER_OFFICER, second)
    signers = (SERVICE_SIGNER, SECOND_SERVICE_SIGNER)
    log.record("fund.allocated", FUND, ALLOCATED, *signers, actor=OFFICER)

    assert entry_fault(covered(log)) == (6, key_of(SECOND_SERVICE_SIGNER))


def test_swapped_signatures_are_refused() -> None:
    log = sample_log()
    envelope = decode(log.entries[3].envelope)
    swapped = encode(envelope.payload, envelope.signatures[::-1])
    service, officer = envelope.signatures
    crossed = [Signature(service.keyid, officer.sig), Signature(officer.keyid, service.sig)]

    assert entry_fault(log.replaced(3, envelope=swapped)) == (3, key_of(OFFICER_SIGNER))
    assert entry_fault(log.replaced(3, envelope=encode(envelope.payload, crossed))) == (
        3,
        key_of(SERVICE_SIGNER),
    )


def test_two_signatures_by_one_key_are_refused() -> None:
    log = sample_log()
    log.record("fund.drawn", FUND, {}, SERVICE_SIGNER, SERVICE_SIGNER)

    assert entry_fault(covered(log)) == (5, "signatures")


def test_a_replayed_officer_signature_does_not_hold_for_another_event() -> None:
    log = sample_log()
    old = decode(log.entries[3].envelope).signatures[1]
    written = canonical_json(log.payload("fund.allocated", FUND, ALLOCATED, actor=OFFICER))
    log.append("fund.allocated", FUND, encode(written, [*sign(written, SERVICE_SIGNER), old]))

    assert entry_fault(covered(log)) == (5, key_of(OFFICER_SIGNER))


def test_a_signature_over_the_payload_alone_does_not_hold() -> None:
    log = sample_log()
    written = canonical_json(log.payload("fund.drawn", FUND, {}))
    bare = Signature(SERVICE_SIGNER.public_key.key_id, SERVICE_SIGNER.sign(written))
    log.append("fund.drawn", FUND, encode(written, [bare]))

    assert entry_fault(covered(log)) == (5, key_of(SERVICE_SIGNER))


# Which key was valid then.


@pytest.mark.parametrize("late", [0, 1])
def test_a_key_revoked_one_position_earlier_signs_no_more(late: int) -> None:
    log = sample_log()
    signers = (SERVICE_SIGNER, OFFICER_SIGNER)
    revoked = {"key_id": OFFICER_SIGNER.public_key.key_id}
    if not late:
        log.record("fund.allocated", FUND, ALLOCATED, *signers, actor=OFFICER)
    log.record("officer.key_revoked", OFFICER, revoked)
    if late:
        log.record("fund.allocated", FUND, ALLOCATED, *signers, actor=OFFICER)
    covered(log)

    if late:
        assert entry_fault(log) == (6, key_of(OFFICER_SIGNER))
    else:
        assert fault_of(log) is None


def test_a_key_does_not_sign_before_it_is_registered() -> None:
    log = SampleLog()
    log.record("service_key.registered", SERVICE_STREAM, key_data(SERVICE_SIGNER.public_key))
    signers = (SERVICE_SIGNER, OFFICER_SIGNER)
    log.record("fund.allocated", FUND, ALLOCATED, *signers, actor=OFFICER)
    officer = key_data(OFFICER_SIGNER.public_key, custody="officer")
    log.record("officer.key_registered", OFFICER, officer)

    assert entry_fault(covered(log)) == (1, key_of(OFFICER_SIGNER))


def rotated_log() -> SampleLog:
    """A second service key joins, and retires the first."""
    log = sample_log()
    second = key_data(SECOND_SERVICE_SIGNER.public_key)
    log.record("service_key.registered", OTHER_OFFICER, second)
    log.checkpoint()
    retired = {"key_id": SERVICE_SIGNER.public_key.key_id}
    log.record("service_key.retired", SERVICE_STREAM, retired, SECOND_SERVICE_SIGNER)
    log.checkpoint(SECOND_SERVICE_SIGNER)
    return log


def test_a_service_key_is_rotated_and_the_log_goes_on() -> None:
    log = rotated_log()
    log.record("fund.drawn", FUND, {}, SECOND_SERVICE_SIGNER)

    assert fault_of(covered(log, SECOND_SERVICE_SIGNER)) is None


def test_a_retired_service_key_signs_neither_events_nor_checkpoints() -> None:
    event, checkpoint = rotated_log(), rotated_log()
    event.record("fund.drawn", FUND, {}, SERVICE_SIGNER)
    checkpoint.record("fund.drawn", FUND, {}, SECOND_SERVICE_SIGNER)

    assert entry_fault(covered(event, SECOND_SERVICE_SIGNER)) == (7, key_of(SERVICE_SIGNER))
    assert "no known key" in str(fault_of(covered(checkpoint, SERVICE_SIGNER)))


def test_a_service_key_does_not_sign_its_own_end() -> None:
    log = sample_log()
    retired = {"key_id": SERVICE_SIGNER.public_key.key_id}
    log.record("service_key.retired", SERVICE_STREAM, retired)

    assert entry_fault(covered(log)) == (5, key_of(SERVICE_SIGNER))


def test_a_key_that_vouches_for_itself_takes_over_no_log() -> None:
    # Who can write to the database, but has no key of the service, adds one and signs with it.
    log = sample_log()
    log.record("service_key.registered", OTHER_OFFICER, key_data(STRANGER.public_key), STRANGER)
    log.checkpoint(STRANGER)
    log.record("fund.drawn", FUND, {}, STRANGER)

    assert entry_fault(covered(log, STRANGER)) == (5, key_of(STRANGER))


def resigned(log: SampleLog, signer: Ed25519Signer) -> SampleLog:
    """Write the whole history anew under another founding key."""
    again = SampleLog()
    again.record("service_key.registered", SERVICE_STREAM, key_data(signer.public_key), signer)
    again.checkpoint(signer)
    for entry in log.entries[1:3]:
        envelope = decode(entry.envelope)
        again.append(
            entry.topic, entry.stream, encode(envelope.payload, sign(envelope.payload, signer))
        )
    return covered(again, signer)


def test_a_history_signed_anew_from_its_first_event_is_seen_by_who_knows_the_founding_key() -> None:
    forged = resigned(sample_log(), STRANGER)

    assert entry_fault(forged) == (0, key_of(STRANGER))
    known = Rules(ORIGIN, RULES.officer_signed, STRANGER.public_key.key_id)
    assert fault_of(forged, known) is None


# What key events say.


@pytest.mark.parametrize(
    ("topic", "stream", "data", "field"),
    [
        ("officer.key_registered", OTHER_OFFICER, {}, "data"),
        ("officer.key_registered", OTHER_OFFICER, {"key_id": []}, "data"),
        (
            "officer.key_registered",
            OTHER_OFFICER,
            {**key_data(STRANGER.public_key), "key_id": "0" * 32},
            "data.key_id",
        ),
        (
            "officer.key_registered",
            OTHER_OFFICER,
            {**key_data(STRANGER.public_key), "algorithm": "rsa"},
            "data",
        ),
        (
            "officer.key_registered",
            OTHER_OFFICER,
            {**key_data(STRANGER.public_key), "public_key": "%%"},
            "data",
        ),
        # A key that is another's already: a service key must not become an officer's.
        (
            "officer.key_registered",
            OTHER_OFFICER,
            key_data(SERVICE_SIGNER.public_key),
            "data.key_id",
        ),
        (
            "officer.key_registered",
            OTHER_OFFICER,
            key_data(OFFICER_SIGNER.public_key),
            "data.key_id",
        ),
        # Nobody ends another's key.
        (
            "officer.key_revoked",
            OTHER_OFFICER,
            {"key_id": OFFICER_SIGNER.public_key.key_id},
            "data.key_id",
        ),
        (
            "officer.key_revoked",
            OTHER_OFFICER,
            {"key_id": SERVICE_SIGNER.public_key.key_id},
            "data.key_id",
        ),
        ("officer.key_revoked", OFFICER, {"key_id": "0" * 32}, "data.key_id"),
        ("officer.key_revoked", OFFICER, {"key_id": {}}, "data"),
    ],
)
def test_a_key_event_that_says_nothing_sound_is_named(
    topic: str, stream: str, data: object, field: str
) -> None:
    log = sample_log()
    log.record(topic, stream, data)

    assert entry_fault(covered(log)) == (5, field)


def test_a_key_under_which_anybody_can_sign_is_not_registered() -> None:
    weak = key_data(PublicKey(Algorithm.ED25519, bytes(32)))
    log = sample_log()
    log.record("officer.key_registered", OTHER_OFFICER, weak)

    assert entry_fault(covered(log)) == (5, "data.key_id")
    assert "not a public key that may sign" in str(fault_of(log))


# Checkpoints of their own.


@pytest.mark.parametrize(("size", "note"), [(None, "x"), (5, None), (5, b"x"), ("5", "x")])
def test_a_checkpoint_that_is_not_a_number_and_a_text_is_refused(size: Any, note: Any) -> None:
    with pytest.raises(CheckpointDiffers):
        verify_checkpoint(size, note, KeyHistory(), RULES)


def test_a_refused_checkpoint_survives_a_journey() -> None:
    refusal = CheckpointDiffers(9, "the entries have another root", 7)

    arrived = pickle.loads(pickle.dumps(refusal))

    assert (arrived.size, arrived.last_good_size, str(arrived)) == (9, 7, str(refusal))


def test_a_checkpoint_of_another_log_of_the_same_service_is_refused() -> None:
    log = sample_log()
    root = log.edge().root()
    log.notes[-1] = (5, sign_note(Checkpoint("other.example/log", 5, root), ORIGIN, SERVICE_SIGNER))

    assert checkpoint_fault(log) == (5, None)

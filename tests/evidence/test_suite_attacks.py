"""Logs whose keys are of several suites: what must not pass, whoever signs it."""

from typing import Any
from uuid import UUID

import pytest

from ledger.evidence.canonical import canonical_json
from ledger.evidence.envelope import Signature, decode, encode
from ledger.evidence.keys import OWN_CUSTODY, Algorithm, Signer, signer_from_seed
from ledger.evidence.log import verify_log
from ledger.evidence.sm2 import N
from ledger.evidence.verify import EntryBroken, Rules
from tests.evidence.sample_log import (
    FUND,
    OFFICER,
    ORIGIN,
    SERVICE_SIGNER,
    SERVICE_STREAM,
    SampleLog,
    key_data,
    sign,
)

SIGNED = frozenset({"fund.allocated"})
RULES = Rules(ORIGIN, SIGNED, SERVICE_SIGNER.public_key.key_id)
SECOND_STREAM = str(UUID(int=8))
OTHER_FUND = str(UUID(int=6))
ALLOCATED = {"amount_fen": 6_000_000}
NEW_SUITES = [each for each in Algorithm if each is not Algorithm.ED25519]


def officer_of(algorithm: Algorithm) -> Signer:
    return signer_from_seed(algorithm, bytes(range(32, 64)))


def log_of(algorithm: Algorithm) -> SampleLog:
    """A log whose service and officer have keys of one suite, after a founding key of Ed25519."""
    log = SampleLog()
    log.record("service_key.registered", SERVICE_STREAM, key_data(SERVICE_SIGNER.public_key))
    service = service_of(algorithm)
    log.record("service_key.registered", SECOND_STREAM, key_data(service.public_key))
    retired = {"key_id": SERVICE_SIGNER.public_key.key_id}
    log.record("service_key.retired", SERVICE_STREAM, retired, service)
    officer = key_data(officer_of(algorithm).public_key, custody=OWN_CUSTODY)
    log.record("officer.key_registered", OFFICER, officer, service)
    log.record("fund.allocated", FUND, ALLOCATED, service, officer_of(algorithm), actor=OFFICER)
    return log


def service_of(algorithm: Algorithm) -> Signer:
    return signer_from_seed(algorithm, bytes(range(100, 132)))


def judged(log: SampleLog, algorithm: Algorithm) -> EntryBroken:
    log.checkpoint(service_of(algorithm))
    with pytest.raises(EntryBroken) as broken:
        verify_log(log.entries, log.notes, RULES)
    return broken.value


@pytest.mark.parametrize("algorithm", Algorithm)
def test_officers_and_the_ledger_sign_under_every_suite(algorithm: Algorithm) -> None:
    log = log_of(algorithm)
    log.checkpoint(service_of(algorithm))

    assert verify_log(log.entries, log.notes, RULES) == log.edge()


@pytest.mark.parametrize("algorithm", Algorithm)
@pytest.mark.parametrize("other", Algorithm)
def test_a_key_registered_under_another_algorithms_name_is_named(
    algorithm: Algorithm, other: Algorithm
) -> None:
    if algorithm is other:
        return
    log = log_of(Algorithm.ED25519)
    key = signer_from_seed(algorithm, bytes(range(7, 39))).public_key
    as_it_is = key_data(key)
    for lie in (
        {**as_it_is, "algorithm": other.value},
        {**as_it_is, "algorithm": other.value, "key_id": type(key)(other, key.raw).key_id},
    ):
        forged = SampleLog(list(log.entries), [], dict(log.versions))
        service = service_of(Algorithm.ED25519)
        position = forged.record(
            "officer.key_registered", OFFICER, {**lie, "custody": OWN_CUSTODY}, service
        ).position

        broken = judged(forged, Algorithm.ED25519)

        assert (broken.position, broken.field) == (position, "data.key_id")


@pytest.mark.parametrize("algorithm", NEW_SUITES)
def test_a_key_of_a_new_suite_does_not_vouch_for_itself(algorithm: Algorithm) -> None:
    log = log_of(Algorithm.ED25519)
    own = signer_from_seed(algorithm, bytes(range(9, 41)))
    position = log.record(
        "service_key.registered", str(UUID(int=12)), key_data(own.public_key), own
    ).position

    broken = judged(log, Algorithm.ED25519)

    assert (broken.position, own.public_key.key_id in broken.field) == (position, True)


@pytest.mark.parametrize("algorithm", Algorithm)
@pytest.mark.parametrize(
    "moved",
    [
        pytest.param({"stream": OTHER_FUND, "version": 1}, id="another stream"),
        pytest.param({"version": 2}, id="a further version of the stream"),
        pytest.param({"data": {"amount_fen": 6_000_001}}, id="another amount"),
    ],
)
def test_an_officers_signature_is_replayed_nowhere(
    algorithm: Algorithm, moved: dict[str, Any]
) -> None:
    log = log_of(algorithm)
    told = {"stream": FUND, "data": ALLOCATED, **moved}
    payload = canonical_json(
        log.payload("fund.allocated", told["stream"], told["data"], actor=OFFICER) | moved
    )
    replayed = decode(log.entries[4].envelope).signatures[1]
    own = sign(payload, service_of(algorithm))
    log.append("fund.allocated", told["stream"], encode(payload, [*own, replayed]))

    broken = judged(log, algorithm)

    assert broken.position == 5
    assert replayed.keyid in broken.field


@pytest.mark.parametrize("algorithm", Algorithm)
def test_an_officers_signature_for_one_ledger_is_no_signature_for_another(
    algorithm: Algorithm,
) -> None:
    # The same officer, with the same key, serves two ledgers.
    log = log_of(algorithm)
    elsewhere = canonical_json(
        log.payload("fund.allocated", FUND, ALLOCATED, actor=OFFICER)
        | {"origin": "other.example/relief"}
    )
    here = canonical_json(log.payload("fund.allocated", FUND, ALLOCATED, actor=OFFICER))
    [signed] = sign(elsewhere, officer_of(algorithm))
    whole = log_of(algorithm)
    whole.append(
        "fund.allocated", FUND, encode(elsewhere, [*sign(elsewhere, service_of(algorithm)), signed])
    )
    log.append("fund.allocated", FUND, encode(here, [*sign(here, service_of(algorithm)), signed]))

    assert judged(whole, algorithm).field == "origin"
    assert signed.keyid in judged(log, algorithm).field


@pytest.mark.parametrize("algorithm", NEW_SUITES)
def test_the_retired_suite_signs_no_more(algorithm: Algorithm) -> None:
    log = log_of(algorithm)
    position = log.record("fund.drawn", FUND, {"amount_fen": 1}, SERVICE_SIGNER).position

    broken = judged(log, algorithm)

    assert broken.position == position
    assert SERVICE_SIGNER.public_key.key_id in broken.field


def test_an_sm2_signature_has_no_second_form() -> None:
    # Whoever could write another valid signature over one payload could change the leaf unseen.
    log = log_of(Algorithm.SM2_SM3)
    entry = log.entries[4]
    opened = decode(entry.envelope)
    service, officer = opened.signatures
    r, s = int.from_bytes(officer.sig[:32]), int.from_bytes(officer.sig[32:])
    for other in ((r, N - s), (N - r, s), (N - r, N - s), (s, r)):
        sig = b"".join(each.to_bytes(32) for each in other)
        forged = SampleLog(log.entries[:4], [], {})
        written = encode(opened.payload, [service, Signature(officer.keyid, sig)])
        forged.append("fund.allocated", FUND, written)

        assert officer.keyid in judged(forged, Algorithm.SM2_SM3).field

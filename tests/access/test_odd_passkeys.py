"""Answers that no browser gives and no authenticator makes: each is refused, none is a bug."""

from collections.abc import Iterator
from typing import Any

import cbor2

from tests.access.authenticator import Authenticator, padless, unpadded
from tests.access.ceremonies import OURS, REFUSED, add, added, sign_in, to_add, to_sign_in
from tests.api.service import Service
from tests.api.staging import refusal


def odd_answers(good: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Return answers that no browser gives; the challenge in most of them is in force."""
    yield from ({}, {"response": None}, {"response": []}, {**good, "rawId": 7, "id": None})
    for client in (b"", b"\xff", b"[]", b'"x"', b"null", b'{"challenge": 7}', b"[" * 100_000):
        yield {**good, "response": {**good["response"], "clientDataJSON": padless(client)}}
    yield {**good, "response": {**good["response"], "clientDataJSON": "é"}}
    yield {**good, "id": "AAAA"}
    yield {**good, "type": "password"}
    yield {name: value for name, value in good.items() if name != "type"}
    for part in sorted(set(good["response"]) - {"clientDataJSON"}):
        odd: tuple[object, ...] = (None, 7, "", "é", "AA", [], {}, padless(b"\x9f" * 5000))
        for value in odd:
            yield {**good, "response": {**good["response"], part: value}}


def test_no_odd_answer_signs_in_or_breaks_anything(service: Service) -> None:
    passkey = added(service)
    given = list(odd_answers(passkey.get(to_sign_in(service), OURS)))

    for number in range(len(given)):
        good = passkey.get(to_sign_in(service), OURS)
        answer = sign_in(service, list(odd_answers(good))[number])
        assert refusal(answer) == REFUSED, list(given[number])


def odd_attestations(data: bytes) -> Iterator[object]:
    yield from ([], 7, {}, {"fmt": "none"}, {"fmt": "none", "attStmt": {}, "authData": 7})
    for cut in (0, 36, 37, 54, 60, 90, len(data) - 1):
        yield {"fmt": "none", "attStmt": {}, "authData": data[:cut]}
    statements: tuple[object, ...] = (
        {},
        {"alg": -7, "sig": b"x"},
        {"alg": -7, "sig": b"x", "x5c": [b"x"]},
        {"alg": -257, "sig": b"x", "x5c": [b"x"], "ver": "2.0", "certInfo": b"x", "pubArea": b"x"},
        {"ver": "1", "response": b"x"},
        {"ver": "1", "response": b"e30.e30.e30"},
        {"x5c": 7, "sig": "x", "alg": "x"},
        [],
    )
    for kind in ("packed", "tpm", "android-key", "android-safetynet", "fido-u2f", "apple", "é"):
        for statement in statements:
            yield {"fmt": kind, "attStmt": statement, "authData": data}
    keys: tuple[object, ...] = ({}, {1: 2}, {1: 2, 3: -7, -1: 1, -2: b"", -3: b""}, [], 7)
    for key in keys:
        yield {"fmt": "none", "attStmt": {}, "authData": data[:87] + cbor2.dumps(key)}


def test_no_odd_attestation_is_kept_or_breaks_anything(service: Service) -> None:
    def attested() -> tuple[Any, bytes]:
        good = Authenticator().create(to_add(service), OURS)
        attestation: Any = cbor2.loads(unpadded(good["response"]["attestationObject"]))
        return good, attestation["authData"]

    for number in range(len(list(odd_attestations(attested()[1])))):
        good, data = attested()
        odd = list(odd_attestations(data))[number]
        good["response"]["attestationObject"] = padless(cbor2.dumps(odd))
        assert refusal(add(service, good)) == REFUSED, odd
    assert to_add(service)["excludeCredentials"] == []

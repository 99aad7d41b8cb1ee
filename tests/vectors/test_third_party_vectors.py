"""Vectors that no one here made: every right case accepted, every wrong one refused."""

import json
from base64 import b64decode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ledger.errors import LedgerError
from ledger.evidence.canonical import NotCanonical, canonical_json, parse_canonical
from ledger.evidence.keys import Algorithm, PublicKey, SignatureBroken, verify
from ledger.evidence.merkle import verify_consistency, verify_inclusion
from ledger.evidence.verify import VerifySignature
from ledger.store.sodium import verify_signature
from tests.vectors.vector_files import vector_files, vector_folder

pytestmark = pytest.mark.vectors


def hashes(texts: list[str] | None) -> list[bytes]:
    return [b64decode(text) for text in texts or []]


def accepts(check: Callable[[], None]) -> bool:
    try:
        check()
    except LedgerError:
        return False
    return True


def inclusion_holds(case: dict[str, Any]) -> bool:
    leaf, root = b64decode(case["leafHash"] or ""), b64decode(case["root"] or "")
    path, index, size = hashes(case["proof"]), case["leafIdx"], case["treeSize"]
    return accepts(lambda: verify_inclusion(leaf, index, size, path, root))


def consistency_holds(case: dict[str, Any]) -> bool:
    root1, root2 = b64decode(case["root1"] or ""), b64decode(case["root2"] or "")
    size1, size2, path = case["size1"], case["size2"], hashes(case["proof"])
    return accepts(lambda: verify_consistency(size1, size2, root1, root2, path))


@pytest.mark.parametrize(
    ("folder", "holds", "at_least"),
    [("merkle/inclusion", inclusion_holds, 98), ("merkle/consistency", consistency_holds, 98)],
)
def test_merkle_proofs_are_accepted_and_refused_as_by_the_transparency_logs(
    folder: str, holds: Callable[[dict[str, Any]], bool], at_least: int
) -> None:
    wrong: list[Path] = []
    accepted = 0
    for file in vector_files(folder, "*.json", at_least):
        case = json.loads(file.read_text())
        accepted += not case["wantErr"]
        if holds(case) == case["wantErr"]:
            wrong.append(file)

    assert wrong == []
    assert accepted > 0


def test_canonical_json_is_byte_for_byte_that_of_the_standard_s_authors() -> None:
    folder = vector_folder("jcs")
    for file in vector_files("jcs/input", "*.json", 6):
        written = canonical_json(json.loads(file.read_text(encoding="utf-8")))

        assert written == (folder / "output" / file.name).read_bytes(), file.name
        in_hex = (folder / "outhex" / file.name).with_suffix(".txt").read_text()
        assert written == bytes.fromhex(in_hex), file.name


def test_canonical_json_is_read_from_its_output_but_never_from_its_input() -> None:
    for file in vector_files("jcs/input", "*.json", 6):
        with pytest.raises(NotCanonical):
            parse_canonical(file.read_bytes())
    for file in vector_files("jcs/output", "*.json", 6):
        data = file.read_bytes()
        if not any(isinstance(number, float) for number in numbers_in(json.loads(data))):
            assert canonical_json(parse_canonical(data)) == data


def numbers_in(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return numbers_in(list(value.values()))
    if isinstance(value, list):
        return [number for each in value for number in numbers_in(each)]
    return [value]


@pytest.mark.parametrize("check", [verify, verify_signature])
def test_ed25519_signatures_are_accepted_and_refused_as_by_wycheproof(
    check: VerifySignature,
) -> None:
    [file] = vector_files("ed25519", "ed25519_test.json", 1)
    suite = json.loads(file.read_text())
    wrong: list[int] = []
    count = 0
    for group in suite["testGroups"]:
        key = PublicKey(Algorithm.ED25519, bytes.fromhex(group["publicKey"]["pk"]))
        for case in group["tests"]:
            count += 1
            message, signature = bytes.fromhex(case["msg"]), bytes.fromhex(case["sig"])
            held = ed25519_holds(check, key, message, signature)
            if held != (case["result"] == "valid"):
                wrong.append(case["tcId"])

    assert wrong == []
    assert count == suite["numberOfTests"]


def ed25519_holds(check: VerifySignature, key: PublicKey, message: bytes, signature: bytes) -> bool:
    try:
        check(key, message, signature)
    except SignatureBroken:
        return False
    return True

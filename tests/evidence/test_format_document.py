"""FORMAT.md says what the code does: its vectors are those of the sample log."""

import json
import re
from pathlib import Path

from ledger import evidence
from ledger.evidence.log import verify_log
from ledger.evidence.proofs import Receipt, verify_receipt
from tests.evidence import sample_log
from tests.evidence.sample_log import LOG_KEY, RULES
from tests.evidence.sample_vectors import vectors
from tests.evidence.tiny_verifier import check_log

PAGE = Path(evidence.__path__[0], "FORMAT.md").read_text()


def written() -> dict[str, str]:
    return dict(re.findall(r"^```\w+ vector=(\S+)\n(.*?)\n```$", PAGE, re.DOTALL | re.MULTILINE))


def test_the_page_has_the_vectors_that_the_code_makes() -> None:
    assert written() == vectors()


def test_the_page_alone_is_enough_to_check_its_receipt() -> None:
    receipt = Receipt.from_json(json.loads(written()["receipt"]))

    checkpoint = verify_receipt(receipt, written()["envelope"].encode(), [LOG_KEY])

    assert checkpoint.root.hex() == written()["root"]


def test_both_verifiers_accept_the_sample_log() -> None:
    log = sample_log.sample_log()
    rows = [(e.position, e.stream, e.version, e.topic, e.envelope) for e in log.entries]
    known = {
        "origin": RULES.origin,
        "founding_key_id": RULES.founding_key_id,
        "officer_signed": RULES.officer_signed,
    }

    assert verify_log(log.entries, log.notes, RULES) == log.edge()
    check_log(rows, log.notes, known)


def test_the_tiny_verifier_is_tiny_and_imports_nothing_of_ours() -> None:
    source = Path(__file__).with_name("tiny_verifier.py").read_text()

    assert len(source.splitlines()) < 220
    assert not re.search(r"^(from|import) (ledger|projections|api|sample)", source, re.MULTILINE)

"""What an officer signs upon: the signature fits no other log, and holds what came before it."""

from base64 import b64encode
from typing import Any

import pytest

from ledger.evidence.canonical import Json
from tests.evidence.both_verifiers import entry_fault, fault_of
from tests.evidence.sample_log import (
    FUND,
    OFFICER,
    OFFICER_SIGNER,
    SERVICE_SIGNER,
    SampleLog,
    sample_log,
)

AT = 5
ROOT = b64encode(sample_log().edge().root()).decode()


def signed_upon(head: Json, log: SampleLog | None = None) -> SampleLog:
    """The sample log, in which an officer then signs upon a tree head."""
    log = log or sample_log()
    data = {"amount_fen": 1, "purpose": "春节慰问", "tree_head": head}
    log.record("fund.allocated", FUND, data, SERVICE_SIGNER, OFFICER_SIGNER, actor=OFFICER)
    log.checkpoint()
    return log


def root_of_first(size: int) -> str:
    before = SampleLog(sample_log().entries[:size])
    return b64encode(before.edge().root()).decode()


@pytest.mark.parametrize("size", range(AT + 1))
def test_any_root_that_the_log_had_may_be_signed_upon(size: int) -> None:
    assert fault_of(signed_upon({"root": root_of_first(size), "size": size})) is None


@pytest.mark.parametrize(
    "head",
    [
        None,
        ROOT,
        [ROOT, AT],
        {"root": ROOT},
        {"size": AT},
        {"root": ROOT, "size": AT, "origin": "ledger.example/relief"},
        {"root": ROOT, "size": str(AT)},
        {"root": ROOT, "size": True},
        {"root": ROOT, "size": -1},
        {"root": ROOT, "size": AT + 1},
        {"root": ROOT.removesuffix("="), "size": AT},
        {"root": b64encode(bytes(31)).decode(), "size": AT},
    ],
)
def test_what_is_no_tree_head_of_the_log_so_far_is_refused(head: Any) -> None:
    assert entry_fault(signed_upon(head)) == (AT, "data.tree_head")


@pytest.mark.parametrize("size", [0, 3, 4])
def test_another_root_than_the_log_had_is_refused(size: int) -> None:
    assert entry_fault(signed_upon({"root": ROOT, "size": size})) == (AT, "data.tree_head")


def rewritten(head: Json) -> SampleLog:
    """The operator, who has the service's key, writes an entry anew and all that came behind it.

    Every one of their own signatures and checkpoints is made again; the officer's is not theirs.
    """
    honest, log = signed_upon(head) if head else sample_log(), SampleLog()
    for entry in honest.entries[:4]:
        log.append(entry.topic, entry.stream, entry.envelope)
    log.record("fund.drawn", FUND, {"amount_fen": 50_000})
    for entry in honest.entries[5:]:
        log.append(entry.topic, entry.stream, entry.envelope)
    log.checkpoint()
    return log


def test_what_officers_signed_upon_nobody_writes_anew_without_their_key() -> None:
    assert entry_fault(rewritten({"root": ROOT, "size": AT})) == (AT, "data.tree_head")
    # Nobody signed upon it: this is what only a checkpoint kept elsewhere would show.
    assert fault_of(rewritten(None)) is None

"""Ask our verifier and the tiny one about the same log; they must agree."""

from collections.abc import Iterable

from ledger.evidence.log import CheckpointDiffers, verify_log
from ledger.evidence.verify import EntryBroken, Rules
from tests.evidence import tiny_verifier
from tests.evidence.sample_log import RULES, SampleLog

Fault = EntryBroken | CheckpointDiffers


def tiny_accepts(log: SampleLog, rules: Rules = RULES) -> bool:
    rows = [(e.position, e.stream, e.version, e.topic, e.envelope) for e in log.entries]
    known = {
        "origin": rules.origin,
        "founding_key_id": rules.founding_key_id,
        "officer_signed": rules.officer_signed,
    }
    try:
        tiny_verifier.check_log(rows, log.notes, known)
    except tiny_verifier.REFUSALS:
        return False
    return True


def fault_of(log: SampleLog, rules: Rules = RULES) -> Fault | None:
    """Return what our verifier finds (None: nothing), once the tiny one has said the same."""
    fault = _our_fault(log, rules)
    assert tiny_accepts(log, rules) == (fault is None), f"they differ; ours: {fault}"
    return fault


def _our_fault(log: SampleLog, rules: Rules) -> Fault | None:
    try:
        verify_log(log.entries, log.notes, rules)
    except (EntryBroken, CheckpointDiffers) as fault:
        return fault
    return None


def entry_fault(log: SampleLog, rules: Rules = RULES) -> tuple[int, str]:
    """Return position and field at fault."""
    fault = fault_of(log, rules)
    assert isinstance(fault, EntryBroken), fault
    return fault.position, fault.field


def checkpoint_fault(log: SampleLog) -> tuple[int, int | None]:
    """Return the size of the checkpoint at fault, and of the last good one."""
    fault = fault_of(log)
    assert isinstance(fault, CheckpointDiffers), fault
    return fault.size, fault.last_good_size


def all_refused(logs: Iterable[SampleLog]) -> bool:
    return all(fault_of(log) is not None for log in logs)

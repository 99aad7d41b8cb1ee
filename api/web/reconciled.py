"""A batch's money held against itself: signed, written for the bank, instructed, answered."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from ledger.domain.disbursement import Status
from ledger.domain.policy import Channel
from projections.answers import FAILED, SETTLED, Standing
from projections.bank_files import BankFileSums
from projections.batches import BankStatement, Batch

Tone = Literal["plain", "good", "bad", "doubt"]


@dataclass(frozen=True, slots=True)
class Bar:
    """A figure with its share of the largest, in hundredths; `what` is a code that has a word."""

    what: str
    fen: int | None
    share: int
    tone: Tone


@dataclass(frozen=True, slots=True)
class Check:
    """Two figures that must be the same; `difference_fen` is None while one of them is to come."""

    what: str
    left_fen: int | None
    right_fen: int | None

    @property
    def difference_fen(self) -> int | None:
        if self.left_fen is None or self.right_fen is None:
            return None
        return self.left_fen - self.right_fen


@dataclass(frozen=True, slots=True)
class Reconciled:
    """`odd_count` payments are told otherwise by the bank; equal amounts among them cancel out."""

    bars: tuple[Bar, ...]
    checks: tuple[Check, ...]
    odd_count: int

    @property
    def holds(self) -> bool:
        return not self.odd_count and not any(check.difference_fen for check in self.checks)


def reconciled(
    batch: Batch,
    payments: Sequence[Standing],
    answers: Sequence[BankStatement],
    files: BankFileSums | None = None,
) -> Reconciled:
    """Hold what an approver signed against what went to the bank, came back, and is on record.

    Each figure has a source of its own: the approval, the files that were written (what they say,
    and what their rows were approved for), the bank's lines or the certified sheets, and the
    payments; so one that was altered shows.
    """
    card = batch.channel == Channel.BANK_CARD
    approved = _last(batch, "approved")
    certified = _certified(batch)
    sent = files.sent_fen if files else None
    of = {status: _sum(payments, status=status) for status in Status}
    instructed = sum(of.values()) if approved is not None else None
    arrived = of[Status.SETTLED] + of[Status.SIGNED]
    withdrawn = of[Status.WITHDRAWN]
    bars: tuple[tuple[str, int | None, Tone], ...] = (
        ("approved", approved, "plain"),
        ("exported", sent, "plain") if card else ("certified", certified, "plain"),
        ("arrived", arrived, "good"),
        ("returned", of[Status.RETURNED], "bad"),
        *((("withdrawn", withdrawn, "plain"),) if withdrawn else ()),
        ("in_transit", of[Status.IN_TRANSIT], "doubt"),
    )
    most = max([fen or 0 for _, fen, _ in bars] + [1])
    checks = [Check("approved_instructed", approved, instructed)]
    if card:
        answered = _sum(payments, outcome=SETTLED), _sum(payments, outcome=FAILED)
        checks += [
            Check(
                "approved_exported",
                files.listed_fen if files else None,
                files.total_fen if files and files.listed_fen is not None else None,
            ),
            Check("bank_arrived", answered[0] if answers or arrived else None, arrived),
            Check("bank_returned", answered[1] if answers else None, of[Status.RETURNED]),
        ]
    else:
        checks.append(Check("certified_signed", certified, arrived))
    return Reconciled(
        tuple(Bar(what, fen, (fen or 0) * 100 // most, tone) for what, fen, tone in bars),
        tuple(checks),
        sum(each.count for each in payments if card and not each.agrees),
    )


def _sum(
    payments: Sequence[Standing], *, status: str | None = None, outcome: str | None = None
) -> int:
    """Sum up payments that stand so, or of which the bank said so.

    What failed and is on its way again is not counted as failed: its answer is still to come. Nor
    is what failed, was to go again and was withdrawn instead.
    """
    return sum(
        each.total_fen
        for each in payments
        if (status is None or each.status == status)
        and (outcome is None or each.outcome == outcome)
        and (outcome != FAILED or each.status not in (Status.IN_TRANSIT, Status.WITHDRAWN))
    )


def _last(batch: Batch, step: str) -> int | None:
    return next((each.total_fen for each in reversed(batch.steps) if each.step == step), None)


def _certified(batch: Batch) -> int | None:
    sheets = [each.total_fen or 0 for each in batch.steps if each.step == "certified"]
    return sum(sheets) if sheets else None

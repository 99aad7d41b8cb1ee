"""Attempts at a payment: where it was sent each time before the last, and what the bank said.

A bank hands its return files out again, and some of them list a whole batch each time. What such a
file says of an attempt that was answered before is no answer to the one that followed it.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from ledger.domain.disbursement import Disbursement
from ledger.domain.sealed import Sealed
from ledger.files.bank import Outcome, ReturnLine
from ledger.store.application import Ledger

Payee = Callable[[Sealed], tuple[str | None, tuple[str, ...]]]
"""Opens what a payment's payee is sealed as: the account (None: of a person who was erased), and
the names that a bank may say."""

Word = tuple[Outcome, str, str | None]
"""Outcome, reason and the bank's own code; of a success the outcome alone."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """An attempt that another followed, which was instructed at the position `followed_at`."""

    account: str | None = field(repr=False)
    names: tuple[str, ...] = field(repr=False)
    said: frozenset[Word]
    followed_at: int

    def said_as(self, line: ReturnLine) -> bool:
        """Say whether the bank said of this attempt, before, what a line says."""
        return _word(line.outcome, line.reason, line.raw_code) in self.said


def earlier_attempts(ledger: Ledger, payment: Disbursement, payee: Payee) -> tuple[Attempt, ...]:
    """Return the attempts at a payment before its last one, the first of all first.

    One that was withdrawn is none: the bank was sent nothing of it.
    """
    if not payment.reissuers:
        return ()
    positions = dict(ledger.log.select_stream_positions(payment.id))
    found: list[Attempt] = []
    sealed: Sealed | None = None
    said: set[Word] = set()
    for event in ledger.events.get(payment.id, lte=payment.version):
        match event:
            case Disbursement.Instructed() | Disbursement.Reissued():
                if sealed is not None:
                    at = positions[event.originator_version]
                    found.append(Attempt(*payee(sealed), frozenset(said), at))
                sealed, said = event.payee, set()
            case Disbursement.Withdrawn():
                sealed = None
            case Disbursement.Settled():
                said.add(_word(Outcome.SETTLED, None, None))
            case Disbursement.Returned():
                said.add(_word(Outcome.FAILED, event.reason, event.raw_code))
            case Disbursement.Unresolved():
                said.add(_word(Outcome.PENDING, event.reason, event.raw_code))
            case _:
                pass
    return tuple(found)


def instructed_at(ledger: Ledger, payment: Disbursement) -> int | None:
    """Return the position at which a payment was instructed anew; None: it was not, ever."""
    if not payment.reissuers:
        return None
    return dict(ledger.log.select_stream_positions(payment.id))[payment.attempt]


def _word(outcome: Outcome, reason: str | None, raw_code: str | None) -> Word:
    return (outcome, "", None) if outcome is Outcome.SETTLED else (outcome, reason or "", raw_code)

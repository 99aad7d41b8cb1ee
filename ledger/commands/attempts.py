"""Attempts at a payment: where it was sent each time before the last, and what the bank said.

A bank hands its return files out again, and some of them list a whole batch each time. What such a
file says of an attempt that was answered before is no answer to the one that followed it.
"""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from uuid import UUID

from ledger.domain.disbursement import Disbursement, Status
from ledger.domain.sealed import Sealed
from ledger.domain.statement import Statement
from ledger.files.bank import Outcome, ReturnLine
from ledger.files.reasons import DUPLICATE
from ledger.store.application import Ledger

Payee = Callable[[Sealed], tuple[str | None, tuple[str, ...]]]
"""Opens what a payment's payee is sealed as: the account (None: of a person who was erased), and
the names that a bank may say."""

Word = tuple[Outcome, str, str | None]
"""Outcome, reason and the bank's own code; of a success the outcome alone."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """An attempt that another followed, which was instructed at the position `followed_at`.

    `untold`: its money came back by a line of a statement, and no return file said so. `version` is
    that of the payment at which it was instructed, and `taken_back` what is on record of it that
    the bank said since another followed.
    """

    account: str | None = field(repr=False)
    names: tuple[str, ...] = field(repr=False)
    said: frozenset[Word]
    followed_at: int
    untold: bool = False
    version: int = 1
    taken_back: frozenset[Outcome] = frozenset()

    def said_as(self, line: ReturnLine) -> bool:
        """Say whether it was known of this attempt, before, what a line says.

        That it failed is one word, whatever the reason: a bank tells one failure by several codes,
        and a line of a statement by none.
        """
        if line.outcome is Outcome.FAILED:
            return any(outcome is Outcome.FAILED for outcome, _, _ in self.said)
        return _word(line.outcome, line.reason, line.raw_code) in self.said

    def is_taken_back_by(self, line: ReturnLine) -> bool:
        """Say whether the bank takes back, by a word that is no failure, that it failed.

        As of a last attempt (`is_news_of_returned`): what arrived first, or was brought back by a
        line of a statement, an older word is told of late.
        """
        outcomes = {outcome for outcome, _, _ in self.said}
        return (
            line.outcome is not Outcome.FAILED
            and Outcome.FAILED in outcomes
            and Outcome.SETTLED not in outcomes
            and not self.untold
            and not self.said_as(line)
        )


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
    untold, version = False, 1
    taken_back = defaultdict[int, set[Outcome]](set)
    for event in ledger.events.get(payment.id, lte=payment.version):
        match event:
            case Disbursement.Instructed() | Disbursement.Reissued():
                if sealed is not None:
                    at = positions[event.originator_version]
                    found.append(Attempt(*payee(sealed), frozenset(said), at, untold, version))
                sealed, said, untold = event.payee, set(), False
                version = event.originator_version
            case Disbursement.Withdrawn():
                sealed = None
            case Disbursement.Settled():
                said.add(_word(Outcome.SETTLED, None, None))
            case Disbursement.Returned():
                said |= _failure(event)
                untold = not was_told_by_file(ledger, event)
            case Disbursement.Unresolved():
                said.add(_word(Outcome.PENDING, event.reason, event.raw_code))
            case Disbursement.ArrivedBefore():
                taken_back[event.attempt].add(Outcome(event.outcome))
            case _:
                pass
    return tuple(replace(each, taken_back=frozenset(taken_back[each.version])) for each in found)


def was_told_by_file(ledger: Ledger, returned: Disbursement.Returned) -> bool:
    """Say whether a return file told of a return; else a line of a statement brought the money."""
    if returned.raw_code is not None:  # which no statement has
        return True
    told_by = ledger.event(returned.statement_id, 1)
    return isinstance(told_by, Statement.Received)


def is_news_of_returned(ledger: Ledger, payment_id: UUID, version: int, line: ReturnLine) -> bool:
    """Say whether the bank takes back, by a word that is no failure, that a payment failed.

    It does where a file had said that it failed, and not before that what it says now. Of what
    arrived first, or was brought back by a line of a statement, an older word is told late.
    """
    said, returned = set[Word](), None
    for event in ledger.events.get(payment_id, lte=version):
        match event:
            case Disbursement.Instructed() | Disbursement.Reissued():
                said = set()
            case Disbursement.Unresolved():
                said.add(_word(Outcome.PENDING, event.reason, event.raw_code))
            case Disbursement.Returned():
                returned = event
                said |= _failure(event)
            case _:
                pass
    return (
        returned is not None
        and returned.was == Status.IN_TRANSIT
        and was_told_by_file(ledger, returned)
        and _word(line.outcome, line.reason, line.raw_code) not in said
    )


def instructed_at(ledger: Ledger, payment: Disbursement) -> int | None:
    """Return the position at which a payment was instructed anew; None: it was not, ever."""
    if not payment.reissuers:
        return None
    return dict(ledger.log.select_stream_positions(payment.id))[payment.attempt]


def _word(outcome: Outcome, reason: str | None, raw_code: str | None) -> Word:
    return (outcome, "", None) if outcome is Outcome.SETTLED else (outcome, reason or "", raw_code)


def _failure(event: Disbursement.Returned) -> set[Word]:
    """Return what was said by a return: that it is a duplicate was read as a failure once."""
    words = {_word(Outcome.FAILED, event.reason, event.raw_code)}
    if event.reason == DUPLICATE.code:
        words.add(_word(Outcome.PENDING, event.reason, event.raw_code))
    return words

"""Attempts at a payment: where it was sent each time before the last, and what the bank said.

A bank hands its return files out again, and some of them list a whole batch each time. What such a
file says of an attempt that was answered before is no answer to the one that followed it.
"""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from uuid import UUID

from ledger.domain.batch import Batch
from ledger.domain.book_item import BookItem, book_item_id
from ledger.domain.disbursement import Disbursement
from ledger.domain.sealed import Sealed
from ledger.files.bank import Outcome, ReturnLine
from ledger.store.application import Ledger, Work

Payee = Callable[[Sealed], tuple[str | None, tuple[str, ...]]]
"""Opens what a payment's payee is sealed as: the account (None: of a person who was erased), and
the names that a bank may say."""

ANSWERS = (Disbursement.Settled, Disbursement.Returned, Disbursement.Unresolved)

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


class Debits:
    """What of a batch's money met a debit of the bank.

    The payments of a batch leave together; what is made again leaves by itself.
    """

    def __init__(self, work: Work, batch: Batch) -> None:
        self._work = work
        self._batch = batch

    def met(self, payment: Disbursement) -> bool:
        """Say whether the money of a payment did, as it was instructed last."""
        if payment.reissuers:
            return self._is_matched(payment.id, payment.attempt)
        return self._payout_met

    @cached_property
    def _payout_met(self) -> bool:
        return self._is_matched(self._batch.id, self._batch.approval)

    def _is_matched(self, source_id: UUID, version: int) -> bool:
        item = self._work.find(BookItem, book_item_id(source_id, version))
        return item is not None and item.match_id is not None


class Sent:
    """The files that were written for the bank of a batch, and when each was."""

    def __init__(self, ledger: Ledger, batch: Batch) -> None:
        self._ledger = ledger
        self._batch = batch

    def holding(self, number: int, since: int | None) -> frozenset[int]:
        """Return which of the files may hold a row's payment, the first counted as 0.

        Args:
            number: The row.
            since: The position at which it was instructed anew: files before that do not count.
        """
        return frozenset(
            index
            for index, file in enumerate(self._batch.files)
            if file.may_hold(number) and (since is None or self._written[index] > since)
        )

    def was_answered(self, payment: Disbursement, files: frozenset[int]) -> bool:
        """Say whether the bank said anything of a payment since one of some files was written.

        Of one that the file may hold, that is.
        """
        since = min(
            (self._written[each] for each in files if self._held(each, payment)), default=None
        )
        if since is None or not payment.answered:
            return False
        positions = dict(self._ledger.log.select_stream_positions(payment.id))
        return any(
            positions[event.originator_version] > since
            for event in self._ledger.events.get(payment.id, lte=payment.version)
            if isinstance(event, ANSWERS)
        )

    def _held(self, index: int, payment: Disbursement) -> bool:
        return self._batch.files[index].may_hold(payment.number)

    def is_old_to(
        self,
        number: int,
        since: int,
        outcome: Outcome,
        *,
        followed: Collection[int],
        decided: Callable[[], Iterable[int]],
    ) -> bool:
        """Say whether a return can be no answer to what was instructed anew at a position.

        No file that was written for the bank since then can hold it; or the return names an account
        that another took the place of by then. Or it names a payment that no file written since
        then can have held, since it was decided before: but a list of all that the bank ever did of
        a batch names that too, so it does not keep a success from counting.

        Args:
            number: The row.
            since: The position.
            outcome: What the return says of it.
            followed: Of accounts that it names and that were paid to before: where others followed.
            decided: Of payments that it names and that are not in transit: where they were decided.
        """
        if self._batch.files and not self.holding(number, since):
            return True
        if any(at <= since for at in followed):
            return True
        return outcome is not Outcome.SETTLED and any(at < since for at in decided())

    @cached_property
    def _written(self) -> list[int]:
        positions = dict(self._ledger.log.select_stream_positions(self._batch.id))
        return [positions[each.version] for each in self._batch.files]


def _word(outcome: Outcome, reason: str | None, raw_code: str | None) -> Word:
    return (outcome, "", None) if outcome is Outcome.SETTLED else (outcome, reason or "", raw_code)

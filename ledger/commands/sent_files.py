"""Files that were written for the bank of a batch: whom each may hold, and which it carried out."""

from collections.abc import Callable, Collection, Iterable
from datetime import date
from functools import cached_property
from uuid import UUID

from ledger.commands.attempts import instructed_at
from ledger.domain.bank_match import BankMatch
from ledger.domain.batch import Batch
from ledger.domain.book_item import BookItem, book_item_id
from ledger.domain.disbursement import Disbursement
from ledger.files.bank import Outcome
from ledger.files.reasons import DUPLICATE
from ledger.store.application import Ledger, Work

ANSWERS = (Disbursement.Settled, Disbursement.Returned)

Files = frozenset[int]
"""Files of a batch, the first that was written counted as 0."""


class Sent:
    """The files that were written for the bank of a batch, and when each was."""

    def __init__(self, ledger: Ledger, batch: Batch) -> None:
        self._ledger = ledger
        self.batch = batch
        self.every: Files = frozenset(range(len(batch.files)))
        self.counting = self.every - {n for n in self.every if batch.files[n].cancelled}

    def holding(self, number: int, since: int | None) -> Files:
        """Return which files may hold a row's payment: also cancelled ones, for banks err.

        Args:
            number: The row.
            since: The position at which it was instructed anew: files before that do not count.
        """
        return frozenset(
            index
            for index, file in enumerate(self.batch.files)
            if file.may_hold(number) and (since is None or self._written[index] > since)
        )

    def now_holding(self, payment: Disbursement) -> Files:
        """Return which files may hold a payment as it was instructed last."""
        return self.holding(payment.number, instructed_at(self._ledger, payment))

    def is_in_doubt(self, payment: Disbursement) -> bool:
        """Say whether the bank does not know what became of a payment, so that it is asked again.

        Where it refused it as seen before, that ends once every file is cancelled that may have
        held it by then: somebody asked, and answers for it that the bank carried none of them out.
        """
        if payment.doubted is None or not _is_seen_before(payment):
            return payment.unknown
        at = dict(self._ledger.log.select_stream_positions(payment.id))[payment.doubted[0]]
        meant = frozenset(n for n in self.now_holding(payment) if self._written[n] < at)
        return not meant or bool(meant & self.counting)

    def was_answered(self, payment: Disbursement, file: int, others: Files) -> bool:
        """Say whether the bank answered for a payment by a file, and by none of some others.

        That is, said anything of an attempt that was on its way when the file was written; one of
        the others that may hold the same attempt explains that as well. That it has seen the same
        before (重复) is no such word: by that it refuses what it was sent.
        """
        held, number = self.batch.files[file], payment.number
        if not (payment.answered and held.may_hold(number)):
            return False
        rivals = [each for each in others if self.batch.files[each].may_hold(number)]
        if held.is_told and not payment.reissuers and not _is_seen_before(payment):
            # Its one attempt was on its way and unanswered then, or the file would be without it.
            return not rivals
        positions = dict(self._ledger.log.select_stream_positions(payment.id))
        begun = 0
        events = list(self._ledger.events.get(payment.id, lte=payment.version))
        undone = {  # returns of somebody else: the bank said nothing of this payment
            each.corrects_version
            for each in events
            if isinstance(each, Disbursement.Corrected) and each.draws_again
        }
        for event in events:
            at = positions[event.originator_version]
            if isinstance(event, Disbursement.Instructed | Disbursement.Reissued):
                begun = at
            elif _is_answer(event) and event.originator_version not in undone:
                told_by = [n for n in (file, *rivals) if begun < self._written[n] < at]
                if told_by == [file]:
                    return True
        return False

    def is_old_to(
        self,
        number: int,
        since: int,
        outcome: Outcome,
        *,
        counting: Files,
        followed: Collection[int],
        decided: Callable[[], Iterable[int]],
    ) -> bool:
        """Say whether a return can be no answer to what was instructed anew at a position.

        No file that counts and was written for the bank since then can hold it; or the return names
        an account that another took the place of by then. Or it names a payment that no file
        written since then can have held, since it was decided before: but a list of all that the
        bank ever did of a batch names that too, so it does not keep a success from counting.

        Args:
            number: The row.
            since: The position.
            outcome: What the return says of it.
            counting: Files that the bank may have carried out.
            followed: Of accounts that it names and that were paid to before: where others followed.
            decided: Of payments that it names and that are not in transit: where they were decided.
        """
        if self.batch.files and not self.holding(number, since) & counting:
            return True
        if any(at <= since for at in followed):
            return True
        return outcome is not Outcome.SETTLED and any(at < since for at in decided())

    @cached_property
    def _written(self) -> list[int]:
        positions = dict(self._ledger.log.select_stream_positions(self.batch.id))
        return [positions[each.version] for each in self.batch.files]


def _is_seen_before(payment: Disbursement) -> bool:
    """Say whether the bank said last of a payment that it has seen the same before."""
    doubted = payment.doubted if payment.unknown else None
    return doubted is not None and doubted[1] == DUPLICATE.code


def _is_answer(event: object) -> bool:
    """Say whether an event is a word of the bank on what it carried out."""
    if isinstance(event, Disbursement.Unresolved):
        return event.reason != DUPLICATE.code
    return isinstance(event, ANSWERS)


class Debits:
    """What of a batch's money met a debit of the bank.

    The payments of a batch leave together; what is made again leaves by itself.
    """

    def __init__(self, work: Work, batch: Batch) -> None:
        self._work = work
        self._batch = batch

    def of(self, payment: Disbursement) -> date | None:
        """Return when the money of a payment did, as it was instructed last."""
        return self.alone(payment) if payment.reissuers else self._payout

    def alone(self, payment: Disbursement) -> date | None:
        """Return when the money of a payment did that was made again: nobody else's is in it."""
        return self._matched_on(payment.id, payment.attempt) if payment.reissuers else None

    @cached_property
    def _payout(self) -> date | None:
        return self._matched_on(self._batch.id, self._batch.approval)

    def _matched_on(self, source_id: UUID, version: int) -> date | None:
        """Return the last day in the match of a movement with lines of the bank, if any."""
        item = self._work.find(BookItem, book_item_id(source_id, version))
        if item is None or item.match_id is None:
            return None
        return self._work.get(BankMatch, item.match_id).booked_on


class CarriedOut:
    """Finds out, payment by payment, which of some files the bank carried out.

    It answered for a payment that the file held, or debited it, and none of some other files held
    the same: either may be what it carried out then.
    """

    def __init__(
        self, sent: Sent, debits: Debits, files: Files, others: Files = frozenset()
    ) -> None:
        self._sent = sent
        self._debits = debits
        self._others = others
        self._open = files
        self.found: Files = frozenset()

    @property
    def is_known(self) -> bool:
        """Whether all were carried out: no payment can tell more."""
        return not self._open

    def look_through(self, payments: Iterable[Disbursement]) -> None:
        """Look at payments, as long as they can tell more."""
        for payment in payments:
            if self.is_known:
                return
            self.look_at(payment, self._sent.now_holding(payment))

    def look_at(self, payment: Disbursement, held_now: Files) -> None:
        """Look at a payment, and at the files that may hold it as it was instructed last."""
        proven = {
            file
            for file in self._open
            if self._sent.was_answered(payment, file, self._others - {file})
            or (file in held_now and self._was_debited(payment, file, held_now))
        }
        self.found |= proven
        self._open -= proven

    def _was_debited(self, payment: Disbursement, file: int, held_now: Files) -> bool:
        day, files = self._debits.of(payment), self._sent.batch.files
        if day is None or day < files[file].written_on:
            return False
        return not any(files[each].written_on <= day for each in held_now & self._others - {file})

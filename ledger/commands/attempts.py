"""Attempts at a payment: where it was sent each time before the last, and what the bank said.

A bank hands its return files out again, and some of them list a whole batch each time. What such a
file says of an attempt that was answered before is no answer to the one that followed it.
"""

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from uuid import UUID

from ledger.domain.batch import Batch
from ledger.domain.disbursement import Disbursement, disbursement_id
from ledger.domain.sealed import Sealed
from ledger.files.bank import Outcome, ReturnLine
from ledger.store.application import Ledger, Work

LOOKED_AT_ONCE = 1_000

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
    if payment.reissued_by is None:
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


def may_be_sent(work: Work, batch: Batch, payment: Disbursement) -> bool:
    """Say whether the bank may have been sent a payment as it was instructed last.

    A file that was written since then may hold it; or none was ever written here and the bank
    answered all the same, so it was sent in another way.
    """
    if not batch.files:
        return any(_answered(work, batch))
    holding = [each for each in batch.files if each.may_hold(payment.number)]
    if not holding:
        return False
    log = work.ledger.log
    instructed = dict(log.select_stream_positions(payment.id))[payment.attempt]
    written = dict(log.select_stream_positions(batch.id))
    return any(written[each.version] > instructed for each in holding)


def _answered(work: Work, batch: Batch) -> Iterator[bool]:
    people = [row.person_id for row in batch.rows.values()]
    ids = [disbursement_id(batch.campaign_id, person) for person in people]
    for at in range(0, len(ids), LOOKED_AT_ONCE):
        found = work.glance_all(Disbursement, ids[at : at + LOOKED_AT_ONCE])
        yield any(each.answered for each in found.values())


class Sent:
    """What the bank was sent of a batch, and when: which file a return can be an answer to."""

    def __init__(
        self, ledger: Ledger, batch: Batch, decided: Collection[UUID], followed: Collection[int]
    ) -> None:
        """Take what a return file names.

        Args:
            ledger: The ledger.
            batch: Whose file it is.
            decided: Payments that are not in transit.
            followed: Where it names an account that was paid to before: at which positions another
                attempt followed.
        """
        self._ledger = ledger
        self._batch = batch
        self._ids = decided
        self._followed = followed

    def is_old_to(self, position: int, outcome: Outcome) -> bool:
        """Say whether the file can be no answer to what was instructed at a position.

        Nothing was written for the bank since then, though it was before; or the file names an
        account that another took the place of by then. Or it names a payment that no file written
        since then can have held, since it was decided before: but a list of all that the bank ever
        did of a batch names that too, so it does not keep a success from counting.
        """
        written = self._written
        if written and max(written) < position:
            return True
        if any(at <= position for at in self._followed):
            return True
        return outcome is not Outcome.SETTLED and any(at < position for at in self._decided())

    @cached_property
    def _written(self) -> list[int]:
        versions = {each.version for each in self._batch.files}
        every = self._ledger.log.select_stream_positions(self._batch.id)
        return [position for version, position in every if version in versions]

    def _decided(self) -> Iterable[int]:
        for id_ in self._ids:
            *_, (_, position) = self._ledger.log.select_stream_positions(id_)
            yield position


def _word(outcome: Outcome, reason: str | None, raw_code: str | None) -> Word:
    return (outcome, "", None) if outcome is Outcome.SETTLED else (outcome, reason or "", raw_code)

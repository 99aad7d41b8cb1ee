"""Bank return files: matched line by line to what was instructed, or refused as a whole."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from uuid import UUID

from ledger.commands.duties import require_post
from ledger.commands.funds import CASHIERS
from ledger.commands.return_matching import (
    FindAll,
    Match,
    Matched,
    TakenBack,
    match_return,
    payments_of,
)
from ledger.domain.batch import Batch, batch_id
from ledger.domain.disbursement import Disbursement
from ledger.domain.fund import FundAccount
from ledger.domain.matching_rules import file_reference
from ledger.domain.policy import Channel
from ledger.domain.statement import Statement, statement_id
from ledger.domain.values import Money
from ledger.errors import Kind, LedgerError
from ledger.files.bank import BankReturn, Outcome
from ledger.files.faults import refuse
from ledger.store.act import CommandAct
from ledger.store.application import Answer, Decide, Ledger, TooBusy, Work

Progress = Callable[[int, int], None]

STEP = 500
"""Payments between two words on how far one is."""


PIECE = 2_000
"""Payments whose outcomes are stored in one transaction."""

TRIES_MAX = 5


class StatementKnown(LedgerError):
    """This very file was taken in before."""

    code = "statement.known"
    kind = Kind.CONFLICT

    def __init__(self, batch: UUID, file_sha256: str) -> None:
        super().__init__(f"file {file_sha256[:16]} for batch {batch} was taken in before")


@dataclass(frozen=True, slots=True)
class ReturnFile:
    """What the bank sent back for a batch; `name` is for messages only."""

    batch_code: str
    name: str
    content: BankReturn = field(repr=False)


def receive_statement(
    ledger: Ledger, act: CommandAct, order: ReturnFile, progress: Progress | None = None
) -> Answer:
    """Take in a return file: each payment settles, comes back to its lots, or stays in transit.

    The result counts `settled`, `returned` and `unresolved`, and as `earlier` the lines that are
    about an attempt at a payment before the last one: they decide nothing any more. Where the bank
    takes back by such a line that it failed, its recipient may be paid twice: it counts as
    `paid_twice`, is on record and stays a finding until somebody looks into it. As `outdated` count
    those of which the bank did not know yet, and has said since what became of them. The file of a
    long batch is matched as a whole, and then stored in pieces, so that others need not wait and it
    takes little memory; one that was cut off in between is taken up again when it is handed in
    again.

    Args:
        ledger: The ledger.
        act: Who and when.
        order: The file, and the batch that it answers.
        progress: Is told how many steps of how many are done; each payment takes two.

    Raises:
        FileRefused: The file is of another batch, holds a line that was not instructed, leaves out
            one that was, or its control totals disagree; nothing is written then.
        StatementKnown: It was taken in before.
        WrongStage, WrongChannel: Not an approved card batch.
    """
    taking = _Taking(ledger, act, order, progress)
    batch = ledger.load(Batch, batch_id(order.batch_code))
    if batch is None or len(batch.rows) <= PIECE:
        return taking.at_once()
    return taking.in_pieces(batch)


class _Taking:
    """One file on its way in."""

    NAME = "statement.receive"

    def __init__(
        self, ledger: Ledger, act: CommandAct, order: ReturnFile, progress: Progress | None
    ) -> None:
        self._ledger = ledger
        self._act = act
        self._order = order
        self._progress = progress
        content = order.content
        self._request = (order.batch_code, content.bank_format, content.sha256)

    def at_once(self) -> Answer:
        def decide(work: Work) -> None:
            batch = self._answerable(work)
            told = _Told(self._progress, 2 * len(batch.rows))
            known = work.find(Statement, self._statement_id(batch))
            matched = self._matched(batch, known, work.find_all, told)
            self._decide(work, batch, matched, matched.decided, told)

        return self._ledger.perform(self._act, self.NAME, self._request, decide)

    def in_pieces(self, batch: Batch) -> Answer:
        """Match the whole without making others wait, then decide piece by piece."""
        ledger, act = self._ledger, self._act
        known = ledger.answered(act, self.NAME, self._request)
        if known is not None:
            return known
        bare = replace(act, idempotency_key=None)
        for _ in range(TRIES_MAX):
            ledger.perform(replace(bare, dry_run=True), self.NAME, None, self._check)
            batch = ledger.glance(Batch, batch.id) or batch
            told = _Told(self._progress, 2 * len(batch.rows))
            begun = ledger.glance(Statement, self._statement_id(batch))
            matched = self._matched(batch, begun, ledger.glance_all, told)
            matches = matched.decided
            pieces = [matches[at : at + PIECE] for at in range(0, len(matches), PIECE)] or [[]]
            try:
                for at, piece in enumerate(pieces):
                    last = act.dry_run or at == len(pieces) - 1
                    answer = ledger.perform(
                        act if last else bare,
                        self.NAME,
                        self._request,
                        self._piece(batch.version, matched, piece, told),
                    )
                    if act.dry_run:
                        return answer
            except _Moved:
                continue
            return answer
        raise TooBusy(TRIES_MAX)

    def _piece(self, seen: int, matched: Matched, piece: list[Match], told: "_Told") -> Decide:
        """Decide a piece of what was matched, if nobody decided anything about it since."""

        def decide(work: Work) -> None:
            batch = self._answerable(work)
            if batch.version != seen:
                raise _Moved
            self._decide(work, batch, matched, piece, told)

        return decide

    def _check(self, work: Work) -> None:
        self._answerable(work)

    def _answerable(self, work: Work) -> Batch:
        order, content = self._order, self._order.content
        batch = work.get(Batch, batch_id(order.batch_code))
        require_post(work, self._act, CASHIERS, batch.organisation_id)
        batch.require_answerable(Channel.BANK_CARD)
        known = work.find(Statement, self._statement_id(batch))
        if known is not None and known.is_whole:
            raise StatementKnown(batch.id, content.sha256)
        files = {file_reference(batch.code, file.number) for file in batch.files}
        if content.batch_code not in {None, batch.code, *files}:
            raise refuse(order.name, "bank_file.other_batch")
        if content.bank_format != batch.bank_format:
            raise refuse(order.name, "bank_file.other_format")
        return batch

    def _statement_id(self, batch: Batch) -> UUID:
        return statement_id(batch.id, self._order.content.sha256)

    def _matched(
        self, batch: Batch, statement: Statement | None, find_all: FindAll, told: "_Told"
    ) -> Matched:
        taken = statement.numbers if statement is not None else set()
        payments = payments_of(self._ledger, batch, find_all, told.step)
        name, content = self._order.name, self._order.content
        matched = match_return(self._ledger, batch, name, content, payments, taken)
        # Of a file that was cut off it was told with the first piece.
        return matched if statement is None else replace(matched, taken_back=[])

    def _decide(
        self,
        work: Work,
        batch: Batch,
        matched: Matched,
        piece: list[Match],
        told: "_Told",
    ) -> None:
        content = self._order.content
        statement = work.find(Statement, self._statement_id(batch))
        of_payment = defaultdict[UUID, list[TakenBack]](list)
        for each in matched.taken_back:
            of_payment[each.payment.id].append(each)
        if statement is None:
            statement = _statement(self._act, batch, content, matched.decided)
            for payment_id, words in of_payment.items():
                _tell_taken_back(work, self._act, statement, payment_id, words)
        self._ledger.keep_all([match.payment.id for match in piece])
        for match in piece:
            told.step()
            payment = work.get(Disbursement, match.payment.id)
            if payment.version != match.payment.version + len(of_payment.get(payment.id, ())):
                raise _Moved
            _decide_line(work, self._act, batch, statement, match, payment)
        work.save(statement)
        work.result.update(
            statement_id=str(statement.id),
            settled=statement.settled_count,
            returned=statement.returned_count,
            unresolved=statement.unresolved_count,
            earlier=len(matched.earlier),
            paid_twice=len(matched.taken_back),
            outdated=len(matched.outdated),
        )


class _Moved(Exception):
    """Somebody else decided about these payments, or their batch, after they were matched."""


class _Told:
    """Counts steps, and says so now and then to whoever wants to know."""

    def __init__(self, progress: Progress | None, total: int) -> None:
        self._progress = progress
        self._total = total
        self._done = 0

    def step(self) -> None:
        if self._progress is not None and self._done % STEP == 0:
            self._progress(self._done, self._total)
        self._done += 1


def _statement(
    act: CommandAct, batch: Batch, content: BankReturn, matches: list[Match]
) -> Statement:
    def of(outcome: Outcome) -> list[Money]:
        return [match.payment.row.amount for match in matches if match.outcome is outcome]

    return Statement.receive(
        act,
        batch_id=batch.id,
        bank_format=content.bank_format,
        file_sha256=content.sha256,
        line_count=len(content.lines),
        settled_count=len(of(Outcome.SETTLED)),
        settled_total=Money(sum(of(Outcome.SETTLED))),
        returned_count=len(of(Outcome.FAILED)),
        returned_total=Money(sum(of(Outcome.FAILED))),
        unresolved_count=len(of(Outcome.PENDING)),
    )


def _tell_taken_back(
    work: Work, act: CommandAct, statement: Statement, payment_id: UUID, words: list[TakenBack]
) -> None:
    payment = work.get(Disbursement, payment_id)
    if payment.version != words[0].payment.version:
        raise _Moved
    for each in words:
        payment.told_of_earlier(
            act,
            statement_id=statement.id,
            attempt=each.was.version,
            line=each.line.line,
            outcome=each.line.outcome.value,
            reason=each.line.reason,
            raw_code=each.line.raw_code,
        )
    work.save(payment)


def _decide_line(
    work: Work,
    act: CommandAct,
    batch: Batch,
    statement: Statement,
    match: Match,
    payment: Disbursement,
) -> None:
    line = match.line
    reason = (line.reason if line else None) or ""
    raw_code = line.raw_code if line else None
    statement.match_line(
        act,
        batch_id=batch.id,
        number=match.payment.row.number,
        line=line.line if line else None,
        disbursement_id=payment.id,
        outcome=match.outcome.value,
        reason=reason or None,
        raw_code=raw_code,
        amount=match.payment.row.amount,
    )
    if match.outcome is Outcome.SETTLED:
        payment.settle(act, statement_id=statement.id)
    elif match.outcome is Outcome.PENDING:
        payment.leave_unresolved(act, statement_id=statement.id, reason=reason, raw_code=raw_code)
    else:
        parts = payment.return_(act, statement_id=statement.id, reason=reason, raw_code=raw_code)
        fund = work.get(FundAccount, payment.fund_id)
        fund.restore(act, disbursement_id=payment.id, parts=parts)
        work.save(fund)
    work.save(payment)

"""Bank return files: matched line by line to what was instructed, or refused as a whole."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Protocol
from uuid import UUID

from ledger.commands.attempts import Attempt, Sent, earlier_attempts
from ledger.commands.batches import spelt
from ledger.commands.duties import require_post
from ledger.commands.funds import CASHIERS
from ledger.commands.sealing import PAYEE, card_index, unseal
from ledger.domain.aggregate import TRoot
from ledger.domain.batch import Batch, Row, batch_id
from ledger.domain.disbursement import Disbursement, Status, disbursement_id
from ledger.domain.fund import FundAccount
from ledger.domain.policy import Channel
from ledger.domain.sealed import Sealed
from ledger.domain.statement import Statement, statement_id
from ledger.domain.values import Money
from ledger.errors import Kind, LedgerError
from ledger.files.bank import BankReturn, Lists, Outcome, ReturnLine
from ledger.files.faults import refuse
from ledger.store.act import CommandAct
from ledger.store.application import Answer, Decide, Ledger, NotOnRecord, TooBusy, Work
from ledger.vault.keys import PersonErased

Progress = Callable[[int, int], None]

STEP = 500
"""Payments between two words on how far one is."""


PIECE = 2_000
"""Payments whose outcomes are stored in one transaction."""

LOADED_AT_ONCE = 500
"""Payments, and keys of their recipients, that are read in one query."""

TRIES_MAX = 5


class FindAll(Protocol):
    """Returns aggregates by id: a piece of work's own, or as the log has them now."""

    def __call__(self, cls: type[TRoot], ids: Sequence[UUID], /) -> Mapping[UUID, TRoot]: ...


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


@dataclass(frozen=True, slots=True)
class _Payment:
    """A payment of the batch; there are no account and names when its recipient has been erased.

    A bank names people as they are, or as it was agreed that its file spells them. `is_unknown` is
    one of which the bank said that it does not know yet, `earlier` what was tried before.
    """

    row: Row
    id: UUID
    status: Status
    account: str | None = field(repr=False)
    names: tuple[str, ...] = field(repr=False)
    card_index: str | None = field(repr=False)
    is_unknown: bool = False
    earlier: tuple[Attempt, ...] = ()


@dataclass(frozen=True, slots=True)
class _Match:
    payment: _Payment
    line: ReturnLine | None
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class _Matched:
    """What a file decides, in the order of the roster; `earlier` are rows that it tells old of."""

    decided: list[_Match]
    earlier: frozenset[int]


def receive_statement(
    ledger: Ledger, act: CommandAct, order: ReturnFile, progress: Progress | None = None
) -> Answer:
    """Take in a return file: each payment settles, comes back to its lots, or stays in transit.

    The result counts `settled`, `returned` and `unresolved`, and as `earlier` the lines that are
    about an attempt at a payment before the last one: they decide nothing any more. The file of a
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
            seen = ledger.size()
            ledger.perform(replace(bare, dry_run=True), self.NAME, None, self._check)
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
                        self._piece(matched, piece, told, seen if at == 0 else None),
                    )
                    if act.dry_run:
                        return answer
            except _Moved:
                continue
            return answer
        raise TooBusy(TRIES_MAX)

    def _piece(
        self, matched: _Matched, piece: list[_Match], told: "_Told", seen: int | None
    ) -> Decide:
        def decide(work: Work) -> None:
            if seen is not None and self._moved(matched.decided, seen):
                raise _Moved
            self._decide(work, self._answerable(work), matched, piece, told)

        return decide

    def _moved(self, matches: list[_Match], seen: int) -> bool:
        """Say whether somebody else decided something about these payments since they were read."""
        size = self._ledger.size()
        ids = {match.payment.id for match in matches} if size > seen else set()
        return any(
            each.event.originator_id in ids
            for start in range(seen, size, PIECE)
            for each in self._ledger.read(start, min(PIECE, size - start))
        )

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
        if content.batch_code not in (None, batch.code):
            raise refuse(order.name, "bank_file.other_batch")
        if content.bank_format != batch.bank_format:
            raise refuse(order.name, "bank_file.other_format")
        return batch

    def _statement_id(self, batch: Batch) -> UUID:
        return statement_id(batch.id, self._order.content.sha256)

    def _matched(
        self, batch: Batch, statement: Statement | None, find_all: FindAll, told: "_Told"
    ) -> _Matched:
        taken = statement.numbers if statement is not None else set()
        payments = _payments(self._ledger, batch, find_all, told)
        name, content = self._order.name, self._order.content
        of_card = partial(card_index, self._ledger)
        lines, before = _lines_by_number(name, content, payments, of_card)
        repeated = _repeated(self._ledger, batch, lines, before, payments)
        earlier = repeated | before.keys()
        lines = {number: line for number, line in lines.items() if number not in repeated}
        expected = _expected(batch, payments, {*lines, *earlier}, taken)
        matches = _match(name, content, payments, lines, expected)
        left = [each for each in matches if each.payment.row.number not in taken]
        return _Matched(left, frozenset(earlier))

    def _decide(
        self,
        work: Work,
        batch: Batch,
        matched: _Matched,
        piece: list[_Match],
        told: "_Told",
    ) -> None:
        content = self._order.content
        statement = work.find(Statement, self._statement_id(batch))
        if statement is None:
            statement = _statement(self._act, batch, content, matched.decided)
        self._ledger.keep_all([match.payment.id for match in piece])
        for match in piece:
            told.step()
            _decide_line(work, self._act, batch, statement, match)
        work.save(statement)
        work.result.update(
            statement_id=str(statement.id),
            settled=statement.settled_count,
            returned=statement.returned_count,
            unresolved=statement.unresolved_count,
            earlier=len(matched.earlier),
        )


class _Moved(Exception):
    """Somebody else decided about these payments while they were matched."""


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


def _payments(ledger: Ledger, batch: Batch, find_all: FindAll, told: _Told) -> dict[int, _Payment]:
    rows = list(batch.rows.values())
    payments: dict[int, _Payment] = {}
    for at in range(0, len(rows), LOADED_AT_ONCE):
        some = rows[at : at + LOADED_AT_ONCE]
        payments |= _some_payments(ledger, batch, some, find_all, told)
    return payments


def _some_payments(
    ledger: Ledger, batch: Batch, rows: list[Row], find_all: FindAll, told: _Told
) -> dict[int, _Payment]:
    id_of = {row.number: disbursement_id(batch.campaign_id, row.person_id) for row in rows}
    found = find_all(Disbursement, list(id_of.values()))
    ledger.vault.keep_all([row.person_id for row in rows])
    payments = {}
    for row in rows:
        told.step()
        id_ = id_of[row.number]
        payment = found.get(id_)
        if payment is None:
            raise NotOnRecord("disbursement", id_)
        payee = partial(_payee, ledger, batch, row)
        payments[row.number] = _Payment(
            row,
            payment.id,
            payment.status,
            *payee(payment.payee),
            payment.card_index,
            payment.unknown,
            earlier_attempts(ledger, payment, payee),
        )
    return payments


def _payee(
    ledger: Ledger, batch: Batch, row: Row, sealed: Sealed
) -> tuple[str | None, tuple[str, ...]]:
    try:
        payee = unseal(ledger, row.person_id, PAYEE, sealed)
    except PersonErased:
        return None, ()
    name = payee.get("name", "")
    return payee.get("card_number", ""), (name, spelt(ledger, batch, row, name))


@dataclass(frozen=True, slots=True)
class _Expected:
    """Payments that a file does not name, and that it might have to.

    All of them, those that the bank was asked about as far as we know, and these by the part of the
    batch that they were sent in. `whole` are those of the parts that the file names any of.
    """

    every: list[_Payment]
    asked: list[_Payment]
    parts: tuple[list[_Payment], list[_Payment]]
    whole: list[_Payment]


def _expected(
    batch: Batch, payments: dict[int, _Payment], named: set[int], taken: set[int]
) -> _Expected:
    """Return what a file that names some rows leaves out; `taken` it decided before.

    Not asked about are those whom the last file for the bank was without, and where some were tried
    again since, those of which the bank had said that it does not know yet. Whom one file was
    without, another holds alone: the answer to either need not name what the other holds.
    """
    every = [
        each
        for number, each in payments.items()
        if number not in named and (each.status is Status.IN_TRANSIT or number in taken)
    ]
    tried_again = any(each.earlier for each in payments.values())
    asked = [
        each
        for each in every
        if each.row.number not in batch.left_out and not (tried_again and each.is_unknown)
    ]
    first = [each for each in asked if each.row.number not in batch.sent_apart]
    later = [each for each in asked if each.row.number in batch.sent_apart]
    whole = asked if not named else []
    if named & batch.sent_apart:
        whole = whole + later
    if named - batch.sent_apart:
        whole = whole + first
    return _Expected(every, asked, (first, later), whole)


def _match(
    name: str,
    content: BankReturn,
    payments: dict[int, _Payment],
    lines: dict[int, ReturnLine],
    expected: _Expected,
) -> list[_Match]:
    """Say what the file decides of each payment, in the order of the roster.

    Where it lists failures alone, its totals say which of the others it vouches for.
    """
    vouched_for: list[_Payment] = []
    if content.lists is Lists.ALL and expected.whole:
        raise refuse(name, "bank_file.incomplete")
    if content.lists is Lists.FAILURES:
        possible = (expected.every, expected.asked, *expected.parts)
        fitting = [each for each in possible if _come_to(content, each)]
        if not fitting or any(each != fitting[0] for each in fitting):
            raise refuse(name, "bank_file.control_total")
        vouched_for = fitting[0]
    matches = [_Match(payments[number], line, line.outcome) for number, line in lines.items()]
    matches += [_Match(each, None, Outcome.SETTLED) for each in vouched_for]
    return sorted(filter(_says_something_new, matches), key=lambda match: match.payment.row.number)


def _come_to(content: BankReturn, payments: Sequence[_Payment]) -> bool:
    """Say whether payments are those that a file of failures vouches for by its totals."""
    total = sum(each.row.amount for each in payments)
    return (content.settled_count, content.settled_fen) == (len(payments), total)


def _lines_by_number(
    name: str,
    content: BankReturn,
    payments: dict[int, _Payment],
    of_card: Callable[[str], str | None],
) -> tuple[dict[int, ReturnLine], dict[int, int]]:
    """Find the one payment that each line is about: by number, or else by account.

    Of a recipient whose data may not be read, the account is known by its blind index. Apart from
    these, return the rows whose line names an account that was paid to before the last, and the
    position at which another attempt followed that one.
    """
    of_account: dict[str | None, list[_Payment]] = {}
    of_index: dict[str | None, list[_Payment]] = {}
    if any(line.number is None for line in content.lines):
        for each in payments.values():
            for account in {each.account, *(attempt.account for attempt in each.earlier)}:
                of_account.setdefault(account, []).append(each)
            if each.account is None:
                of_index.setdefault(each.card_index, []).append(each)
    lines: dict[int, ReturnLine] = {}
    before: dict[int, int] = {}
    for line in content.lines:
        if line.number is not None:
            near = [payments[line.number]] if line.number in payments else []
        else:
            near = of_account.get(line.account, [])
        found = [each for each in near if _same(line, each, each)]
        if not found and line.account and of_index and line.number is None:
            hidden = of_index.get(of_card(line.account), [])
            found = [each for each in hidden if line.amount_fen in (None, each.row.amount)]
        tried = [(each, was) for each in near for was in each.earlier if _same(line, each, was)]
        if len(found) == 1:
            lines[found[0].row.number] = line
        elif not found and len({each.id for each, _ in tried}) == 1:
            before[tried[-1][0].row.number] = tried[-1][1].followed_at
        else:
            raise refuse(name, "bank_file.unknown_line", row=line.line)
    return lines, {number: at for number, at in before.items() if number not in lines}


def _same(line: ReturnLine, payment: _Payment, paid_to: _Payment | Attempt) -> bool:
    """Say whether a line is about a payment: all that it carries must agree, and enough of it.

    Of an erased recipient, number and amount must do.
    """
    if line.amount_fen not in (None, payment.row.amount):
        return False
    if paid_to.account is None:
        return (line.number, line.amount_fen) == (payment.row.number, payment.row.amount)
    right_name = line.name is None or line.name in paid_to.names
    return right_name and line.account in (None, paid_to.account)


def _repeated(
    ledger: Ledger,
    batch: Batch,
    lines: dict[int, ReturnLine],
    before: dict[int, int],
    payments: dict[int, _Payment],
) -> frozenset[int]:
    """Return the rows of which a file says again what the bank had said of an earlier attempt.

    The same may come true of the last attempt too: the file has to be one that cannot answer it.
    """
    again = [
        (payments[number], line.outcome)
        for number, line in lines.items()
        if any(was.said_as(line) for was in payments[number].earlier)
    ]
    if not again:
        return frozenset()
    decided = [
        payments[each].id for each in lines if payments[each].status is not Status.IN_TRANSIT
    ]
    sent = Sent(ledger, batch, decided, before.values())
    return frozenset(
        each.row.number
        for each, outcome in again
        if sent.is_old_to(each.earlier[-1].followed_at, outcome)
    )


def _says_something_new(match: _Match) -> bool:
    """A later file may repeat a success, or bring back what had settled (退票)."""
    status = match.payment.status
    return status is Status.IN_TRANSIT or (
        status is Status.SETTLED and match.outcome is Outcome.FAILED
    )


def _statement(
    act: CommandAct, batch: Batch, content: BankReturn, matches: list[_Match]
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


def _decide_line(
    work: Work, act: CommandAct, batch: Batch, statement: Statement, match: _Match
) -> None:
    payment, line = work.get(Disbursement, match.payment.id), match.line
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

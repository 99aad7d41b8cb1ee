"""A bank's return file held against the payments of its batch: which line is about which."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Protocol
from uuid import UUID

from ledger.commands.attempts import (
    Attempt,
    earlier_attempts,
    instructed_at,
    is_news_of_returned,
)
from ledger.commands.bank_files import spelt
from ledger.commands.sealing import PAYEE, card_index, unseal
from ledger.commands.sent_files import Files, Sent
from ledger.domain.aggregate import TRoot
from ledger.domain.batch import Batch, Row
from ledger.domain.book_item import BookItem, book_item_id
from ledger.domain.disbursement import Disbursement, Status, disbursement_id
from ledger.domain.sealed import Sealed
from ledger.files.bank import BankReturn, Lists, Outcome, ReturnLine
from ledger.files.faults import refuse
from ledger.files.reasons import RETURNED
from ledger.store.application import Ledger, NotOnRecord
from ledger.vault.keys import PersonErased

LOADED_AT_ONCE = 500
"""Payments, and keys of their recipients, that are read in one query."""


class FindAll(Protocol):
    """Returns aggregates by id: a piece of work's own, or as the log has them now."""

    def __call__(self, cls: type[TRoot], ids: Sequence[UUID], /) -> Mapping[UUID, TRoot]: ...


@dataclass(frozen=True, slots=True)
class Payment:
    """A payment of the batch; there are no account and names when its recipient has been erased.

    A bank names people as they are, or as it was agreed that its file spells them. `is_unknown` is
    one of which the bank said that it does not know yet, `earlier` what was tried before,
    `instructed_at` where it was instructed anew, `attempt` the version of that, and `files` are
    those that may hold it since then.
    """

    row: Row
    id: UUID
    version: int
    status: Status
    account: str | None = field(repr=False)
    names: tuple[str, ...] = field(repr=False)
    card_index: str | None = field(repr=False)
    is_unknown: bool = False
    earlier: tuple[Attempt, ...] = ()
    instructed_at: int | None = None
    files: frozenset[int] = frozenset()
    attempt: int = 1


@dataclass(frozen=True, slots=True)
class Match:
    payment: Payment
    line: ReturnLine | None
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class _Before:
    """A line that names an account which was paid to before the last, and the attempt it was.

    `known`: of it, or of one before it to the same account, the bank had said the same before.
    """

    was: Attempt
    line: ReturnLine
    known: bool


_AllBefore = dict[int, list[_Before]]


def _each(before: _AllBefore) -> Iterator[tuple[int, _Before]]:
    """Return one by one, with its row, what lines say of accounts before the last."""
    return ((number, each) for number, some in before.items() for each in some)


@dataclass(frozen=True, slots=True)
class TakenBack:
    """A failure that the bank takes back too late: the payment went to another account since."""

    payment: Payment
    was: Attempt
    line: ReturnLine


@dataclass(frozen=True, slots=True)
class Matched:
    """What a file decides, in the order of the roster; `earlier` are rows that it tells old of.

    Of some of these it says by `taken_back` that somebody may be paid twice. `outdated` are rows of
    which it says that the bank did not know yet, and the bank has said since what became of them.
    """

    decided: list[Match]
    earlier: frozenset[int]
    taken_back: list[TakenBack]
    outdated: frozenset[int]


def payments_of(
    ledger: Ledger, batch: Batch, find_all: FindAll, step: Callable[[], None]
) -> dict[int, Payment]:
    """Return the payments of a batch by row; `step` is called for each.

    Raises:
        NotOnRecord: The batch was not approved.
    """
    rows, sent = list(batch.rows.values()), Sent(ledger, batch)
    payments: dict[int, Payment] = {}
    for at in range(0, len(rows), LOADED_AT_ONCE):
        some = rows[at : at + LOADED_AT_ONCE]
        payments |= _some_payments(ledger, batch, sent, some, find_all, step)
    return payments


def _some_payments(
    ledger: Ledger,
    batch: Batch,
    sent: Sent,
    rows: list[Row],
    find_all: FindAll,
    step: Callable[[], None],
) -> dict[int, Payment]:
    id_of = {row.number: disbursement_id(batch.campaign_id, row.person_id) for row in rows}
    found = find_all(Disbursement, list(id_of.values()))
    ledger.vault.keep_all([row.person_id for row in rows])
    payments = {}
    for row in rows:
        step()
        id_ = id_of[row.number]
        payment = found.get(id_)
        if payment is None:
            raise NotOnRecord("disbursement", id_)
        payee = partial(_payee, ledger, batch, row)
        since = instructed_at(ledger, payment)
        payments[row.number] = Payment(
            row,
            payment.id,
            payment.version,
            payment.status,
            *payee(payment.payee),
            payment.card_index,
            sent.is_in_doubt(payment),
            earlier_attempts(ledger, payment, payee),
            since,
            sent.holding(row.number, since),
            payment.attempt,
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


def match_return(
    ledger: Ledger,
    batch: Batch,
    name: str,
    content: BankReturn,
    payments: dict[int, Payment],
    taken: set[int],
) -> Matched:
    """Say what a return file decides of the payments of its batch.

    Args:
        ledger: The ledger.
        batch: The batch.
        name: Of the file, for messages only.
        content: The file.
        payments: Those of the batch, by row.
        taken: Of a file that was cut off, the rows that it decided before.

    Raises:
        FileRefused: It holds a line that was not instructed or was withdrawn, calls paid what it
            had called failed, as long as nobody is paid twice by that, leaves out one that was
            instructed, or its control totals disagree.
    """
    sent = Sent(ledger, batch)
    lines, before = _lines_by_number(name, content, payments, partial(card_index, ledger))
    repeated = _repeated(ledger, sent, lines, before, payments)
    earlier = repeated | before.keys()
    lines = {number: line for number, line in lines.items() if number not in repeated}
    outdated = _outdated(ledger, payments, lines, before)
    lines = {number: line for number, line in lines.items() if number not in outdated}
    _require_not_withdrawn(name, payments, lines, before)
    _require_not_failed_before(ledger, name, payments, lines)
    taken_back = _taken_back(ledger, sent, name, payments, lines, before, outdated)
    expected = _expected(batch, sent, payments, lines.keys(), earlier | outdated, taken)
    matches = _match(name, content, payments, lines, expected)
    left = [each for each in matches if each.payment.row.number not in taken]
    return Matched(left, frozenset(earlier - outdated), taken_back, outdated)


_Group = tuple[list[Payment], list[Payment]]


@dataclass(frozen=True, slots=True)
class _Expected:
    """Payments that a file does not name.

    `missing` are those that a list of all has to name. A list of failures may vouch for one of the
    `groups`, the likelier ones first: for all, for those that the bank was asked about as far as we
    know, or for these of one file; of files that count, or else of cancelled ones too. Of each
    group these are what its totals count, and for whom it vouches with that: those of whom it says
    again that they arrived are counted too.
    """

    missing: list[Payment]
    groups: list[list[_Group]]


def _expected(
    batch: Batch,
    sent: Sent,
    payments: dict[int, Payment],
    told: AbstractSet[int],
    earlier: AbstractSet[int],
    taken: set[int],
) -> _Expected:
    """Return what a file leaves out that tells of some rows, and old of others.

    `taken` it decided before.

    Not asked about are those whom no file for the bank may hold, and where some were tried again
    since, those of which the bank had said that it does not know yet. The answer to one file need
    not name what another holds: every row that it names is of a file that it names wholly.
    """
    named = told | earlier
    undecided = {
        number
        for number, each in payments.items()
        if each.status is Status.IN_TRANSIT or number in taken
    }
    left_open = undecided - named
    every = [each for number, each in payments.items() if number in left_open]
    tried_again = any(each.instructed_at is not None for each in payments.values())
    asked = [
        each
        for each in every
        if (each.files or not batch.files) and not (tried_again and each.is_unknown)
    ]
    of_file = [[each for each in asked if index in each.files] for index in range(len(batch.files))]
    held_by = {
        number: sent.holding(number, None) if payments[number].earlier else payments[number].files
        for number in named
    }
    held_by = {number: files for number, files in held_by.items() if files}
    whole = {index for index, unnamed in enumerate(of_file) if not unnamed}
    is_whole = bool(batch.files and named) and all(files & whole for files in held_by.values())
    # What is news, and of a file that it names wholly, says nothing of whose answer the rest is.
    news = told & undecided
    held = [
        files
        for number, files in held_by.items()
        if number not in news or not payments[number].files & whole
    ]
    done = [
        each
        for number, each in payments.items()
        if number not in named and number not in taken and each.status is Status.SETTLED
    ]

    def groups(within: Files) -> list[_Group]:
        by_these = [each for each in asked if each.files & within or not batch.files]
        found = [
            (group, group) for group in (every, by_these) if _shares_files(group, held, within)
        ]
        for index in sorted(within):
            # Nothing is vouched for by a file of which a row that is named cannot have been.
            if all(index in files for files in held):
                unnamed = of_file[index]
                again = [each for each in done if index in each.files]
                found += [(unnamed, unnamed), ([*unnamed, *again], unnamed)]
        return found

    tiers = dict.fromkeys((sent.counting, sent.every))
    return _Expected([] if is_whole else asked, [groups(within) for within in tiers])


def _shares_files(group: Sequence[Payment], held: Sequence[Files], within: Files) -> bool:
    """Say whether of each row that is named one of some files may hold one of a group, too."""
    files = within & frozenset[int]().union(*(each.files for each in group))
    return not any(each.isdisjoint(files) for each in held)


def _outdated(
    ledger: Ledger,
    payments: dict[int, Payment],
    lines: dict[int, ReturnLine],
    before: _AllBefore,
) -> frozenset[int]:
    """Return the rows of which a file says what was so before the bank decided about them.

    A payment that arrived is not in doubt again: a file that says so, and tells nothing else that
    is news, shows its batch as it stood before. It takes no failure back, then, by what it does not
    know yet; and what was made again since, it cannot know.
    """
    unknown = {number for number, line in lines.items() if line.outcome is Outcome.PENDING}
    arrived = {number for number in unknown if payments[number].status is Status.SETTLED}
    is_news = any(
        _says_something_new(Match(payments[number], line, line.outcome))
        or _takes_back(ledger, payments[number], line)
        for number, line in lines.items()
        if number not in unknown
    ) or any(each.line.outcome is Outcome.SETTLED and not each.known for _, each in _each(before))
    if not arrived or is_news:
        return frozenset(arrived)
    came_back = {
        number
        for number in unknown
        if payments[number].status is Status.RETURNED or payments[number].earlier
    }
    elsewhere = {number for number, each in _each(before) if each.line.outcome is Outcome.PENDING}
    return frozenset(arrived | came_back | elsewhere)


def _require_not_withdrawn(
    name: str,
    payments: dict[int, Payment],
    lines: dict[int, ReturnLine],
    before: _AllBefore,
) -> None:
    """Check that the bank does not say that it paid what was withdrawn, or may have paid it.

    What it had said of an earlier attempt before is no news.

    Raises:
        FileRefused: It does: the payment is made again first, so that money and ledger agree.
    """
    news = list(lines.items())
    news += [(number, each.line) for number, each in _each(before) if not each.known]
    for number, line in news:
        if payments[number].status is Status.WITHDRAWN and line.outcome is not Outcome.FAILED:
            raise refuse(name, "bank_file.withdrawn", row=line.line)


def _require_not_failed_before(
    ledger: Ledger, name: str, payments: dict[int, Payment], lines: dict[int, ReturnLine]
) -> None:
    """Check that the bank does not say that it paid, or may have, what it said to have failed.

    What it had said of an earlier attempt to the same account is no news.

    Raises:
        FileRefused: It does. Its money is in the lots again and would be paid twice: the payment is
            made again first, and the file then tells that it arrived.
    """
    for number, line in lines.items():
        if _takes_back(ledger, payments[number], line):
            raise refuse(name, _taken_back_code(line), row=line.line)


def _takes_back(ledger: Ledger, payment: Payment, line: ReturnLine) -> bool:
    """Say whether a line takes back that a payment failed which nobody has made again since."""
    return (
        payment.status is Status.RETURNED
        and line.outcome is not Outcome.FAILED
        and not any(was.said_as(line) for was in payment.earlier if _same(line, payment, was))
        and is_news_of_returned(ledger, payment.id, payment.version, line)
    )


def _taken_back_code(line: ReturnLine) -> str:
    """Return why a file is refused that takes a failure back; a doubt may be an older file's."""
    doubt = line.outcome is Outcome.PENDING
    return "bank_file.unclear_again" if doubt else "bank_file.failed_before"


def _taken_back(
    ledger: Ledger,
    sent: Sent,
    name: str,
    payments: dict[int, Payment],
    lines: dict[int, ReturnLine],
    before: _AllBefore,
    outdated: AbstractSet[int],
) -> list[TakenBack]:
    """Return what the bank says late: that it paid, or may have, what was made again elsewhere.

    What it does not know yet of an `outdated` row it said before it knew.

    Raises:
        FileRefused: Nobody is paid twice yet: the last attempt came back as well, or no file for
            the bank may hold it, and the bank says nothing of it. It is paid again to the account
            that the bank names, so that money and ledger agree.
    """
    found: dict[tuple[int, int, Outcome], TakenBack] = {}
    for number, each in _each(before):
        payment = payments[number]
        if each.known or not each.was.is_taken_back_by(each.line):
            continue
        if number in outdated and each.line.outcome is not Outcome.SETTLED:
            continue
        if payment.status is Status.RETURNED:
            raise refuse(name, _taken_back_code(each.line), row=each.line.line)
        waits = payment.status is Status.IN_TRANSIT and _waits_here(ledger, sent, payment)
        if waits and number not in lines:
            raise refuse(name, "bank_file.arrived_before", row=each.line.line)
        if each.line.outcome not in each.was.taken_back:
            told = TakenBack(payment, each.was, each.line)
            found.setdefault((number, each.was.version, each.line.outcome), told)
    return list(found.values())


def _waits_here(ledger: Ledger, sent: Sent, payment: Payment) -> bool:
    """Say whether a payment that was made again has not gone to the bank: it may be withdrawn."""
    if not sent.batch.files or payment.is_unknown or payment.files & sent.counting:
        return False
    item = ledger.load(BookItem, book_item_id(payment.id, payment.attempt))
    return item is None or item.match_id is None


def _match(
    name: str,
    content: BankReturn,
    payments: dict[int, Payment],
    lines: dict[int, ReturnLine],
    expected: _Expected,
) -> list[Match]:
    """Say what the file decides of each payment, in the order of the roster.

    Where it lists failures alone, its totals say which of the others it vouches for.
    """
    vouched_for: list[Payment] = []
    if content.lists is Lists.ALL and expected.missing:
        raise refuse(name, "bank_file.incomplete")
    if content.lists is Lists.FAILURES:
        vouched_for = _vouched_for(name, content, expected)
    matches = [Match(payments[number], line, line.outcome) for number, line in lines.items()]
    matches += [Match(each, None, Outcome.SETTLED) for each in vouched_for]
    return sorted(filter(_says_something_new, matches), key=lambda match: match.payment.row.number)


def _vouched_for(name: str, content: BankReturn, expected: _Expected) -> list[Payment]:
    """Return for whom the totals of a list of failures vouch.

    Raises:
        FileRefused: They fit no group, or several that are not the same.
    """
    for groups in expected.groups:
        fitting = [vouched for counted, vouched in groups if _come_to(content, counted)]
        if any(each != fitting[0] for each in fitting):
            break
        if fitting:
            return fitting[0]
    raise refuse(name, "bank_file.control_total")


def _come_to(content: BankReturn, payments: Sequence[Payment]) -> bool:
    """Say whether payments are those that a file of failures vouches for by its totals."""
    total = sum(each.row.amount for each in payments)
    return (content.settled_count, content.settled_fen) == (len(payments), total)


def _lines_by_number(
    name: str,
    content: BankReturn,
    payments: dict[int, Payment],
    of_card: Callable[[str], str | None],
) -> tuple[dict[int, ReturnLine], _AllBefore]:
    """Find the one payment that each line is about: by number, or else by account.

    Of a recipient whose data may not be read, the account is known by its blind index. Apart from
    these, return what lines say of accounts that were paid to before the last, row by row: also of
    a row whose last account another line names.
    """
    of_account: dict[str | None, list[Payment]] = {}
    of_index: dict[str | None, list[Payment]] = {}
    if any(line.number is None for line in content.lines):
        for each in payments.values():
            for account in {each.account, *(attempt.account for attempt in each.earlier)}:
                of_account.setdefault(account, []).append(each)
            if each.account is None:
                of_index.setdefault(each.card_index, []).append(each)
    lines: dict[int, ReturnLine] = {}
    before: _AllBefore = {}
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
            payment, was = tried[-1]
            known = any(each.said_as(line) for _, each in tried)
            before.setdefault(payment.row.number, []).append(_Before(was, line, known))
        else:
            raise refuse(name, "bank_file.unknown_line", row=line.line)
    return lines, before


def _same(line: ReturnLine, payment: Payment, paid_to: Payment | Attempt) -> bool:
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
    sent: Sent,
    lines: dict[int, ReturnLine],
    before: _AllBefore,
    payments: dict[int, Payment],
) -> frozenset[int]:
    """Return the rows of which a file says again what the bank had said of an earlier attempt.

    Of one to the same account: a line that names another account than before is about the last.
    The same may come true of the last attempt too: the file has to be one that cannot answer it.
    But where a line of a statement brought back what was paid before (退票), and no file has said
    so yet, one that does is about that: another such line would bring back the last.
    """
    again = [
        (payments[number], line, was)
        for number, line in lines.items()
        if (was := _said_before(payments[number], line)) is not None
    ]
    if not again:
        return frozenset()
    # Of a cancelled file that this return has news of, the bank carried it out all the same.
    repeated = {each.row.number for each, _, _ in again}
    news = [payments[number] for number in lines.keys() - repeated]
    counting = sent.counting.union(*(e.files for e in news if e.status is Status.IN_TRANSIT))
    ids = [payments[each].id for each in lines if payments[each].status is not Status.IN_TRANSIT]

    @cache
    def decided() -> tuple[int, ...]:
        return tuple(ledger.log.select_stream_positions(id_)[-1][1] for id_ in ids)

    # One that names the account of the last attempt as well was written after that.
    followed = [each.was.followed_at for number, each in _each(before) if number not in lines]
    return frozenset(
        each.row.number
        for each, line, was in again
        if each.status is Status.WITHDRAWN
        or each.instructed_at is None
        or (was.untold and line.reason == RETURNED.code)
        or sent.is_old_to(
            each.row.number,
            each.instructed_at,
            line.outcome,
            counting=counting,
            followed=followed,
            decided=decided,
        )
    )


def _said_before(payment: Payment, line: ReturnLine) -> Attempt | None:
    """Return the last attempt to the same account of which the bank had said what a line says."""
    for was in reversed(payment.earlier):
        if was.said_as(line) and (line.account is None or was.account == payment.account):
            return was
    return None


def _says_something_new(match: Match) -> bool:
    """A later file may repeat a success, or bring back what had settled (退票)."""
    status = match.payment.status
    return status is Status.IN_TRANSIT or (
        status is Status.SETTLED and match.outcome is Outcome.FAILED
    )

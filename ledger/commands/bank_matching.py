"""Matching bank lines with what the books say: matched, undone, set aside, taken up again."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from uuid import UUID

from ledger.commands.attempts import was_told_by_file
from ledger.commands.duties import acting_officer, recording_day, require_post
from ledger.commands.funds import CASHIERS
from ledger.commands.lineage import lineage
from ledger.domain.aggregate import Event
from ledger.domain.bank_account import BankAccount
from ledger.domain.bank_match import BankMatch, Rule, Sides
from ledger.domain.bank_statement import BankStatement, Line, LineState
from ledger.domain.batch import Batch
from ledger.domain.book_item import BookItem, ItemKind, Movement
from ledger.domain.book_movements import MOVING, movement_of
from ledger.domain.disbursement import Disbursement
from ledger.domain.fund import FundAccount
from ledger.domain.matching_rules import Fact, plain_facts, require_rule, same_reference
from ledger.domain.officer import Officer, Role
from ledger.domain.policy import Channel
from ledger.domain.values import Money, stable_id
from ledger.errors import Kind, LedgerError
from ledger.store.act import CommandAct
from ledger.store.application import Answer, Ledger, NotOnRecord, Work

MATCHERS = frozenset({Role.ACCOUNTANT, Role.HANDLER})
"""Who holds bank and books against each other: never the cashier (出纳不得编制余额调节表)."""

WRITERS_OFF = frozenset({Role.APPROVER})
"""Who lets a difference stand, and who alone says that it stands no more."""


class MatchedByCashier(LedgerError):
    """Whoever pays out or takes in does not say what the bank did with it (出纳不兼对账).

    Judged by the post, and by what they did: who wrote a batch's file for the bank, or entered a
    receipt, does not match that money.

    Source: 行政事业单位内部控制规范(试行) (财会〔2012〕21号).
    """

    code = "match.by_cashier"
    kind = Kind.FORBIDDEN

    def __init__(self, officer_id: UUID) -> None:
        super().__init__(f"officer {officer_id} pays out or took this money in, and does not match")


class OtherAccount(LedgerError):
    """Bank and books are matched account by account."""

    code = "match.other_account"
    kind = Kind.INVALID

    def __init__(self, account_id: UUID, subject: UUID) -> None:
        super().__init__(f"{subject} is not of bank account {account_id}")


class NotAMovement(LedgerError):
    """This entry moved no money on a bank account."""

    code = "match.not_a_movement"
    kind = Kind.INVALID

    def __init__(self, source_id: UUID, version: int) -> None:
        super().__init__(f"version {version} of {source_id} moved no money on a bank account")


class ItemBeforeBeginning(LedgerError):
    """What the books moved before the account is reconciled stands in its opening balance."""

    code = "match.before_beginning"
    kind = Kind.INVALID

    def __init__(self, source_id: UUID, day: date, begins_on: date) -> None:
        super().__init__(f"{source_id} moved money on {day}, reconciliation begins on {begins_on}")


class NoSuchReturn(LedgerError):
    """Money that came back is the amount of the payment that it came back of."""

    code = "match.no_such_return"
    kind = Kind.INVALID

    def __init__(self, disbursement_id: UUID, line: int) -> None:
        super().__init__(f"line {line} is not payment {disbursement_id} coming back")


class ReturnStands(LedgerError):
    """A line by which a payment came back is its return, and no other payment's."""

    code = "match.return_stands"
    kind = Kind.CONFLICT

    def __init__(self, match_id: UUID, disbursement_id: UUID) -> None:
        super().__init__(f"payment {disbursement_id} came back by a line of match {match_id}")


@dataclass(frozen=True, slots=True)
class LineChosen:
    statement_id: UUID
    line: int


@dataclass(frozen=True, slots=True)
class ItemChosen:
    source_id: UUID
    version: int


@dataclass(frozen=True, slots=True)
class Matching:
    """Lines and items that are the same money: any number of each, all at once or none."""

    account_id: UUID
    lines: tuple[LineChosen, ...]
    items: tuple[ItemChosen, ...]
    reason: str = ""
    rule: Rule | None = None


@dataclass(frozen=True, slots=True)
class SettingAside:
    chosen: LineChosen
    state: LineState
    reason: str


@dataclass(frozen=True, slots=True)
class ComingBack:
    """A line by which a payment came back that the bank had called a success (退票)."""

    chosen: LineChosen
    disbursement_id: UUID
    reason: str


def match(ledger: Ledger, act: CommandAct, order: Matching) -> Answer:
    """Match lines with items; the result names the match.

    Raises:
        LineDecided, ItemMatched: One of them is explained already.
        SumsDiffer, NothingToMatch, TooManyItems, RuleDoesNotHold: They are not the same money.
        OtherAccount: One of them is of another account, or another organisation's.
        MatchedByCashier, RoleMissing: Not for this officer to do.
    """

    def decide(work: Work) -> None:
        account = account_to_match(work, act, order.account_id, by_rule=order.rule is not None)
        lines = [
            (_statement(work, account, each.statement_id), each.line)
            for each in dict.fromkeys(order.lines)
        ]
        items = [_movement(work, act, account, each, order) for each in dict.fromkeys(order.items)]
        found = [statement.open_line(number) for statement, number in lines]
        if order.rule is not None:
            require_rule(order.rule, found, items)
        hold_together(work, act, account, lines, items, order)

    return ledger.perform(act, "bank_match.make", order, decide)


def unmatch(ledger: Ledger, act: CommandAct, match_id: UUID, reason: str) -> Answer:
    """Undo a match: its lines and items are open again.

    Raises:
        ReturnStands: A payment came back by it: `correct_outcome` takes that back first.
        MatchUndone, NotOnRecord, MatchedByCashier, RoleMissing: As they say.
    """

    def decide(work: Work) -> None:
        found = work.get(BankMatch, match_id)
        account_to_match(work, act, found.account_id)
        for id_ in found.item_ids if found.statement_ids else ():
            _require_no_return_by_line(work, found, work.get(BookItem, id_))
        release(work, act, found, reason)

    return ledger.perform(act, "bank_match.undo", (match_id, reason), decide)


def release(work: Work, act: CommandAct, found: BankMatch, reason: str) -> None:
    """Open the lines and items of a match again."""
    found.undo(act, reason=reason)
    work.save(found)
    for id_ in found.statement_ids:
        statement = work.get(BankStatement, id_)
        statement.unmatch(act, match_id=found.id, reason=reason)
        work.save(statement)
    for id_ in found.item_ids:
        item = work.get(BookItem, id_)
        item.release(
            act, account_id=found.account_id, organisation_id=found.organisation_id, reason=reason
        )
        work.save(item)


def _require_no_return_by_line(work: Work, found: BankMatch, item: BookItem) -> None:
    """Check that an item is no return that a line of a statement brought, or was taken back since.

    Its line would be free to bring back another payment, and one credit would count as two.

    Raises:
        ReturnStands: It is.
    """
    event = work.ledger.event(item.source_id, item.source_version)
    if not isinstance(event, Disbursement.Returned) or was_told_by_file(work.ledger, event):
        return
    later = work.ledger.events.get(item.source_id, gt=item.source_version)
    if not any(
        isinstance(each, Disbursement.Corrected) and each.corrects_version == item.source_version
        for each in later
    ):
        raise ReturnStands(found.id, item.source_id)


def set_aside(ledger: Ledger, act: CommandAct, order: SettingAside) -> Answer:
    """Say that a line is not to be matched: ignored by who matches, written off by an approver.

    Money out is written off only after another ignored it, and is a doubt (F4) until then.

    Raises:
        LineUnknown, LineDecided, MatchedByCashier, RoleMissing: As they say.
        NotAsideBefore: Nobody ignored this money out yet.
        AsideByOneself: Whoever ignored it, now or before it was taken up, would confirm that.
    """

    def decide(work: Work) -> None:
        statement = work.get(BankStatement, order.chosen.statement_id)
        if order.state is LineState.WRITTEN_OFF:
            require_post(work, act, WRITERS_OFF, statement.organisation_id)
        else:
            account_to_match(work, act, statement.account_id)
        statement.set_aside(act, number=order.chosen.line, state=order.state, reason=order.reason)
        work.save(statement)

    return ledger.perform(act, "bank_line.set_aside", order, decide)


def take_up(ledger: Ledger, act: CommandAct, chosen: LineChosen, reason: str) -> Answer:
    """Open a line again that was set aside: one that an approver wrote off, by an approver.

    Raises:
        LineUnknown, LineNotAside, MatchedByCashier, RoleMissing: As they say.
    """

    def decide(work: Work) -> None:
        statement = work.get(BankStatement, chosen.statement_id)
        require_post(work, act, MATCHERS | WRITERS_OFF, statement.organisation_id)
        state = statement.line(chosen.line).state
        if state is LineState.WRITTEN_OFF:
            require_post(work, act, WRITERS_OFF, statement.organisation_id)
        elif state is LineState.IGNORED:
            account_to_match(work, act, statement.account_id)
        statement.take_up(act, number=chosen.line, reason=reason)
        work.save(statement)

    return ledger.perform(act, "bank_line.take_up", (chosen, reason), decide)


def come_back(ledger: Ledger, act: CommandAct, order: ComingBack) -> Answer:
    """Take a payment back by the line that brought its money (退票), and match both.

    It may come on any later day, after a success and after its batch was closed. The payment counts
    as returned on the day that the bank booked it.

    Raises:
        NoSuchReturn: The line brings another amount, or names another batch or payment.
        WrongStage, WrongChannel: No bank pays its batch.
        NotInTransit: The payment came back before, or was withdrawn.
        LineDecided, OtherAccount, MatchedByCashier, RoleMissing: As they say.
    """

    def decide(work: Work) -> None:
        statement = work.get(BankStatement, order.chosen.statement_id)
        account = account_to_match(work, act, statement.account_id)
        line = statement.open_line(order.chosen.line)
        payment = work.get(Disbursement, order.disbursement_id)
        batch = work.get(Batch, payment.batch_id)
        batch.require_answerable(Channel.BANK_CARD)
        # The file by which it was said to be settled may have been taken in later than that.
        day = max(line.booked_on, payment.last_on)
        returned = Movement(
            ItemKind.RETURN,
            payment.id,
            payment.version + 1,
            payment.organisation_id,
            payment.fund_id,
            payment.amount,
            day,
            batch.code,
            payment.number,
        )
        names_something = line.batch_code is not None or line.end_to_end_id is not None
        if line.amount != payment.amount or (
            names_something and not same_reference(line, returned)
        ):
            raise NoSuchReturn(payment.id, line.number)
        booked = replace(act, happened_on=day)
        fund = _fund(work, account, payment.fund_id)
        parts = payment.return_(
            booked, statement_id=statement.id, reason=order.reason, raw_code=None
        )
        fund.restore(booked, disbursement_id=payment.id, parts=parts)
        work.save(payment, fund)
        matching = Matching(account.id, (order.chosen,), ())
        hold_together(work, act, account, [(statement, line.number)], [returned], matching)
        work.result["disbursement_id"] = str(payment.id)

    return ledger.perform(act, "bank_line.come_back", order, decide)


def account_to_match(
    work: Work, act: CommandAct, account_id: UUID, *, by_rule: bool = False
) -> BankAccount:
    """Return the account, for one who may hold it against the books.

    What a rule decides is the rule's word, checked here: whoever takes statements in may ask it.
    """
    account = work.get(BankAccount, account_id)
    posts = MATCHERS | CASHIERS if by_rule else MATCHERS
    require_post(work, act, posts, account.organisation_id)
    if act.signed_in and not by_rule:
        officer = work.get(Officer, acting_officer(act))
        day = recording_day(act)
        if officer.holds(Role.CASHIER, set(lineage(work, account.organisation_id, day)), day):
            raise MatchedByCashier(officer.id)
    return account


def _statement(work: Work, account: BankAccount, statement_id: UUID) -> BankStatement:
    statement = work.get(BankStatement, statement_id)
    if statement.account_id != account.id:
        raise OtherAccount(account.id, statement.id)
    return statement


def _fund(work: Work, account: BankAccount, fund_id: UUID) -> FundAccount:
    fund = work.find(FundAccount, fund_id)
    if fund is None or fund.bank_account_id != account.id:
        raise OtherAccount(account.id, fund_id)
    return fund


def _movement(
    work: Work, act: CommandAct, account: BankAccount, chosen: ItemChosen, order: Matching
) -> Movement:
    """Return the movement that the books have under a stream and a version.

    Raises:
        NotAMovement: It is none.
        OtherAccount: It moved another account.
        MatchedByCashier: A person matches what they paid out or took in themselves.
    """
    try:
        event = work.ledger.event(chosen.source_id, chosen.version)
    except NotOnRecord:
        raise NotAMovement(chosen.source_id, chosen.version) from None
    batch, number = None, None
    if type(event) in MOVING and isinstance(event.ROOT, type):
        if event.ROOT is Batch:
            batch = work.get(Batch, event.originator_id)
        elif event.ROOT is Disbursement:
            payment = work.get(Disbursement, event.originator_id)
            batch, number = work.get(Batch, payment.batch_id), payment.number
    movement = movement_of(event, batch, number)
    if movement is None:
        raise NotAMovement(chosen.source_id, chosen.version)
    _fund(work, account, movement.fund_id)
    if movement.booked_on < account.begins_on:
        raise ItemBeforeBeginning(chosen.source_id, movement.booked_on, account.begins_on)
    if act.signed_in and order.rule is None and act.actor in _hands(movement.kind, event, batch):
        raise MatchedByCashier(acting_officer(act))
    return movement


def _hands(kind: ItemKind, event: Event, batch: Batch | None) -> set[str]:
    """Return who took money in, or wrote the files by which it was paid out."""
    if kind is ItemKind.RECEIPT:
        return {event.actor}
    if kind in (ItemKind.PAYOUT, ItemKind.REISSUE) and batch is not None:
        return {each.written_by for each in batch.files}
    return set()


def hold_together(
    work: Work,
    act: CommandAct,
    account: BankAccount,
    lines: Sequence[tuple[BankStatement, int]],
    items: Sequence[Movement],
    order: Matching,
) -> None:
    """Match lines of statements with items, as `match` says."""
    found = [statement.open_line(number) for statement, number in lines]
    claims = [work.find(BookItem, item.id) for item in items]
    for claim in claims:
        if claim is not None:
            claim.require_open()
    days = [line.booked_on for line in found] + [item.booked_on for item in items]
    # The versions of what is matched tell a second match of the same from the first one.
    id_ = stable_id(
        "bank_match",
        account.id,
        *(f"{statement.id}:{number}:{statement.version}" for statement, number in lines),
        *(
            f"{item.id}:{claim.version if claim else 0}"
            for item, claim in zip(items, claims, strict=True)
        ),
    )
    sides = Sides(
        tuple((statement.id, number) for statement, number in lines),
        tuple(item.id for item in items),
        Money(sum(line.amount for line in found)),
        Money(sum(item.amount for item in items)),
        min(days, default=act.happened_on),
        max(days, default=act.happened_on),
    )
    made = BankMatch.make(
        act,
        id_,
        sides,
        account_id=account.id,
        organisation_id=account.organisation_id,
        rule=order.rule,
        facts=_facts(found, items),
        reason=order.reason,
    )
    work.save(made)
    for statement in dict.fromkeys(statement for statement, _ in lines):
        numbers = [number for each, number in lines if each is statement]
        statement.match(act, match_id=id_, numbers=numbers)
        work.save(statement)
    for item, claim in zip(items, claims, strict=True):
        if claim is None:
            claim = BookItem.first_matched(act, item, account_id=account.id, match_id=id_)  # noqa: PLW2901
        else:
            claim.match(act, item, account_id=account.id, match_id=id_)
        work.save(claim)
    work.result["match_id"] = str(id_)


def _facts(lines: Sequence[Line], items: Sequence[Movement]) -> list[str]:
    """Return what every line agrees on with some item; amounts agree as sums anyhow."""
    if not lines or not items:
        return []
    shared = [set[Fact]().union(*(plain_facts(line, item) for item in items)) for line in lines]
    return sorted(shared[0].intersection(*shared))

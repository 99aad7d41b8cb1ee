"""Bank accounts: their statements taken in, their lines matched with the books."""

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, File, Form, Path, Query, Response, UploadFile
from msgspec.structs import asdict
from sqlalchemy import Connection

from api.acting import TheActing
from api.banking import account_within, apply_rules, balance_within, found_for, line_within
from api.callers import APPROVE, CASH, KEEP_ACCOUNTS, MATCH, READ, TAKE_UP, TheReach
from api.dependencies import TheLedger, ThePage, TheReadModel
from api.edge.one_thread import InOneThread
from api.problems import RESPONSES
from api.uploads import filename_of, whole
from api.v1 import bank_forms as forms
from api.v1 import bank_models as models
from api.v1.forms import Reasoned
from api.v1.models import Listed
from api.v1.written import Nothing, Written, written
from ledger.commands.bank_accounts import (
    AccountRegistration,
    Keeping,
    close_bank_account,
    keep_fund,
    register_bank_account,
    shown_account,
)
from ledger.commands.bank_facts import counterparty_of
from ledger.commands.bank_matching import (
    ComingBack,
    ItemChosen,
    LineChosen,
    Matching,
    SettingAside,
    come_back,
    match,
    set_aside,
    take_up,
    unmatch,
)
from ledger.commands.bank_statements import (
    StatementFile,
    take_bank_statement,
    withdraw_bank_statement,
)
from ledger.domain.bank_statement import LineState
from ledger.files.account_statements import read_account_statement
from ledger.files.columns import chosen
from ledger.files.statement_days import StatedDays
from ledger.store.application import Ledger, NotOnRecord
from projections.bank_accounts import Account, account_list, kept_in, standings, statement_list
from projections.bank_lines import (
    After,
    LineView,
    items_of_match,
    lines_of_match,
    match_of,
    open_item_sum,
    open_items,
    open_line_sum,
    open_lines,
)

router = APIRouter(
    route_class=InOneThread, prefix="/bank-accounts", tags=["bank accounts"], responses=RESPONSES
)

LINES_A_PAGE = 100
AFTER = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}\.[0-9]{1,15}$"


@router.get("", dependencies=[READ])
def list_bank_accounts(
    the_ledger: TheLedger,
    model: TheReadModel,
    page: ThePage,
    reach: TheReach,
    organisation_id: UUID | None = None,
) -> Listed[models.BankAccount]:
    """List bank accounts in the order in which they were registered."""
    found = account_list(model, organisation_ids=reach.within(organisation_id))
    later = [each for each in found if each.position > page.after]
    shown, further = page.cut(later[: page.limit + 1])
    return Listed(items=[_account(the_ledger, each) for each in shown], next=further, at=page.at)


@router.post("", status_code=201, dependencies=[KEEP_ACCOUNTS])
def register(
    form: forms.AccountForm, acting: TheActing, the_ledger: TheLedger, response: Response
) -> Written[models.NamedBankAccount]:
    """Register a bank account; its number is sealed."""
    order = AccountRegistration(
        form.organisation_code,
        form.name,
        form.number,
        form.bank_name,
        form.bank_format,
        form.begins_on,
        form.opening_fen,
    )
    answer = register_bank_account(the_ledger, acting.act(form.happened_on), order)
    return written(the_ledger, response, answer, models.NamedBankAccount)


@router.get("/{account_id}", dependencies=[READ])
def show_bank_account(
    account_id: UUID, the_ledger: TheLedger, model: TheReadModel, reach: TheReach
) -> models.BankAccountWithStanding:
    """Show a bank account, and up to which day it is proved to the bank."""
    account = account_within(model, reach, account_id)
    shown = _account(the_ledger, account)
    kept = [each.fund_id for each in kept_in(model, account_id)]
    return models.BankAccountWithStanding(
        **shown.model_dump(), fund_ids=kept, standing=standing_of(model, account)
    )


@router.post("/{account_id}/funds", status_code=201, dependencies=[KEEP_ACCOUNTS])
def keep(
    account_id: UUID,
    form: forms.KeepingForm,
    acting: TheActing,
    the_ledger: TheLedger,
    response: Response,
) -> Written[models.KeptFund]:
    """Say that a fund account's money stands in this bank account."""
    order = Keeping(account_id, form.organisation_code, form.earmark)
    answer = keep_fund(the_ledger, acting.act(form.happened_on), order)
    return written(the_ledger, response, answer, models.KeptFund)


@router.post("/{account_id}/closing", status_code=201, dependencies=[KEEP_ACCOUNTS])
def close(
    account_id: UUID,
    form: Reasoned,
    acting: TheActing,
    the_ledger: TheLedger,
    response: Response,
) -> Written[Nothing]:
    """Say that the account was closed."""
    act = acting.act(form.happened_on, stream=account_id)
    answer = close_bank_account(the_ledger, act, account_id, form.reason)
    return written(the_ledger, response, answer, Nothing)


@router.get("/{account_id}/statements", dependencies=[READ])
def list_statements(
    account_id: UUID, model: TheReadModel, reach: TheReach
) -> list[models.BankStatement]:
    """List the statements that were taken in."""
    account_within(model, reach, account_id)
    return [models.BankStatement.model_validate(each) for each in statement_list(model, account_id)]


@router.post("/{account_id}/statements", status_code=201, dependencies=[CASH])
def take_statement(
    account_id: UUID,
    acting: TheActing,
    the_ledger: TheLedger,
    model: TheReadModel,
    reach: TheReach,
    response: Response,
    file: Annotated[UploadFile, File(description="The statement, as the bank sent it.")],
    header_row: Annotated[
        int | None,
        Form(ge=1, lt=2**31, description="Of a list: the row of its titles, from 1."),
    ] = None,
    columns: Annotated[
        list[str],
        Form(
            max_length=200,
            description="Of a list with `header_row`: what each column is, from the left"
            " (day, debit, balance, …); `-` leaves one out.",
        ),
    ] = [],  # noqa: B006 - FastAPI copies it
    first_day: Annotated[
        date | None,
        Form(description="Of a file that does not say which days it covers: the first of them."),
    ] = None,
    last_day: Annotated[date | None, Form(description="The last of them.")] = None,
) -> Written[models.TakenBankStatement]:
    """Take in an account statement; lines that are known from another one are not taken twice.

    It ends before today, and goes on from the one before it day by day: of a file that does not say
    which days it covers, those between its first and its last movement count, unless they are
    stated. A file that was taken in may come again with more days stated. Of one that says its own
    days, up to ten right before them may be stated: days on which the bank was closed, and sent
    none.
    """
    account = account_within(model, reach, account_id)
    name = filename_of(file)
    layout = None if header_row is None else chosen(header_row, columns)
    stated = StatedDays(first_day, last_day)
    content = read_account_statement(account.bank_format, name, whole(file), layout, stated)
    order = StatementFile(account_id, name, content)
    answer = take_bank_statement(the_ledger, acting.act(), order)
    return written(the_ledger, response, answer, models.TakenBankStatement)


@router.post(
    "/{account_id}/statements/{statement_id}/withdrawal", status_code=201, dependencies=[APPROVE]
)
def withdraw_statement(
    account_id: UUID,
    statement_id: UUID,
    form: Reasoned,
    acting: TheActing,
    the_ledger: TheLedger,
    model: TheReadModel,
    reach: TheReach,
    response: Response,
) -> Written[Nothing]:
    """Take back a statement that was taken in by mistake, once nothing of it is matched.

    Its days are covered no more, until one of them is taken in; the same file may come again.
    """
    account_within(model, reach, account_id)
    act = acting.act(form.happened_on, stream=statement_id)
    answer = withdraw_bank_statement(the_ledger, act, account_id, statement_id, form.reason)
    return written(the_ledger, response, answer, Nothing)


@router.post("/{account_id}/rules", status_code=201, dependencies=[MATCH])
def apply(
    account_id: UUID,
    acting: TheActing,
    the_ledger: TheLedger,
    model: TheReadModel,
    reach: TheReach,
) -> models.AppliedRules:
    """Match by rules what names the same batch, payment or document and comes to the same sum."""
    account = account_within(model, reach, account_id)
    return models.AppliedRules(matched=apply_rules(the_ledger, acting, model, account))


@router.get("/{account_id}/open-lines", dependencies=[READ])
def list_open_lines(
    account_id: UUID,
    the_ledger: TheLedger,
    model: TheReadModel,
    reach: TheReach,
    after: Annotated[str | None, Query(pattern=AFTER, description="`next` of a page.")] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = LINES_A_PAGE,
) -> models.OpenLines:
    """List open lines, the earliest first."""
    account_within(model, reach, account_id)
    found = open_lines(model, account_id, after=after_of(after), limit=limit + 1)
    shown = found[:limit]
    return models.OpenLines(
        items=[_line(the_ledger, each) for each in shown],
        next=next_of(shown) if len(found) > limit else None,
    )


@router.get("/{account_id}/open-items", dependencies=[READ])
def list_open_items(
    account_id: UUID,
    model: TheReadModel,
    reach: TheReach,
    limit: Annotated[int, Query(ge=1, le=500)] = LINES_A_PAGE,
) -> list[models.BookItem]:
    """List what the books moved and the bank has not booked, the earliest first."""
    account = account_within(model, reach, account_id)
    found = open_items(model, account_id, account.begins_on, limit=limit)
    return [models.BookItem.model_validate(each) for each in found]


@router.get("/{account_id}/candidates/{statement_id}/{line}", dependencies=[READ])
def list_candidates(
    account_id: UUID,
    statement_id: UUID,
    line: Annotated[int, Path(ge=0, lt=2**53)],
    the_ledger: TheLedger,
    model: TheReadModel,
    reach: TheReach,
) -> list[models.Candidate]:
    """List what an open line may be, with what agrees and a score; nothing is decided."""
    account_within(model, reach, account_id)
    account, found = line_within(model, reach, statement_id, line)
    return [
        models.Candidate(
            item=models.BookItem.model_validate(each.item),
            facts=list(each.facts),
            score=each.score,
            amount_alone=each.amount_alone,
        )
        for each in found_for(the_ledger, model, account, found)
    ]


@router.post("/{account_id}/matches", status_code=201, dependencies=[MATCH])
def make_match(
    account_id: UUID,
    form: forms.MatchForm,
    acting: TheActing,
    the_ledger: TheLedger,
    response: Response,
) -> Written[models.NamedMatch]:
    """Match lines with items that come to the same: all of them or none."""
    order = Matching(
        account_id,
        tuple(LineChosen(each.statement_id, each.line) for each in form.lines),
        tuple(ItemChosen(each.source_id, each.version) for each in form.items),
        form.reason,
    )
    answer = match(the_ledger, acting.act(form.happened_on), order)
    return written(the_ledger, response, answer, models.NamedMatch)


@router.get("/{account_id}/matches/{match_id}", dependencies=[READ])
def show_match(
    account_id: UUID,
    match_id: UUID,
    the_ledger: TheLedger,
    model: TheReadModel,
    reach: TheReach,
) -> models.BankMatch:
    """Show a match with its lines and items; of one that was undone these are open again."""
    account_within(model, reach, account_id)
    found = match_of(model, match_id)
    if found is None or found.account_id != account_id:
        raise NotOnRecord("bank match", match_id)
    facts = {
        name: getattr(found, name) for name in models.BankMatch.model_fields if hasattr(found, name)
    }
    return models.BankMatch(
        **facts,
        lines=[_line(the_ledger, each) for each in lines_of_match(model, match_id)],
        items=[models.BookItem.model_validate(each) for each in items_of_match(model, match_id)],
    )


@router.post("/{account_id}/matches/{match_id}/undoing", status_code=201, dependencies=[MATCH])
def undo_match(
    account_id: UUID,
    match_id: UUID,
    form: Reasoned,
    acting: TheActing,
    the_ledger: TheLedger,
    model: TheReadModel,
    reach: TheReach,
    response: Response,
) -> Written[Nothing]:
    """Undo a match: its lines and items are open again, and days that were proved are not."""
    account_within(model, reach, account_id)
    answer = unmatch(the_ledger, acting.act(form.happened_on), match_id, form.reason)
    return written(the_ledger, response, answer, Nothing)


@router.post(
    "/{account_id}/lines/{statement_id}/{line}/ignoring", status_code=201, dependencies=[MATCH]
)
def ignore_line(
    account_id: UUID,
    statement_id: UUID,
    line: int,
    form: Reasoned,
    acting: TheActing,
    the_ledger: TheLedger,
    model: TheReadModel,
    reach: TheReach,
    response: Response,
) -> Written[Nothing]:
    """Say that a line is no business of this ledger, with the reason."""
    account_within(model, reach, account_id)
    order = SettingAside(LineChosen(statement_id, line), LineState.IGNORED, form.reason)
    answer = set_aside(the_ledger, acting.act(form.happened_on), order)
    return written(the_ledger, response, answer, Nothing)


@router.post(
    "/{account_id}/lines/{statement_id}/{line}/writing-off", status_code=201, dependencies=[APPROVE]
)
def write_line_off(
    account_id: UUID,
    statement_id: UUID,
    line: int,
    form: Reasoned,
    acting: TheActing,
    the_ledger: TheLedger,
    model: TheReadModel,
    reach: TheReach,
    response: Response,
) -> Written[Nothing]:
    """Let a line stand as a difference, with the reason: an approver's word.

    Money out must have been ignored by another officer before (`bank_line.aside_first`).
    """
    account_within(model, reach, account_id)
    order = SettingAside(LineChosen(statement_id, line), LineState.WRITTEN_OFF, form.reason)
    answer = set_aside(the_ledger, acting.act(form.happened_on), order)
    return written(the_ledger, response, answer, Nothing)


@router.post(
    "/{account_id}/lines/{statement_id}/{line}/taking-up", status_code=201, dependencies=[TAKE_UP]
)
def take_line_up(
    account_id: UUID,
    statement_id: UUID,
    line: int,
    form: Reasoned,
    acting: TheActing,
    the_ledger: TheLedger,
    model: TheReadModel,
    reach: TheReach,
    response: Response,
) -> Written[Nothing]:
    """Open a line again that was set aside; what an approver wrote off, an approver opens."""
    account_within(model, reach, account_id)
    chosen = LineChosen(statement_id, line)
    answer = take_up(the_ledger, acting.act(form.happened_on), chosen, form.reason)
    return written(the_ledger, response, answer, Nothing)


@router.post(
    "/{account_id}/lines/{statement_id}/{line}/coming-back", status_code=201, dependencies=[MATCH]
)
def payment_came_back(
    account_id: UUID,
    statement_id: UUID,
    line: int,
    form: forms.ComingBackForm,
    acting: TheActing,
    the_ledger: TheLedger,
    model: TheReadModel,
    reach: TheReach,
    response: Response,
) -> Written[models.CameBack]:
    """Take a payment back by the line that brought its money, and match both."""
    account_within(model, reach, account_id)
    order = ComingBack(LineChosen(statement_id, line), form.disbursement_id, form.reason)
    answer = come_back(the_ledger, acting.act(), order)
    return written(the_ledger, response, answer, models.CameBack)


@router.get("/{account_id}/reconciliation", dependencies=[READ])
def show_reconciliation(
    account_id: UUID, as_of: date, model: TheReadModel, reach: TheReach
) -> models.Reconciliation:
    """Show the bank reconciliation statement as of a day: both columns, and where they end."""
    account = account_within(model, reach, account_id)
    found = balance_within(model, account, as_of)
    return models.Reconciliation(
        as_of=found.as_of,
        books_foot_fen=found.figures.books_foot,
        bank_foot_fen=found.figures.bank_foot,
        **asdict(found.figures),
    )


def standing_of(model: Connection, account: Account) -> models.BankAccountStanding:
    [found] = standings(model, [account])
    lines = open_line_sum(model, account.account_id)
    items = open_item_sum(model, account.account_id, account.begins_on)
    broken = found.chain.broken
    return models.BankAccountStanding(
        proved_to=found.proved_to,
        why_not_further=found.why_not_further,
        covered_to=found.chain.up_to,
        closing_fen=found.chain.closing_fen,
        missing=None if broken is None else models.MissingStatements.model_validate(broken),
        first_open_line=found.first_open_line,
        first_open_item=found.first_open_item,
        opening_difference_fen=found.opening_difference_fen,
        open_lines=lines.count,
        open_lines_fen=lines.amount_fen,
        open_items=items.count,
        open_items_fen=items.amount_fen,
    )


def after_of(text: str | None) -> After | None:
    if text is None:
        return None
    day, _, position = text.partition(".")
    return After(day, int(position))


def next_of(shown: list[LineView]) -> str:
    return f"{shown[-1].booked_on}.{shown[-1].position}"


def _account(ledger: Ledger, account: Account) -> models.BankAccount:
    number, bank_name = shown_account(ledger, account.account_id)
    facts = {name: getattr(account, name) for name in Account.__slots__ if name != "position"}
    return models.BankAccount(number=number, bank_name=bank_name, **facts)


def _line(ledger: Ledger, line: LineView) -> models.BankLine:
    other = counterparty_of(ledger, line.position)
    facts = {name: getattr(line, name) for name in LineView.__slots__ if name != "reason"}
    return models.BankLine(counterparty=other.name, account=other.account, **facts)

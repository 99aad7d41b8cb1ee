"""Account statements taken in; where a list's titles are not known, its columns are named first."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, File, Form, Response, UploadFile

from api.acting import Acting
from api.background.imports import Facts, Import, ImportUnknown, facts_of
from api.background.running import Background, TheBackground
from api.banking import account_within
from api.callers import CASH, TheCaller, TheReach
from api.dependencies import TheReadModel, TheServed
from api.uploads import filename_of, whole
from api.web.asked import Number
from api.web.bank_asked import day_of
from api.web.column_choices import column_choices, remembered_layout
from api.web.language import N_
from api.web.posted import TheActingOnPage
from api.web.refused import show_refusal
from api.web.screen import Screen, TheScreen
from ledger.commands.bank_statements import StatementFile, take_bank_statement
from ledger.errors import LedgerError
from ledger.files.account_statements import fields_of, read_account_statement
from ledger.files.columns import Layout, chosen, read_lines
from ledger.files.faults import FileRefused
from ledger.files.statement_days import StatedDays
from ledger.store.application import Ledger
from projections.bank_accounts import Account

router = APIRouter(include_in_schema=False)

STATEMENT = "account_statement"
StatedDay = Annotated[str, Form(pattern=r"^([0-9]{4}-[0-9]{2}-[0-9]{2})?$")]
COLUMNS_UNKNOWN = {"file.column_missing", "file.column_twice", "file.header_missing"}

SAID = (
    N_("交易日期"),
    N_("起息日"),
    N_("支出金额"),
    N_("收入金额"),
    N_("金额"),
    N_("借贷标志"),
    N_("余额"),
    N_("对方户名"),
    N_("对方账号"),
    N_("交易流水号"),
    N_("业务编号"),
    N_("批次号"),
    N_("摘要"),
    N_("用途"),
    N_("本方账号"),
    N_("币种"),
)
"""The words of a statement's fields, which pages say in the officer's language."""


@router.post("/bank/{account_id}/statements", dependencies=[CASH])
def take(
    account_id: UUID,
    screen: TheScreen,
    acting: TheActingOnPage,
    model: TheReadModel,
    reach: TheReach,
    found: TheServed,
    working: TheBackground,
    file: Annotated[UploadFile, File()],
    look_first: Annotated[str, Form(max_length=3)] = "",
    first_day: StatedDay = "",
    last_day: StatedDay = "",
) -> Response:
    """Take in an account statement as the bank sent it, of the days stated where it says none.

    A list whose titles are not known, or whose columns somebody wants to look at, is kept for a
    day meanwhile; what its columns were taken for the last time is remembered by account.
    """
    account = account_within(model, reach, account_id)
    name, data = filename_of(file), whole(file)
    fields, layout, facts = fields_of(account.bank_format), None, None
    stated = _stated(first_day, last_day)
    if fields is not None:
        asked = {"account_id": str(account_id), "first_day": first_day, "last_day": last_day}
        facts = facts_of(name, asked, read_lines(name, data))
        layout = remembered_layout(working.imports, STATEMENT, str(account_id), facts)
    if facts is None or not look_first:
        try:
            content = read_account_statement(account.bank_format, name, data, layout, stated)
        except FileRefused as refusal:
            if facts is None or not _can_be_named(facts, refusal):
                raise
        else:
            return _taken(screen, acting, found.ledger, StatementFile(account_id, name, content))
    officer_id, now_s = acting.caller.officer_id, found.clock.now_s()
    kept = working.imports.keep(STATEMENT, officer_id, facts, data, now_s)
    return screen.go(f"/bank/{account_id}/statements/{kept}")


@router.get("/bank/{account_id}/statements/{import_id}", dependencies=[CASH])
def show_columns(
    account_id: UUID,
    import_id: UUID,
    screen: TheScreen,
    caller: TheCaller,
    model: TheReadModel,
    reach: TheReach,
    found: TheServed,
    working: TheBackground,
    line: Number = None,
) -> Response:
    """Show the columns of a statement that waits for them to be named."""
    account = account_within(model, reach, account_id)
    upload = _find(working, account, import_id, caller.officer_id, found.clock.now_s())
    return screen.show("bank/columns.html", code=None, **_shown(working, account, upload, line))


@router.post("/bank/{account_id}/statements/{import_id}/columns", dependencies=[CASH])
def name_columns(
    account_id: UUID,
    import_id: UUID,
    screen: TheScreen,
    acting: TheActingOnPage,
    model: TheReadModel,
    reach: TheReach,
    found: TheServed,
    working: TheBackground,
    line: Annotated[int, Form(ge=1, lt=2**31)],
    field: Annotated[list[str], Form(max_length=200)],
) -> Response:
    """Say what each column is taken for, and take the statement in so."""
    account = account_within(model, reach, account_id)
    upload = _find(working, account, import_id, acting.caller.officer_id, found.clock.now_s())
    layout, name = chosen(line, field), upload.facts.filename
    order = upload.facts.order
    stated = _stated(order.get("first_day", ""), order.get("last_day", ""))
    try:
        data = working.imports.content(upload)
        content = read_account_statement(account.bank_format, name, data, layout, stated)
        answer = _taken(screen, acting, found.ledger, StatementFile(account_id, name, content))
    except LedgerError as refusal:
        shown = _shown(working, account, upload, line, layout)
        return show_refusal(screen, refusal, "bank/columns.html", **shown)
    working.imports.remember(STATEMENT, str(account_id), upload.facts, layout)
    return answer


def _stated(first_day: str, last_day: str) -> StatedDays:
    return StatedDays(
        day_of(first_day) if first_day else None, day_of(last_day) if last_day else None
    )


def _can_be_named(facts: Facts, refusal: FileRefused) -> bool:
    """Say whether a list was refused for its titles alone, and is one: it has columns."""
    titles_alone = {each.code for each in refusal.faults} <= COLUMNS_UNKNOWN
    return titles_alone and any(sum(map(bool, cells)) > 1 for _, cells in facts.head)


def _taken(screen: Screen, acting: Acting, ledger: Ledger, order: StatementFile) -> Response:
    take_bank_statement(ledger, acting.act(), order)
    return screen.go(f"/bank/{order.account_id}", N_("对账单已登记，其中的收支待核对。"))


def _find(
    working: Background, account: Account, import_id: UUID, officer_id: UUID, now_s: int
) -> Import:
    """Return a statement of this account that the officer has brought.

    Raises:
        ImportUnknown: There is none.
    """
    upload = working.imports.find(str(import_id), officer_id, now_s, (STATEMENT,))
    if upload.facts.order["account_id"] != str(account.account_id):
        raise ImportUnknown(str(import_id))
    return upload


def _shown(
    working: Background,
    account: Account,
    upload: Import,
    line: int | None,
    asked: Layout | None = None,
) -> dict[str, Any]:
    fields = fields_of(account.bank_format)
    if fields is None:  # the account's format was another when the file came
        raise ImportUnknown(upload.import_id)
    choices = column_choices(
        working.imports, upload, fields, str(account.account_id), line=line, asked=asked
    )
    return {"account": account, "upload": upload, "choices": choices}

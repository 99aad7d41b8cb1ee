"""Bank accounts: which there are, what is kept in them, how far each is proved."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Form, Response

from api.banking import account_within
from api.callers import KEEP_ACCOUNTS, READ, TheCaller, TheReach
from api.dependencies import TheLedger, TheReadModel
from api.web.asked import Word
from api.web.bank_asked import Reason, day_of, fen_of
from api.web.language import N_
from api.web.posted import TheActingOnPage
from api.web.screen import TheScreen
from api.within import organisation_within
from ledger.commands.bank_accounts import (
    ACCOUNT_KEEPERS,
    AccountRegistration,
    Keeping,
    close_bank_account,
    keep_fund,
    register_bank_account,
    shown_account,
)
from ledger.files.account_statements import statement_formats
from ledger.store.application import NotOnRecord
from projections.balances import fund_accounts
from projections.bank_accounts import account_list, proved_of, standings
from projections.organisations import tree_on

router = APIRouter(include_in_schema=False)


@router.get("/bank", dependencies=[READ])
def show_accounts(
    screen: TheScreen,
    the_ledger: TheLedger,
    model: TheReadModel,
    reach: TheReach,
    caller: TheCaller,
    organisation: Word = None,
) -> Response:
    """List bank accounts with the day up to which each is proved, and each organisation with it."""
    tree = tree_on(model)
    ids = reach.ids
    if organisation is not None:
        named = organisation_within(tree, reach, organisation)
        ids = reach.ids.intersection(tree.subtree(named.organisation_id))
    found = standings(model, account_list(model, organisation_ids=ids))
    return screen.show(
        "bank/accounts.html",
        standings=found,
        proved=proved_of(found),
        numbers={
            each.account.account_id: shown_account(the_ledger, each.account.account_id)
            for each in found
        },
        tree=tree,
        choices=tree.among(reach.ids),
        organisation=organisation,
        keeps=caller.holds_any(ACCOUNT_KEEPERS),
        formats=statement_formats(),
    )


@router.post("/bank", dependencies=[KEEP_ACCOUNTS])
def register(
    screen: TheScreen,
    acting: TheActingOnPage,
    the_ledger: TheLedger,
    organisation_code: Annotated[str, Form(min_length=1, max_length=64)],
    name: Reason,
    number: Annotated[str, Form(max_length=64)],
    bank_format: Annotated[str, Form(max_length=64)],
    begins_on: Annotated[str, Form(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")],
    opening: Annotated[str, Form(max_length=30)],
    bank_name: Annotated[str, Form(max_length=200)] = "",
) -> Response:
    """Register a bank account of an organisation."""
    order = AccountRegistration(
        organisation_code,
        name,
        number,
        bank_name,
        bank_format,
        day_of(begins_on),
        fen_of(opening),
    )
    answer = register_bank_account(the_ledger, acting.act(), order)
    return screen.go(f"/bank/{answer.result['account_id']}", N_("银行账户已登记。"))


@router.post("/bank/{account_id}/funds", dependencies=[KEEP_ACCOUNTS])
def keep(
    account_id: UUID,
    screen: TheScreen,
    acting: TheActingOnPage,
    the_ledger: TheLedger,
    model: TheReadModel,
    reach: TheReach,
    fund_id: Annotated[UUID, Form()],
) -> Response:
    """Say that a fund account's money stands in this bank account."""
    account_within(model, reach, account_id)
    found = fund_accounts(model, fund_id=fund_id)
    if not found:
        raise NotOnRecord("fund account", fund_id)
    reach.require(found[0].organisation_id)
    code = tree_on(model).by_id[found[0].organisation_id].code
    keep_fund(the_ledger, acting.act(), Keeping(account_id, code, found[0].earmark))
    return screen.go(f"/bank/{account_id}", N_("已登记存放在此的资金。"))


@router.post("/bank/{account_id}/closing", dependencies=[KEEP_ACCOUNTS])
def close(
    account_id: UUID,
    screen: TheScreen,
    acting: TheActingOnPage,
    the_ledger: TheLedger,
    model: TheReadModel,
    reach: TheReach,
    reason: Reason,
) -> Response:
    """Say that the account was closed."""
    account_within(model, reach, account_id)
    close_bank_account(the_ledger, acting.act(), account_id, reason)
    return screen.go(f"/bank/{account_id}", N_("银行账户已登记销户。"))

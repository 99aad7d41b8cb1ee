"""Commands about bank accounts: statements in, matched by rule, how far each is proved."""

from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from api import bootstrap
from api.banking import apply_found
from api.cli.printing import say
from ledger.commands.bank_accounts import shown_account
from ledger.commands.bank_statements import StatementFile, take_bank_statement
from ledger.domain.aggregate import OPERATOR
from ledger.domain.values import yuan_text
from ledger.files.account_statements import read_account_statement
from ledger.store.act import CommandAct
from ledger.store.application import NotOnRecord
from projections.bank_accounts import Account, account_list, standings
from projections.bank_lines import open_item_sum, open_line_sum
from projections.runner import catch_up

app = typer.Typer(help="Bank accounts and their statements.", no_args_is_help=True)

AccountId = Annotated[UUID, typer.Argument(help="Id of the bank account.", show_default=False)]


@app.command(name="accounts")
def list_accounts() -> None:
    """List bank accounts, each with the day up to which it is proved, and why not further."""
    place = bootstrap.home()
    with (
        bootstrap.opened(place) as ledger,
        catch_up(ledger, place.read_models).asking() as model,
    ):
        for each in standings(model, account_list(model)):
            account = each.account
            number, _ = shown_account(ledger, account.account_id)
            lines = open_line_sum(model, account.account_id).count
            items = open_item_sum(model, account.account_id, account.begins_on).count
            say(
                f"{account.account_id} {account.name} {number}:"
                f" proved to {each.proved_to or '-'} ({each.why_not_further}),"
                f" statements to {each.chain.up_to} at {yuan_text(each.chain.closing_fen)} yuan,"
                f" {lines} lines and {items} items open"
            )


@app.command()
def take(
    account: AccountId,
    path: Annotated[Path, typer.Argument(help="The statement, as the bank sent it.")],
) -> None:
    """Take in an account statement; lines that are known from another one are not taken twice."""
    place = bootstrap.home()
    with bootstrap.opened(place) as ledger:
        with catch_up(ledger, place.read_models).asking() as model:
            bank_format = _account(account_list(model, account_id=account), account).bank_format
        content = read_account_statement(bank_format, path.name, path.read_bytes())
        act = CommandAct(OPERATOR, bootstrap.today(), bootstrap.now())
        answer = take_bank_statement(ledger, act, StatementFile(account, path.name, content))
        say(f"{answer.result['taken']} lines taken in, {answer.result['known']} known before")


@app.command()
def match(account: AccountId) -> None:
    """Match by rules what names the same batch, payment or document and comes to the same."""
    place = bootstrap.home()
    with (
        bootstrap.opened(place) as ledger,
        catch_up(ledger, place.read_models).asking() as model,
    ):
        found = _account(account_list(model, account_id=account), account)
        act = CommandAct(OPERATOR, bootstrap.today(), bootstrap.now())
        say(f"{apply_found(ledger, act, model, found)} matches made")


def _account(found: list[Account], account_id: UUID) -> Account:
    if not found:
        raise NotOnRecord("bank account", account_id)
    return found[0]

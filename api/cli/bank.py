"""Commands about bank accounts: statements in, matched by rule, how far each is proved."""

from datetime import datetime
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from api import bootstrap
from api.bank_files import return_read
from api.banking import apply_found
from api.cli.printing import bar, say
from ledger.commands.bank_accounts import shown_account
from ledger.commands.bank_files import SpellingAgreement, agree_spelling
from ledger.commands.bank_statements import StatementFile, take_bank_statement
from ledger.commands.statements import receive_statement
from ledger.domain.aggregate import OPERATOR
from ledger.domain.batch import Batch, batch_id
from ledger.domain.values import yuan_text
from ledger.files.account_statements import read_account_statement
from ledger.files.columns import chosen
from ledger.files.statement_days import StatedDays
from ledger.store.act import CommandAct
from ledger.store.application import NotOnRecord
from ledger.store.collector import without_collector
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
    header_row: Annotated[
        int | None, typer.Option(min=1, help="Of a list: the row of its titles.")
    ] = None,
    columns: Annotated[
        str,
        typer.Option(
            help="With it, what each column is: day,-,debit,credit,balance (-: left out)."
        ),
    ] = "",
    first_day: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d"],
            help="First day covered, of a file that does not say which days it covers.",
        ),
    ] = None,
    last_day: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Last day covered.")
    ] = None,
) -> None:
    """Take in an account statement; lines that are known from another one are not taken twice."""
    stated = StatedDays(first_day and first_day.date(), last_day and last_day.date())
    place = bootstrap.home()
    with bootstrap.opened(place) as ledger:
        with catch_up(ledger, place.read_models).asking() as model:
            bank_format = _account(account_list(model, account_id=account), account).bank_format
        layout = None if header_row is None else chosen(header_row, columns.split(","))
        content = read_account_statement(bank_format, path.name, path.read_bytes(), layout, stated)
        act = CommandAct(OPERATOR, bootstrap.today(), bootstrap.now())
        answer = take_bank_statement(ledger, act, StatementFile(account, path.name, content))
        say(f"{answer.result['taken']} lines taken in, {answer.result['known']} known before")


@app.command(name="return")
def take_return(
    batch: Annotated[str, typer.Argument(help="Code of an approved card batch.")],
    path: Annotated[Path, typer.Argument(help="What the bank sent back, as it came.")],
) -> None:
    """Take in a return file: each payment of the batch settles, comes back, or stays in transit."""
    with bootstrap.opened(bootstrap.home()) as ledger:
        # The first event alone: a long file is read before a long batch is loaded, to save memory.
        drafted = ledger.event(batch_id(batch), 1)
        bank_format = drafted.bank_format if isinstance(drafted, Batch.Drafted) else None
        order = return_read(batch, bank_format, path.name, path.read_bytes())
        act = CommandAct(OPERATOR, bootstrap.today(), bootstrap.now())
        # The collector would go through file and batch again and again, and find nothing to free.
        with without_collector(), bar("matching", "payments") as progress:
            came = receive_statement(ledger, act, order, progress).result
        say(
            f"{came['settled']} settled, {came['returned']} returned,"
            f" {came['unresolved']} not decided"
            + (f", {came['earlier']} about earlier attempts" if came.get("earlier") else "")
            + (f", {came['outdated']} decided since" if came.get("outdated") else "")
            + (f", {came['paid_twice']} perhaps PAID TWICE (J5)" if came.get("paid_twice") else "")
        )


@app.command()
def spell(
    batch: Annotated[str, typer.Argument(help="Code of an approved card batch.")],
    number: Annotated[int, typer.Argument(help="The row whose name the bank cannot write.")],
    ground: Annotated[str, typer.Option(help="On what ground: the bank's word.")],
    spelling: Annotated[str, typer.Option(prompt="The name as the bank's file is to spell it")],
) -> None:
    """Say how a bank's file spells a name that the bank's charset lacks characters of."""
    with bootstrap.opened(bootstrap.home()) as ledger:
        act = CommandAct(OPERATOR, bootstrap.today(), bootstrap.now())
        agree_spelling(ledger, act, SpellingAgreement(batch, number, spelling, ground))
        say(f"{batch} row {number}: spelling agreed")


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

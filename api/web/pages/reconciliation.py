"""The bank reconciliation statement of an account: as a page, on paper, prepared and reviewed."""

from dataclasses import dataclass
from datetime import date
from typing import Annotated
from uuid import UUID

import segno
from fastapi import APIRouter, Form, Request, Response
from sqlalchemy import Connection

from api.banking import account_within, balance_within
from api.callers import MATCH, READ, REVIEW_OR_APPROVE, Reach, TheCaller, TheReach
from api.dependencies import Served, TheLedger, TheReadModel, TheServed
from api.file_answer import PDF, file_answer
from api.web.asked import Day
from api.web.balance_paper import Paper, paper
from api.web.bank_asked import day_of
from api.web.handbills import set_in_type
from api.web.language import N_
from api.web.posted import TheActingOnPage
from api.web.screen import TheScreen
from ledger.commands.bank_accounts import shown_account
from ledger.commands.bank_matching import MATCHERS
from ledger.commands.reconciliations import (
    BALANCE_REVIEWERS,
    Balancing,
    prepare_reconciliation,
    review_reconciliation,
)
from projections.bank_accounts import Account, chain_of
from projections.bank_balance import Balance, Step, figures_text, steps_of
from projections.organisations import staff_numbers, tree_on

router = APIRouter(include_in_schema=False)

AsOf = Annotated[str, Form(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")]


@dataclass(frozen=True, slots=True)
class Shown:
    """A statement with who prepared and who reviewed it, as far as that still holds."""

    account: Account
    balance: Balance
    prepared: Step | None
    reviewed: Step | None
    moved: bool


@router.get("/bank/{account_id}/reconciliation", dependencies=[READ])
def show_reconciliation(
    account_id: UUID,
    request: Request,
    screen: TheScreen,
    found: TheServed,
    model: TheReadModel,
    reach: TheReach,
    caller: TheCaller,
    day: Day = None,
) -> Response:
    """Show both columns as of a day, the last that is covered unless one is asked for."""
    shown = _shown(model, reach, account_id, day)
    address = _address(request, shown)
    tree = tree_on(model)
    places = set(tree.line(shown.account.organisation_id))
    posts = {role for place, role in caller.posts if place in places}
    number, bank_name = shown_account(found.ledger, account_id)
    return screen.show(
        "bank/reconciliation.html",
        shown=shown,
        account=shown.account,
        balance=shown.balance,
        number=number,
        bank_name=bank_name,
        tree=tree,
        staff=staff_numbers(model),
        steps=steps_of(model, account_id),
        prepares=bool(MATCHERS & posts),
        reviews=bool(BALANCE_REVIEWERS & posts),
        checkpoint=_checkpoint(found),
        code=segno.make(address, error="m").svg_inline(scale=3, title=address),
    )


@router.get("/bank/{account_id}/reconciliation.pdf", dependencies=[READ])
def print_reconciliation(
    account_id: UUID,
    request: Request,
    screen: TheScreen,
    found: TheServed,
    model: TheReadModel,
    reach: TheReach,
    day: Day = None,
) -> Response:
    """Set the statement on paper (PDF/A), with boxes for who prepares and who reviews."""
    shown = _shown(model, reach, account_id, day)
    number, bank_name = shown_account(found.ledger, account_id)
    staff = staff_numbers(model)
    tree = tree_on(model)
    said = paper(
        screen.language,
        Paper(
            shown.account,
            shown.balance,
            tree.by_id[shown.account.organisation_id].name,
            f"{bank_name} {number}".strip(),
            _who(shown.prepared, staff),
            _who(shown.reviewed, staff),
            _address(request, shown),
            "\n".join(_checkpoint(found)),
        ),
    )
    name = f"reconciliation-{account_id}-{shown.balance.as_of}.pdf"
    printed = set_in_type("bank/reconciliation.typ", said, screen)
    return file_answer(printed, PDF, name, shown=True)


@router.post("/bank/{account_id}/reconciliation", dependencies=[MATCH])
def prepare(
    account_id: UUID,
    screen: TheScreen,
    acting: TheActingOnPage,
    the_ledger: TheLedger,
    model: TheReadModel,
    reach: TheReach,
    day: AsOf,
) -> Response:
    """Prepare the statement of a day with the figures as they are."""
    order = _order(model, reach, account_id, day_of(day))
    prepare_reconciliation(the_ledger, acting.act(), order)
    return screen.go(_path(account_id, order.as_of), N_("余额调节表已编制，待另一人复核。"))


@router.post("/bank/{account_id}/reconciliation/review", dependencies=[REVIEW_OR_APPROVE])
def review(
    account_id: UUID,
    screen: TheScreen,
    acting: TheActingOnPage,
    the_ledger: TheLedger,
    model: TheReadModel,
    reach: TheReach,
    day: AsOf,
) -> Response:
    """Review the statement that another prepared."""
    order = _order(model, reach, account_id, day_of(day))
    review_reconciliation(the_ledger, acting.act(), order)
    return screen.go(_path(account_id, order.as_of), N_("余额调节表已复核。"))


def _shown(model: Connection, reach: Reach, account_id: UUID, day: date | None) -> Shown:
    account = account_within(model, reach, account_id)
    asked = day or chain_of(model, account).up_to
    balance = balance_within(model, account, asked)
    steps = steps_of(model, account_id, asked)
    prepared = next((each for each in reversed(steps) if each.what == "prepared"), None)
    reviewed = steps[-1] if steps and steps[-1].what == "reviewed" else None
    moved = prepared is not None and prepared.figures != figures_text(balance.figures)
    return Shown(account, balance, prepared, reviewed, moved)


def _order(model: Connection, reach: Reach, account_id: UUID, day: date) -> Balancing:
    account = account_within(model, reach, account_id)
    return Balancing(account_id, day, balance_within(model, account, day).figures)


def _who(step: Step | None, staff: dict[UUID, str]) -> str:
    if step is None or step.officer_id is None:
        return ""
    return f"{staff.get(step.officer_id, '')} {step.happened_on}"


def _path(account_id: UUID, day: date) -> str:
    return f"/bank/{account_id}/reconciliation?day={day.isoformat()}"


def _address(request: Request, shown: Shown) -> str:
    path = _path(shown.account.account_id, shown.balance.as_of)
    return f"{str(request.base_url).rstrip('/')}{path}"


def _checkpoint(found: Served) -> list[str]:
    """Return the log's name, its length and its root, of the last checkpoint."""
    checkpoint = found.ledger.log.select_checkpoint()
    return [] if checkpoint is None else checkpoint[1].split("\n")[:3]

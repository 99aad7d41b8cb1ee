"""The desk where a bank account's open lines are matched with what the books moved."""

from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Form, Response
from sqlalchemy import Connection

from api.banking import (
    Found,
    Returnable,
    account_within,
    apply_rules,
    found_for,
    line_within,
    returnables_for,
)
from api.callers import APPROVE, MATCH, READ, TAKE_UP, Caller, Reach, TheCaller, TheReach
from api.dependencies import TheLedger, TheReadModel
from api.web.asked import Word
from api.web.bank_asked import (
    InHand,
    Places,
    Reason,
    place_of,
    read_after,
    read_place,
    sought,
    write_after,
)
from api.web.language import N_
from api.web.posted import TheActingOnPage
from api.web.screen import TheScreen
from ledger.commands.bank_accounts import ACCOUNT_KEEPERS, shown_account
from ledger.commands.bank_facts import Counterparty, counterparty_of
from ledger.commands.bank_matching import (
    MATCHERS,
    WRITERS_OFF,
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
from ledger.commands.bank_statements import withdraw_bank_statement
from ledger.commands.funds import CASHIERS
from ledger.domain.bank_statement import LineState
from ledger.files.account_statements import fields_of
from ledger.store.application import Ledger, NotOnRecord
from projections.asked import NOW
from projections.balances import Fund, fund_accounts
from projections.bank_accounts import (
    Account,
    book_balance,
    kept_anywhere,
    kept_in,
    reopenings,
    standings,
    statement_list,
)
from projections.bank_lines import (
    After,
    LineView,
    aside_lines,
    items_of_match,
    last_matches,
    lines_of_match,
    match_of,
    open_item_sum,
    open_items,
    open_line_sum,
    open_lines,
)
from projections.organisations import staff_numbers, tree_on

router = APIRouter(include_in_schema=False)

LINES_SHOWN = 50
ITEMS_SHOWN = 50
LAST_SHOWN = 8
PROPOSED_FROM = 65
"""Of a hundred: a candidate that names the same and comes to the same is chosen beforehand."""


@dataclass(frozen=True, slots=True)
class Card:
    """An open line as it is shown; `place` is what forms call it by."""

    line: LineView
    other: Counterparty

    @property
    def place(self) -> str:
        return place_of(self.line)


@dataclass(frozen=True, slots=True)
class Looked:
    """The line in hand, with what it may be."""

    card: Card
    found: list[Found]
    returnables: list[Returnable]

    @property
    def proposed(self) -> Found | None:
        """Return the candidate that is chosen beforehand: the one that names the same, if one."""
        named = [each for each in self.found if each.score >= PROPOSED_FROM]
        return named[0] if len(named) == 1 else None


@router.get("/bank/{account_id}", dependencies=[READ])
def show_desk(
    account_id: UUID,
    screen: TheScreen,
    the_ledger: TheLedger,
    model: TheReadModel,
    reach: TheReach,
    caller: TheCaller,
    look: Word = None,
    after: Word = None,
    done: Word = None,
    q: Word = None,
) -> Response:
    """Show open lines beside what each may be, and how far the account is proved.

    `look` is the line in hand, else the first that comes after `done`, the one that was just
    matched; `after` where the page of lines begins.
    """
    account = account_within(model, reach, account_id)
    amount, named = sought(q)
    found = open_lines(
        model,
        account_id,
        after=read_after(after),
        amount_fen=amount,
        named=named,
        limit=LINES_SHOWN + 1,
    )
    shown = [Card(each, counterparty_of(the_ledger, each.position)) for each in found[:LINES_SHOWN]]
    looked = _looked(the_ledger, model, reach, shown, look, read_after(done))
    [standing] = standings(model, [account])
    number, bank_name = shown_account(the_ledger, account_id)
    tree = tree_on(model)
    acts = _acts(caller, account, tree.line(account.organisation_id))
    return screen.show(
        "bank/desk.html",
        account=account,
        named_columns=fields_of(account.bank_format) is not None,
        number=number,
        bank_name=bank_name,
        standing=standing,
        books_fen=book_balance(model, account_id, NOW),
        tree=tree,
        cards=shown,
        looked=looked,
        next=write_after(found[LINES_SHOWN - 1]) if len(found) > LINES_SHOWN else None,
        lines=open_line_sum(model, account_id),
        items_sum=open_item_sum(model, account_id, account.begins_on),
        items=open_items(model, account_id, account.begins_on, limit=ITEMS_SHOWN),
        last=last_matches(model, account_id, LAST_SHOWN),
        aside=aside_lines(model, account_id, LAST_SHOWN),
        statements=statement_list(model, account_id)[-LAST_SHOWN:],
        reopened=reopenings(model, account, LAST_SHOWN),
        staff=staff_numbers(model),
        acts=acts,
        funds=_unkept(model, tree.subtree(account.organisation_id)) if "keep" in acts else [],
        kept=kept_in(model, account_id),
        fund_names={each.fund_id: each.earmark for each in fund_accounts(model)},
        q=q,
        after=after,
        goes_on=done is not None,
    )


@router.post("/bank/{account_id}/rules", dependencies=[MATCH])
def apply(
    account_id: UUID,
    screen: TheScreen,
    acting: TheActingOnPage,
    the_ledger: TheLedger,
    model: TheReadModel,
    reach: TheReach,
) -> Response:
    """Match by rules what names the same."""
    account = account_within(model, reach, account_id)
    made = apply_rules(the_ledger, acting, model, account)
    said = N_("已按编号自动核对。") if made else N_("没有编号完全一致且金额相符的收支。")
    return screen.go(f"/bank/{account_id}", said)


@router.post("/bank/{account_id}/statements/{statement_id}/withdrawal", dependencies=[APPROVE])
def withdraw_statement(
    account_id: UUID,
    statement_id: UUID,
    screen: TheScreen,
    acting: TheActingOnPage,
    the_ledger: TheLedger,
    model: TheReadModel,
    reach: TheReach,
    reason: Reason,
) -> Response:
    """Take back a statement that was taken in by mistake, once nothing of it is matched."""
    account_within(model, reach, account_id)
    act = acting.act(stream=statement_id)
    withdraw_bank_statement(the_ledger, act, account_id, statement_id, reason)
    return screen.go(f"/bank/{account_id}", N_("对账单已撤回，所载的日子须重新登记对账单。"))


@router.post("/bank/{account_id}/matches", dependencies=[MATCH])
def make_match(
    account_id: UUID,
    screen: TheScreen,
    acting: TheActingOnPage,
    the_ledger: TheLedger,
    model: TheReadModel,
    reach: TheReach,
    line: Places = [],  # noqa: B006 - FastAPI copies it
    item: Places = [],  # noqa: B006
    in_hand: Annotated[str, Form(max_length=60)] = "",
    after: Annotated[str, Form(max_length=40)] = "",
) -> Response:
    """Match what is chosen: all of it or none. Of lines, the one in hand where none is ticked."""
    account_within(model, reach, account_id)
    chosen = line or ([in_hand] if in_hand else [])
    order = Matching(
        account_id,
        tuple(LineChosen(*read_place(each)) for each in chosen),
        tuple(ItemChosen(*read_place(each)) for each in item),
    )
    done = ""
    if chosen:
        _, last = line_within(model, reach, *read_place(chosen[0]))
        done = write_after(last)
    match(the_ledger, acting.act(), order)
    return screen.go(_desk(account_id, after, done), N_("已核对相符。"))


@router.post("/bank/{account_id}/matches/{match_id}/undoing", dependencies=[MATCH])
def undo(
    account_id: UUID,
    match_id: UUID,
    screen: TheScreen,
    acting: TheActingOnPage,
    the_ledger: TheLedger,
    model: TheReadModel,
    reach: TheReach,
    reason: Reason,
) -> Response:
    """Undo a match."""
    account_within(model, reach, account_id)
    unmatch(the_ledger, acting.act(), match_id, reason)
    return screen.go(f"/bank/{account_id}", N_("已撤销核对，收支重新待核对。"))


@router.get("/bank/{account_id}/matches/{match_id}", dependencies=[READ])
def show_match(
    account_id: UUID,
    match_id: UUID,
    screen: TheScreen,
    the_ledger: TheLedger,
    model: TheReadModel,
    reach: TheReach,
    caller: TheCaller,
) -> Response:
    """Show what a match holds together, by whom or by which rule, and why."""
    account = account_within(model, reach, account_id)
    found = match_of(model, match_id)
    if found is None or found.account_id != account_id:
        raise NotOnRecord("bank match", match_id)
    tree = tree_on(model)
    lines = lines_of_match(model, match_id)
    return screen.show(
        "bank/match.html",
        account=account,
        match=found,
        cards=[Card(each, counterparty_of(the_ledger, each.position)) for each in lines],
        items=items_of_match(model, match_id),
        tree=tree,
        staff=staff_numbers(model),
        acts=_acts(caller, account, tree.line(account.organisation_id)),
    )


@router.post("/bank/{account_id}/lines/ignoring", dependencies=[MATCH])
def ignore(
    account_id: UUID,
    screen: TheScreen,
    acting: TheActingOnPage,
    the_ledger: TheLedger,
    model: TheReadModel,
    reach: TheReach,
    in_hand: InHand,
    reason: Reason,
) -> Response:
    """Say that a line is no business of this ledger."""
    account_within(model, reach, account_id)
    order = SettingAside(LineChosen(*read_place(in_hand)), LineState.IGNORED, reason)
    set_aside(the_ledger, acting.act(), order)
    return screen.go(f"/bank/{account_id}", N_("已另行处理，不再待核对。"))


@router.post("/bank/{account_id}/lines/writing-off", dependencies=[APPROVE])
def write_off(
    account_id: UUID,
    screen: TheScreen,
    acting: TheActingOnPage,
    the_ledger: TheLedger,
    model: TheReadModel,
    reach: TheReach,
    in_hand: InHand,
    reason: Reason,
) -> Response:
    """Let a line stand as a difference: an approver's word."""
    account_within(model, reach, account_id)
    order = SettingAside(LineChosen(*read_place(in_hand)), LineState.WRITTEN_OFF, reason)
    set_aside(the_ledger, acting.act(), order)
    return screen.go(f"/bank/{account_id}", N_("已另行处理，不再待核对。"))


@router.post("/bank/{account_id}/lines/taking-up", dependencies=[TAKE_UP])
def take_line_up(
    account_id: UUID,
    screen: TheScreen,
    acting: TheActingOnPage,
    the_ledger: TheLedger,
    model: TheReadModel,
    reach: TheReach,
    in_hand: InHand,
    reason: Reason,
) -> Response:
    """Open a line again that was set aside; what an approver wrote off, an approver opens."""
    account_within(model, reach, account_id)
    take_up(the_ledger, acting.act(), LineChosen(*read_place(in_hand)), reason)
    return screen.go(f"/bank/{account_id}", N_("已重新待核对。"))


@router.post("/bank/{account_id}/lines/coming-back", dependencies=[MATCH])
def payment_came_back(
    account_id: UUID,
    screen: TheScreen,
    acting: TheActingOnPage,
    the_ledger: TheLedger,
    model: TheReadModel,
    reach: TheReach,
    in_hand: InHand,
    disbursement_id: Annotated[UUID, Form()],
) -> Response:
    """Take a payment back by the line that brought its money (退票)."""
    account_within(model, reach, account_id)
    order = ComingBack(LineChosen(*read_place(in_hand)), disbursement_id, "RETURNED")
    come_back(the_ledger, acting.act(), order)
    return screen.go(f"/bank/{account_id}", N_("已登记退票，款项退回资金账户。"))


def _looked(
    ledger: Ledger,
    model: Connection,
    reach: Reach,
    shown: list[Card],
    look: str | None,
    done: After | None,
) -> Looked | None:
    """Take a line in hand: the one that is asked for, else the next after what was done."""
    card: Card | None = None
    if look is not None:
        _, line = line_within(model, reach, *read_place(look))
        if line.state == LineState.OPEN:
            card = Card(line, counterparty_of(ledger, line.position))
    elif shown:
        later = [each for each in shown if done is None or _is_after(each.line, done)]
        card = (later or shown)[0]
    if card is None:
        return None
    account, line = line_within(model, reach, card.line.statement_id, card.line.line)
    return Looked(
        card,
        found_for(ledger, model, account, line),
        returnables_for(ledger, model, account, line),
    )


def _acts(caller: Caller, account: Account, line: list[UUID]) -> set[str]:
    """Return what this officer may do with the account."""
    posts = {role for place, role in caller.posts if place in set(line)}
    may = {
        "take": CASHIERS,
        "match": MATCHERS,
        "write_off": WRITERS_OFF,
        "keep": ACCOUNT_KEEPERS if account.closed_on is None else frozenset(),
    }
    return {act for act, roles in may.items() if roles & posts}


def _unkept(model: Connection, organisation_ids: list[UUID]) -> list[Fund]:
    """Return the fund accounts of which nobody said yet in which bank account they are kept."""
    kept = kept_anywhere(model)
    found = fund_accounts(model, organisation_ids=organisation_ids)
    return [each for each in found if each.fund_id not in kept]


def _is_after(line: LineView, done: After) -> bool:
    return (line.booked_on, line.position) > (done.booked_on, done.position)


def _desk(account_id: UUID, after: str, done: str) -> str:
    """Return the desk's address, where the list stays and the next line is in hand."""
    kept = {name: value for name, value in (("after", after), ("done", done)) if value}
    return f"/bank/{account_id}?{urlencode(kept)}" if kept else f"/bank/{account_id}"

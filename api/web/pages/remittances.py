"""Money to and from other ledgers: what was sent, what came, what waits; and sending."""

from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Response
from sqlalchemy import Connection

from api.callers import APPROVE, READ, Caller, Reach, TheCaller, TheReach
from api.dependencies import TheLedger, ThePage, TheReadModel, TheServed
from api.file_answer import ZIP, file_answer
from api.remitting import is_published, proof_of
from api.v1.forms import RemittanceForm
from api.web.asked import Empty, TheMomentOnPage, Word
from api.web.bank_asked import fen_of
from api.web.given import Given, TheFields, formed
from api.web.refused import show_above
from api.web.screen import Screen, TheScreen
from api.within import organisation_within, remittance_within
from ledger.commands.funds import CASHIERS
from ledger.commands.policies import APPROVERS
from ledger.domain.fund import FundAccount, Lot, fund_id
from ledger.domain.organisation import organisation_id
from ledger.domain.remittance import EntryElsewhere, Remittance, State
from ledger.domain.values import Money
from ledger.errors import LedgerError
from ledger.store.act import CommandAct
from ledger.store.application import Ledger, NotOnRecord
from projections.asked import NOW
from projections.balances import balances, fund_accounts
from projections.organisations import Organisation, Tree, staff_numbers, tree_on
from projections.remittances import counted, known_ledgers, pieces_of, remittance_list

router = APIRouter(include_in_schema=False)

LIST, NEW = "remittances/list.html", "remittances/new.html"


@router.get("/remittances", dependencies=[READ])
def show_remittances(
    screen: TheScreen,
    model: TheReadModel,
    reach: TheReach,
    caller: TheCaller,
    page: ThePage,
    moment: TheMomentOnPage,
    organisation: Word = None,
    state: Word = None,
    origin: Annotated[UUID | None, Empty] = None,
) -> Response:
    """List what was sent to other ledgers and came from them; say what waits for their word."""
    tree = tree_on(model, moment.as_of, moment.at)
    ids = sorted(reach.ids)
    chosen = None if organisation is None else organisation_within(tree, reach, organisation)
    if chosen is not None:
        ids = tree.subtree(chosen.organisation_id)
    stands = State(state) if state in set(State) else None
    found = remittance_list(
        model,
        moment,
        organisation_ids=ids,
        state=stands,
        origin_id=origin,
        after=page.after,
        limit=page.limit + 1,
    )
    shown, further = page.cut(found)
    return screen.show(
        LIST,
        tree=tree,
        remittances=shown,
        next=further,
        counted=counted(model, moment, ids),
        states=list(State),
        state=stands,
        origin=origin,
        organisation=chosen,
        choices=tree.among(reach.ids),
        **_may(caller),
    )


@dataclass(frozen=True, slots=True)
class Account:
    """A fund account that money can be sent from, and what it holds, in fen."""

    organisation: Organisation
    earmark: str
    in_hand_fen: int

    @property
    def name(self) -> str:
        """How the form names it."""
        return f"{self.organisation.code}/{self.earmark}"


@dataclass(frozen=True, slots=True)
class Sender:
    """Who sends, and what they may choose from."""

    screen: Screen
    model: Connection
    reach: Reach
    accounts: list[Account]

    def shown(self, given: Given) -> dict[str, Any]:
        known = [each for each in known_ledgers(self.model) if each.is_known]
        return {"given": given, "accounts": self.accounts, "known": known, "order": None}

    def account(self, name: str) -> Account:
        """Return the account that is named.

        Raises:
            OutsideReach: Its organisation is not within reach.
            NotOnRecord: There is none that the officer may send from.
        """
        code, _, earmark = name.partition("/")
        self.reach.require(organisation_id(code))
        for each in self.accounts:
            if each.name == name:
                return each
        raise NotOnRecord("fund", fund_id(organisation_id(code), earmark))


def sender(screen: TheScreen, caller: TheCaller, model: TheReadModel, reach: TheReach) -> Sender:
    tree = tree_on(model, caller.day)
    places = caller.places(APPROVERS)
    below = [each for place in places for each in tree.subtree(place)]
    return Sender(screen, model, reach, _accounts(model, tree, below))


TheSender = Annotated[Sender, Depends(sender)]


@router.get("/remittances/new", dependencies=[APPROVE])
def ask_sending(of: TheSender) -> Response:
    """Show the form that sends money to another ledger."""
    return of.screen.show(NEW, code=None, **of.shown(Given()))


@router.post("/remittances/new", dependencies=[APPROVE])
def preview(of: TheSender, given: TheFields, the_ledger: TheLedger, caller: TheCaller) -> Response:
    """Show of which lots it would be made, to be signed; nothing is written."""
    shown = of.shown(given)
    try:
        account = of.account(given["account"])
        form = _order(of, given)
        parts = _chosen(the_ledger, form, caller.day)
    except LedgerError as refusal:
        return show_above(of.screen, refusal, NEW, **shown)
    [to] = [each for each in shown["known"] if each.key_id == form.to_key_id] or [None]
    return of.screen.show(
        NEW,
        code=None,
        **shown | {"order": form.model_dump(), "parts": parts, "account": account, "to": to},
    )


@router.get("/remittances/{remittance_id}", dependencies=[READ])
def show_remittance(
    remittance_id: UUID,
    screen: TheScreen,
    model: TheReadModel,
    reach: TheReach,
    caller: TheCaller,
    the_ledger: TheLedger,
) -> Response:
    """Show a remittance: where it stands, of what it is made, and each side's entry."""
    found = remittance_within(model, reach, remittance_id)
    tree = tree_on(model)
    accounts = [] if found.fund_id is None else fund_accounts(model, fund_id=found.fund_id)
    return screen.show(
        "remittances/remittance.html",
        remittance=found,
        organisation=tree.by_id[found.organisation_id],
        earmark=accounts[0].earmark if accounts else None,
        pieces=pieces_of(model, remittance_id),
        steps=_steps(the_ledger, remittance_id),
        staff=staff_numbers(model),
        is_published=is_published(the_ledger, remittance_id),
        **_may(caller),
    )


@router.get("/remittances/{remittance_id}/proof", dependencies=[READ])
def download_proof(
    remittance_id: UUID, model: TheReadModel, reach: TheReach, caller: TheCaller, found: TheServed
) -> Response:
    """Make the file that the other ledger takes in; it holds without this server."""
    remittance_within(model, reach, remittance_id)
    act = CommandAct(str(caller.officer_id), found.clock.today(), found.clock.now())
    file = proof_of(found.ledger, found.maps, found.anchors, act, remittance_id)
    return file_answer(file, ZIP, f"remittance-{remittance_id}.zip")


def _may(caller: Caller) -> dict[str, bool]:
    return {"cashes": caller.holds_any(CASHIERS), "approves": caller.holds_any(APPROVERS)}


def _accounts(model: Connection, tree: Tree, ids: list[UUID]) -> list[Account]:
    held: dict[UUID, int] = {}
    for each in balances(model, NOW, organisation_ids=ids):
        held[each.fund_id] = held.get(each.fund_id, 0) + each.in_hand_fen
    found = [
        Account(tree.by_id[each.organisation_id], each.earmark, held.get(each.fund_id, 0))
        for each in fund_accounts(model, organisation_ids=ids)
    ]
    return sorted(found, key=lambda each: each.name)


def _order(of: Sender, given: Given) -> RemittanceForm:
    """Read the form.

    Raises:
        FieldsUnreadable, AmountUnreadable: Something in it cannot be read.
    """
    code, _, earmark = given["account"].partition("/")
    asked = {
        "from_code": code,
        "earmark": earmark,
        "to_key_id": given["to_key_id"],
        "to_code": given["to_code"],
        "document": given["document"],
        "amount_fen": fen_of(given["amount"]),
    }
    return formed(RemittanceForm, asked, of.screen.language)


def _chosen(ledger: Ledger, form: RemittanceForm, day: date) -> list[tuple[Lot, Money]]:
    """Return the lots with what would be taken of each.

    Raises:
        NotOnRecord: There is no such account.
        FundInsufficient: It holds less.
    """
    id_ = fund_id(organisation_id(form.from_code), form.earmark)
    account = ledger.load(FundAccount, id_)
    if account is None:
        raise NotOnRecord("fund", id_)
    parts = account.choose(Money(form.amount_fen), day)
    return [(account.lots[part.lot_id], part.amount_fen) for part in parts]


@dataclass(frozen=True, slots=True)
class Step:
    """An event of a remittance, and the entry of the other ledger that it rests on."""

    topic: str
    happened_on: date
    officer_id: UUID
    position: int
    entry: EntryElsewhere | None


def _steps(ledger: Ledger, remittance_id: UUID) -> list[Step]:
    steps = []
    for version, position in ledger.log.select_stream_positions(remittance_id):
        event = ledger.event(remittance_id, version)
        entry = None
        match event:
            case Remittance.Received() | Remittance.Refused():
                entry = event.sent
            case Remittance.Acknowledged():
                entry = event.received
            case Remittance.TakenBack():
                entry = event.refused
        steps.append(Step(event.TOPIC, event.happened_on, UUID(event.actor), position, entry))
    return steps

"""Finding: people by what is known of them; amounts, days, documents; and what has a number."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Annotated
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Form, Response
from sqlalchemy import Connection

from api.callers import READ, Reach, TheReach
from api.dependencies import TheLedger, TheReadModel
from api.looking import Looking, TheLooking
from api.payees import payments_of
from api.v1 import models
from api.web.refused import show_refusal
from api.web.screen import TheScreen
from api.within import batch_within
from ledger.commands.searching import ERASED, KEPT, masked_person
from ledger.domain.batch import batch_id
from ledger.domain.recipient import Recipient
from ledger.errors import Kind, LedgerError
from ledger.files.amounts import day, fen
from ledger.store.application import Ledger
from projections.allocations import Allocation, Passing, allocation_list
from projections.batches import BankStatement, Batch, batch_list, batch_places, statements_on
from projections.disbursements import Disbursement, Question, disbursement_list
from projections.flows import LotStep, appropriations
from projections.organisations import tree_on

router = APIRouter(include_in_schema=False)

PEOPLE_KINDS = ("name", "id_number", "card_number", "phone")
KINDS = (*PEOPLE_KINDS, "amount", "day", "document", "batch", "position")
NOTHING: dict[str, str] = {}
PEOPLE_MAX = 20
SHOWN_MAX = 50
"""Of each kind of result; what is beyond is named, and for payments the ledger lists all."""

FEN_PER_YUAN = 100


class AmountUnreadable(LedgerError):
    """An amount is sought in yuan, such as 1,200.00."""

    code = "search.amount_unreadable"
    kind = Kind.INVALID

    def __init__(self) -> None:
        super().__init__("an amount is written in yuan, such as 1,200.00")


class DayUnreadable(LedgerError):
    """A day is sought as 2017-01-20 or 2017年1月20日."""

    code = "search.day_unreadable"
    kind = Kind.INVALID

    def __init__(self) -> None:
        super().__init__("a day is written as 2017-01-20, 2017/1/20 or 2017年1月20日")


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who was found, masked."""

    person_id: UUID
    state: str
    known: dict[str, str]
    payments: int


@dataclass(slots=True)
class Found:
    """What was found, a list a kind. `cut` names the lists that go on."""

    people: list[Person] = field(default_factory=list)
    payments: list[models.Disbursement] = field(default_factory=list)
    lots: list[LotStep] = field(default_factory=list)
    allocations: list[Allocation] = field(default_factory=list)
    batches: list[Batch] = field(default_factory=list)
    statements: list[tuple[str, BankStatement]] = field(default_factory=list)
    cut: set[str] = field(default_factory=set)
    ledger: str | None = None

    @property
    def nothing(self) -> bool:
        return not (
            self.people
            or self.payments
            or self.lots
            or self.allocations
            or self.batches
            or self.statements
        )


@dataclass(frozen=True, slots=True)
class Finder:
    """Looks for things on behalf of somebody who sees so far."""

    ledger: Ledger
    model: Connection
    reach: Reach
    looking: Looking

    def people(self, kind: str, sought: str) -> Found:
        """Find people by a value as it is, or as it is shown masked, with their payments."""
        named = f"{kind} masked" if "*" in sought else kind
        near = self.looking.people({named: sought}, PEOPLE_MAX + 1)
        shown = list(near)[:PEOPLE_MAX]
        within = Question(organisation_ids=self.reach.within(None))
        payments = disbursement_list(
            self.model, asked=within, person_ids=shown, limit=SHOWN_MAX + 1
        )
        found = Found(
            people=[self._person(id_, near[id_]) for id_ in shown], payments=self._masked(payments)
        )
        found.cut = {"people"} if len(near) > PEOPLE_MAX else set()
        return self._shortened(found)

    def amount(self, amount_fen: int, since: date | None, until: date | None) -> Found:
        """Find what is of exactly this amount, on days from one to another."""
        asked = Question(least_fen=amount_fen, most_fen=amount_fen, since=since, until=until)
        first, last = _text(since), _text(until)
        passing = Passing(since=first, until=last, amount_fen=amount_fen)
        ids = self.reach.within(None)
        more = SHOWN_MAX + 1
        found = self._found(asked, passing)
        found.lots = appropriations(
            self.model,
            organisation_ids=ids,
            amount_fen=amount_fen,
            since=first,
            until=last,
            limit=more,
        )
        found.batches = batch_list(
            self.model,
            organisation_ids=ids,
            listed_total_fen=amount_fen,
            since=first,
            until=last,
            limit=more,
        )
        if amount_fen % FEN_PER_YUAN == 0:
            whole = str(amount_fen // FEN_PER_YUAN)
            found.ledger = _ledger(least=whole, most=whole, since=first, until=last)
        return self._shortened(found)

    def day(self, on: date) -> Found:
        """Find what happened on a day."""
        iso = on.isoformat()
        ids, more = self.reach.within(None), SHOWN_MAX + 1
        found = self._found(Question(since=on, until=on), Passing(since=iso, until=iso))
        found.lots = appropriations(
            self.model, organisation_ids=ids, since=iso, until=iso, limit=more
        )
        found.batches = batch_list(
            self.model, organisation_ids=ids, since=iso, until=iso, limit=more
        )
        answers = statements_on(self.model, ids, iso, more)
        codes = batch_places(self.model, {each.batch_id for each in answers})
        found.statements = [(codes[each.batch_id][0], each) for each in answers]
        found.ledger = _ledger(since=iso, until=iso)
        return self._shortened(found)

    def document(self, document: str) -> Found:
        """Find what came in, or was passed on, under a document."""
        ids, more = self.reach.within(None), SHOWN_MAX + 1
        found = Found()
        found.lots = appropriations(self.model, organisation_ids=ids, document=document, limit=more)
        found.allocations = allocation_list(
            self.model, organisation_ids=ids, asked=Passing(document=document), limit=more
        )
        return self._shortened(found)

    def _found(self, asked: Question, passing: Passing) -> Found:
        ids, more = self.reach.within(None), SHOWN_MAX + 1
        within = replace(asked, organisation_ids=ids)
        payments = disbursement_list(self.model, asked=within, limit=more)
        return Found(
            payments=self._masked(payments),
            allocations=allocation_list(
                self.model, organisation_ids=ids, asked=passing, limit=more
            ),
        )

    def _masked(self, payments: Sequence[Disbursement]) -> list[models.Disbursement]:
        return payments_of(self.ledger, payments)

    def _person(self, id_: UUID, payments: int) -> Person:
        """Return a person as their file has them; where there is none, as they were last paid."""
        recipient = self.ledger.load(Recipient, id_)
        state, known = KEPT, NOTHING
        if recipient is not None:
            state, known = masked_person(self.ledger, recipient, self.reach.ids)
        if known or state == ERASED or not payments:
            return Person(id_, state, known, payments)
        [last] = self._masked(
            disbursement_list(
                self.model,
                asked=Question(organisation_ids=self.reach.within(None)),
                person_ids=[id_],
                limit=1,
                newest_first=True,
            )
        )
        known = last.payee.model_dump(exclude={"state"}, exclude_none=True)
        return Person(id_, last.payee.state, known, payments)

    @staticmethod
    def _shortened(found: Found) -> Found:
        for name in ("payments", "lots", "allocations", "batches", "statements"):
            listed = getattr(found, name)
            if len(listed) > SHOWN_MAX:
                found.cut.add(name)
                setattr(found, name, listed[:SHOWN_MAX])
        return found


@router.get("/search", dependencies=[READ])
def show_search(screen: TheScreen) -> Response:
    """Show what can be searched for."""
    return screen.show("search.html", kinds=KINDS, asked=None, code=None)


@router.post("/search", dependencies=[READ])
def search(
    screen: TheScreen,
    model: TheReadModel,
    reach: TheReach,
    the_ledger: TheLedger,
    looking: TheLooking,
    kind: Annotated[str, Form(max_length=20)],
    value: Annotated[str, Form(max_length=200)],
    since: Annotated[str, Form(max_length=20)] = "",
    until: Annotated[str, Form(max_length=20)] = "",
) -> Response:
    """Find it. What was searched for stands in no address and no log, and is not shown again."""
    sought = value.strip()
    try:
        if kind == "batch":
            return screen.go(f"/batches/{batch_within(model, reach, batch_id(sought)).batch_id}")
        if kind == "position" and sought.isdecimal() and len(sought) < 16:  # noqa: PLR2004
            the_ledger.require_position(int(sought))
            return screen.go(f"/verify/{int(sought)}")
        found = _find(Finder(the_ledger, model, reach, looking), kind, sought, since, until)
    except LedgerError as refusal:
        return show_refusal(screen, refusal, "search.html", kinds=KINDS, asked=kind)
    return screen.show(
        "search.html",
        kinds=KINDS,
        asked=kind,
        code=None,
        found=found,
        most=SHOWN_MAX,
        people_most=PEOPLE_MAX,
        tree=tree_on(model),
    )


def _find(finder: Finder, kind: str, sought: str, since: str, until: str) -> Found:
    if kind in PEOPLE_KINDS:
        return finder.people(kind, sought)
    if kind == "amount":
        amount = fen(sought)
        if amount is None or amount <= 0:
            raise AmountUnreadable
        return finder.amount(amount, _day(since), _day(until))
    if kind == "day":
        on = _day(sought)
        if on is None:
            raise DayUnreadable
        return finder.day(on)
    return finder.document(sought) if kind == "document" else Found()


def _day(text: str) -> date | None:
    """Read a day that may be left out.

    Raises:
        DayUnreadable: It is no day.
    """
    if not text.strip():
        return None
    found = day(text)
    if found is None:
        raise DayUnreadable
    return found


def _text(on: date | None) -> str | None:
    return None if on is None else on.isoformat()


def _ledger(**asked: str | None) -> str:
    given = {name: value for name, value in asked.items() if value is not None}
    return f"/ledger?{urlencode(given)}"

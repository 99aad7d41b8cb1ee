"""Cases on pages: findings taken up, looked into, put right and closed."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from sqlalchemy import Connection

from api.acting import Acting
from api.callers import CASH, CLOSE_CASE, HAND_IN, OBSERVE, READ, Caller, Reach, TheCaller, TheReach
from api.dependencies import TheLedger, ThePage, TheReadModel
from api.doubted import (
    answerable,
    case_subject,
    case_within,
    extent_of,
    standing_of,
    subject_of,
    taken_up,
    told_of,
)
from api.known import Known, TheKept, within
from api.table_answer import Form, table_answer
from api.v1.case_forms import CaseForm, ChargeForm, DemandForm, GroundForm, RecoveryForm, ReportForm
from api.web.asked import Day, Empty, Word
from api.web.bank_asked import fen_of
from api.web.given import Given, TheFields, formed
from api.web.language import N_
from api.web.ledger_filter import NAMES
from api.web.posted import TheActingOnPage, done
from api.web.refused import show_above
from api.web.screen import Screen, TheScreen
from api.web.tables.cases import cases_table
from api.within import organisation_within
from ledger.commands import cases as commands
from ledger.commands.funds import CASHIERS
from ledger.domain.campaign import campaign_id
from ledger.domain.case import REDEMANDABLE, Extent, Stage, Subject
from ledger.domain.officer import BUSINESS, OBSERVERS
from ledger.errors import LedgerError
from ledger.store.application import Answer, Ledger
from projections.asked import NOW
from projections.attempts import attempts_on
from projections.balances import fund_accounts
from projections.cases import Asked, CaseView, case_list, count_cases, every_case
from projections.exports.delimited import Encoding
from projections.exports.table import Table
from projections.findings.finding import Finding
from projections.organisations import Organisation, Tree, staff_numbers, tree_on

router = APIRouter(include_in_schema=False)

PAGE, NEW = "cases/case.html", "cases/new.html"


@dataclass(frozen=True, slots=True)
class Asking:
    """Who looks at a case, and all that its page is made of."""

    screen: Screen
    caller: Caller
    model: Connection
    reach: Reach
    ledger: Ledger
    known: Known
    case_id: UUID

    @property
    def standing(self) -> Extent:
        """What the rule finds now."""
        return standing_of(self.known.findings, self.case_id)

    def shown(self, given: Given | None = None) -> dict[str, Any]:
        case = case_within(self.model, self.reach, self.case_id, NOW)
        tree = tree_on(self.model)
        line = tree.line(case.organisation_id)
        acts = acts_of(self.caller, case, line)
        return {
            "case": case,
            "standing": self.standing,
            "attempts": attempts_on(self.model, self.case_id),
            "late": case.days_late(self.screen.today),
            "tree": tree,
            "staff": staff_numbers(self.model),
            "acts": acts,
            "given": given or Given(),
            "earmarks": sorted({each.earmark for each in fund_accounts(self.model)})
            if "recover" in acts
            else [],
            "places": [tree.by_id[each] for each in line if each in tree.by_id],
        }


def acts_of(caller: Caller, case: CaseView, line: list[UUID]) -> set[str]:
    """Return what an officer may do with a case as it stands; the commands decide for good."""

    def held(roles: frozenset[Any]) -> bool:
        return not caller.places(roles).isdisjoint(line)

    stage = Stage(case.stage)
    watches = held(OBSERVERS)
    may = {
        "assign": watches and stage in (Stage.OPENED, Stage.VERIFYING),
        "judge": watches and stage is Stage.VERIFYING,
        "demand": watches and stage in REDEMANDABLE,
        "reopen": watches and not case.live,
        "report": stage is Stage.RECTIFYING
        and case.owner_id == caller.officer_id
        and held(BUSINESS),
        "recover": case.open_fen > 0 and held(frozenset(CASHIERS)),
        "write_off": case.open_fen > 0 and held(commands.WRITERS_OFF),
        "close": stage is Stage.RECTIFIED
        and case.rectified_by != caller.officer_id
        and held(frozenset(commands.CLOSERS)),
    }
    return {act for act, open_to_them in may.items() if open_to_them}


def asking(
    case_id: UUID,
    screen: TheScreen,
    caller: TheCaller,
    model: TheReadModel,
    reach: TheReach,
    the_ledger: TheLedger,
    kept: TheKept,
) -> Asking:
    known = kept.known(model, the_ledger, NOW, screen.today)
    return Asking(screen, caller, model, reach, the_ledger, known, case_id)


TheCase = Annotated[Asking, Depends(asking)]


@dataclass(frozen=True, slots=True)
class Listing:
    """Which cases are listed: of whom, at which stage, and how they are asked for."""

    tree: Tree
    chosen: Organisation | None
    ids: list[UUID]
    stage: str | None
    asked: Asked
    conditions: list[tuple[str, str]]


def listing(
    screen: TheScreen,
    model: TheReadModel,
    reach: TheReach,
    organisation: Word = None,
    rule: Word = None,
    stage: Word = None,
    show: Word = None,
    campaign: Word = None,
    since: Day = None,
    until: Day = None,
) -> Listing:
    """Read which are asked for: those that are open, late, one's own, without an owner, all."""
    tree = tree_on(model)
    chosen = None if organisation is None else organisation_within(tree, reach, organisation)
    ids = reach.within(None) if chosen is None else tree.subtree(chosen.organisation_id)
    known = stage if stage in set(Stage) else None
    asked = Asked(
        ids,
        campaign_id=None if campaign is None else campaign_id(campaign),
        since=since,
        until=until,
        rule=rule,
        stage=None if known is None else Stage(known),
        owner_id=screen.caller.officer_id if show == "mine" and screen.caller else None,
        live=show is None and known is None,
        unowned=show == "unowned",
        overdue_on=screen.today if show == "late" else None,
    )
    given = {"campaign": campaign, "since": since, "until": until}
    conditions = [(name, str(value)) for name, value in given.items() if value is not None]
    return Listing(tree, chosen, list(ids), known, asked, conditions)


TheListing = Annotated[Listing, Depends(listing)]


@router.get("/cases", dependencies=[READ])
def show_cases(
    screen: TheScreen,
    model: TheReadModel,
    page: ThePage,
    reach: TheReach,
    of: TheListing,
    show: Word = None,
) -> Response:
    """List cases: those that are open, or the late ones, one's own, those without an owner, all."""
    found = case_list(model, of.asked, after=page.after, limit=page.limit + 1)
    shown, further = page.cut(found)
    return screen.show(
        "cases/list.html",
        cases=shown,
        next=further,
        counted=count_cases(model, of.ids, screen.today),
        late={each.case_id: each.days_late(screen.today) for each in shown},
        tree=of.tree,
        staff=staff_numbers(model),
        choices=of.tree.among(reach.ids),
        organisation=of.chosen,
        rule=of.asked.rule,
        conditions=[(name, NAMES[name], value) for name, value in of.conditions],
        stage=of.stage,
        stages=list(Stage),
        kind=show,
    )


@router.get("/cases.csv", dependencies=[READ])
def export_cases_csv(
    screen: TheScreen,
    model: TheReadModel,
    of: TheListing,
    encoding: Annotated[Encoding | None, Empty, Query()] = None,
) -> Response:
    """Write what the page lists as CSV."""
    table = _table(screen, model, of)
    return table_answer(table, Form.CSV, "cases", encoding or Encoding.UTF_8)


@router.get("/cases.xlsx", dependencies=[READ])
def export_cases_xlsx(screen: TheScreen, model: TheReadModel, of: TheListing) -> Response:
    """Write what the page lists as a workbook."""
    return table_answer(_table(screen, model, of), Form.XLSX, "cases")


def _table(screen: Screen, model: Connection, of: Listing) -> Table:
    found = every_case(model, of.asked)
    staff = staff_numbers(model)
    return cases_table(found, of.tree, staff, screen.language, screen.today, place=of.chosen)


@router.get("/cases/new", dependencies=[OBSERVE])
def ask_opening(
    screen: TheScreen,
    model: TheReadModel,
    reach: TheReach,
    the_ledger: TheLedger,
    kept: TheKept,
    request: Request,
) -> Response:
    """Show a finding that stands now, to be taken up."""
    given = Given({name: value for name, value in request.query_params.items() if value})
    form = formed(CaseForm, _about(given), screen.language)
    found = _found(form, kept.known(model, the_ledger, NOW, screen.today), reach)
    return screen.show(NEW, code=None, given=given, **_opening(model, found))


@router.post("/cases", dependencies=[OBSERVE])
def open_case(
    screen: TheScreen,
    acting: TheActingOnPage,
    given: TheFields,
    model: TheReadModel,
    reach: TheReach,
    the_ledger: TheLedger,
    kept: TheKept,
) -> Response:
    """Take up a finding; where somebody is named, they are to look into it by a day."""
    form = formed(CaseForm, _about(given), screen.language)
    found = _found(form, kept.known(model, the_ledger, NOW, screen.today), reach)
    subject = case_subject(the_ledger, found)
    try:
        charge = None
        if given["staff_number"] or given["due_on"]:
            asked = formed(ChargeForm, _of(given, "staff_number", "due_on"), screen.language)
            charge = commands.Charge(asked.staff_number, asked.due_on)
        order = commands.Opening(
            answerable(tree_on(model), subject),
            subject,
            found.severity.value,
            extent_of(found),
            given["note"],
            charge,
        )
        answer = done(commands.open_case(the_ledger, acting.act(), order))
    except LedgerError as refusal:
        return show_above(screen, refusal, NEW, given=given, **_opening(model, found))
    return screen.go(f"/cases/{answer.result['case_id']}", N_("已立案。"))


@router.get("/cases/{case_id}", dependencies=[READ])
def show_case(asking: TheCase) -> Response:
    """Show a case: what was found and is found now, each step of it, and what may be done next."""
    return asking.screen.show(PAGE, code=None, **asking.shown())


@router.post("/cases/{case_id}/assignments", dependencies=[OBSERVE])
def assign(asking: TheCase, acting: TheActingOnPage, given: TheFields) -> Response:
    """Have an officer look into it by a day."""

    def do() -> Answer:
        form = formed(ChargeForm, _of(given, "staff_number", "due_on"), asking.screen.language)
        charge = commands.Charge(form.staff_number, form.due_on)
        return commands.assign_case(
            asking.ledger, acting.act(stream=asking.case_id), asking.case_id, charge
        )

    return _done(asking, given, do, N_("已交办核实。"))


@router.post("/cases/{case_id}/verdict", dependencies=[OBSERVE])
def judge(asking: TheCase, acting: TheActingOnPage, given: TheFields) -> Response:
    """Say whether it is a problem, and why."""

    def do() -> Answer:
        ground = _ground(given, asking.screen)
        act = acting.act(stream=asking.case_id)
        if given["verdict"] == "confirmed":
            return commands.confirm_case(asking.ledger, act, asking.case_id, ground)
        order = commands.Verdict(asking.case_id, ground, asking.standing)
        return commands.dismiss_case(asking.ledger, act, order)

    return _done(asking, given, do, N_("核实结论已记入账本。"))


@router.post("/cases/{case_id}/demands", dependencies=[OBSERVE])
def demand(asking: TheCase, acting: TheActingOnPage, given: TheFields) -> Response:
    """Ask an officer to put it right by a day, and how much is to come back."""

    def do() -> Answer:
        back = fen_of(given["amount"]) if given["amount"] else 0
        fields = {**_of(given, "staff_number", "due_on", "measures"), "recover_fen": back}
        form = formed(DemandForm, fields, asking.screen.language)
        order = commands.Demand(
            asking.case_id, form.measures, commands.Charge(form.staff_number, form.due_on), back
        )
        return commands.demand_rectification(
            asking.ledger, acting.act(stream=asking.case_id), order
        )

    return _done(asking, given, do, N_("整改要求已记入账本。"))


@router.post("/cases/{case_id}/reports", dependencies=[HAND_IN])
def report(asking: TheCase, acting: TheActingOnPage, given: TheFields) -> Response:
    """Say what was done; documents by their SHA-256, one a line."""

    def do() -> Answer:
        fields = {**_of(given, "report"), "documents": given["documents"].lower().split()}
        form = formed(ReportForm, fields, asking.screen.language)
        order = commands.Report(asking.case_id, form.report, tuple(form.documents))
        return commands.report_rectified(asking.ledger, acting.act(stream=asking.case_id), order)

    return _done(asking, given, do, N_("整改报告已记入账本。"))


@router.post("/cases/{case_id}/recoveries", dependencies=[CASH])
def recover(asking: TheCase, acting: TheActingOnPage, given: TheFields) -> Response:
    """Take in money that came back, as a lot of a fund account."""

    def do() -> Answer:
        names = ("organisation_code", "earmark", "document", "vintage", "happened_on")
        fields = {**_of(given, *names), "amount_fen": fen_of(given["amount"])}
        form = formed(RecoveryForm, fields, asking.screen.language)
        order = commands.Recovery(
            asking.case_id,
            form.organisation_code,
            form.earmark,
            form.document,
            form.vintage,
            form.amount_fen,
        )
        act = acting.act(form.happened_on, stream=asking.case_id)
        return commands.recover(asking.ledger, act, order)

    return _done(asking, given, do, N_("追回的款项已入账。"))


@router.post("/cases/{case_id}/closing", dependencies=[CLOSE_CASE])
def close(asking: TheCase, acting: TheActingOnPage, given: TheFields) -> Response:
    """Say that it was put right."""
    do = partial(_verdict, commands.close_case, asking, acting, given)
    return _done(asking, given, do, N_("已销号。"))


@router.post("/cases/{case_id}/reopening", dependencies=[OBSERVE])
def reopen(asking: TheCase, acting: TheActingOnPage, given: TheFields) -> Response:
    """Take a case up again that came again."""
    do = partial(_verdict, commands.reopen_case, asking, acting, given)
    return _done(asking, given, do, N_("已重新立案。"))


def _done(asking: Asking, given: Given, do: Callable[[], Answer], said: str) -> Response:
    """Do an act and lead back to the case; a refusal stands above it, with what was typed."""
    try:
        case_within(asking.model, asking.reach, asking.case_id, NOW)
        done(do())
    except LedgerError as refusal:
        return show_above(asking.screen, refusal, PAGE, **asking.shown(given))
    return asking.screen.go(f"/cases/{asking.case_id}", said)


def _verdict(
    command: Callable[..., Answer], asking: Asking, acting: Acting, given: Given
) -> Answer:
    order = commands.Verdict(asking.case_id, _ground(given, asking.screen), asking.standing)
    return command(asking.ledger, acting.act(stream=asking.case_id), order)


def _ground(given: Given, screen: Screen) -> str:
    return formed(GroundForm, _of(given, "ground"), screen.language).ground


def _of(given: Given, *names: str) -> dict[str, str]:
    return {name: given[name] for name in names if given[name]}


def _about(given: Given) -> dict[str, str | None]:
    """Return what a finding is about, as the address or the form says it."""
    return {"organisation_id": None} | _of(given, *Subject.__struct_fields__)


def _found(form: CaseForm, known: Known, reach: Reach) -> Finding:
    """Return the finding that is meant.

    Raises:
        NoSuchFinding: No rule finds it now.
        OutsideReach: It is of an organisation outside the caller's reach.
    """
    if form.organisation_id is not None:
        reach.require(form.organisation_id)
    subject = Subject(**form.model_dump(include=set(Subject.__struct_fields__)))
    return taken_up(within(known, reach), subject)


def _opening(model: Connection, found: Finding) -> dict[str, Any]:
    tree: Tree = tree_on(model)
    about = subject_of(found)
    return {
        "finding": found,
        "about": told_of(about),
        "place": tree.by_id.get(answerable(tree, about)),
    }

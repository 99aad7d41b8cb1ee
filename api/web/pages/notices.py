"""Public notices: what hangs for everybody to see and object to, and what officers do with it."""

from datetime import date
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Form, Request, Response
from sqlalchemy import Connection

from api.callers import (
    ANYBODY,
    HANDLE,
    KEEP_NOTICE,
    READ,
    READ_OBJECTIONS,
    REVIEW_OR_APPROVE,
    Caller,
    TheReach,
    reach,
)
from api.dependencies import Served, TheLedger, TheReadModel, TheServed
from api.file_answer import PDF, file_answer
from api.web.asked import Day, Number
from api.web.handbills import Hanging, poster, set_in_type
from api.web.language import N_
from api.web.posted import FormKey, TheActingOnPage, done
from api.web.refused import show_refusal
from api.web.screen import Screen, TheScreen
from api.within import batch_within, notice_within
from ledger.commands.filings import CHECKERS
from ledger.commands.notices import (
    ENDERS,
    MAY_READ,
    Answering,
    Opening,
    PublicRow,
    Raising,
    RowUnknown,
    Stopped,
    answer_objection,
    close_notice,
    open_notice,
    payment_of,
    public_rows,
    raise_objection,
    read_objection,
    standing_count,
    stopped_as,
    withdraw_notice,
)
from ledger.domain.aggregate import OPERATOR
from ledger.domain.notice import (
    DAYS_MAX,
    SHOWN_DAYS_MAX,
    TEXT_CHARACTERS_MAX,
    WHO_CHARACTERS_MAX,
    DayUnit,
    Period,
    PeriodWrong,
)
from ledger.errors import Kind, LedgerError
from ledger.store.act import CommandAct
from ledger.store.application import NotOnRecord
from projections.asked import PAGE_ROWS_MAX
from projections.batches import batch_list, campaign_list
from projections.notices import Notice, hanging, notice_list, taken_down
from projections.organisations import Tree, staff_numbers, tree_on

router = APIRouter(include_in_schema=False)

HANGING_SHOWN = 100
PAST_SHOWN = 30
ROWS_SHOWN = 100
POSTER_ROWS_MAX = 20_000
WRITTEN_MAX = 20_000
READING = "答复异议"
UPHELD_SAYS = {
    Stopped.STOPPED: N_("异议成立，款项还没有发出，已停止发放：请撤销付款。"),
    Stopped.SENT: N_(
        "异议成立，款项可能已交银行：请作废银行文件并撤销付款，或在银行答复后追回；"
        "被退回的，再次发放前请先核对这项异议。"
    ),
    Stopped.PAID: N_("异议成立，款项已发到，须另行追回。"),
    Stopped.NOT_PAID: N_("异议成立，款项没有发到；再次发放前请先核对这项异议。"),
}
"""What an officer reads of an upheld objection to a row that was approved before."""

ELSEWHERE_SAYS = {
    Stopped.STOPPED: N_(
        "异议成立，该行已从名单撤下；本人按另一份名单的款项还没有发出，已停止发放：请撤销付款。"
    ),
    Stopped.SENT: N_(
        "异议成立，该行已从名单撤下；本人按另一份名单的款项可能已交银行："
        "请作废银行文件并撤销付款，或在银行答复后追回。"
    ),
    Stopped.PAID: N_("异议成立，该行已从名单撤下；本人按另一份名单的款项已发到，须另行追回。"),
    Stopped.NOT_PAID: N_(
        "异议成立，该行已从名单撤下；本人按另一份名单的款项没有发到，再次发放前请先核对这项异议。"
    ),
}
"""The same where the row fell, and another list of the campaign pays its person."""

UNSAID = {"name": "", "contact": "", "text": "", "answer": ""}

NoWritten = Annotated[str, Form(max_length=WRITTEN_MAX)]
Line = Annotated[str, Form(min_length=1, max_length=200)]
Ticked = Annotated[int, Form(ge=0, le=10**6)]


class PeopleShownNoMore(LedgerError):
    """After the time that was said, or once it was taken down, a notice shows figures alone."""

    code = "notice.people_shown_no_more"
    kind = Kind.CONFLICT

    def __init__(self, notice_id: UUID, shown_until: str) -> None:
        super().__init__(f"notice {notice_id} shows people until {shown_until} alone")


@router.get("/notices", dependencies=[ANYBODY])
def show_notices(
    screen: TheScreen,
    found: TheServed,
    model: TheReadModel,
    before: Number = None,
    after_day: Day = None,
    after: Number = None,
) -> Response:
    """List what hangs, and what hung; officers see how many objections wait within their reach.

    What hangs goes on after the notice that ends on `after_day` and stands at `after` in the log.
    """
    shown = None if after_day is None or after is None else (after_day, after)
    running = hanging(model, screen.today, after=shown, limit=HANGING_SHOWN + 1)
    past = taken_down(model, screen.today, before=before, limit=PAST_SHOWN + 1)
    further = len(past) > PAST_SHOWN
    return _unlisted(
        screen.show(
            "notices/list.html",
            running=_told(model, found, running[:HANGING_SHOWN]),
            last=running[HANGING_SHOWN - 1] if len(running) > HANGING_SHOWN else None,
            past=_told(model, found, past[:PAST_SHOWN]),
            before=past[PAST_SHOWN - 1].position if further else None,
            own=_own(screen.caller, model),
        )
    )


@router.get("/notices/{notice_id}.pdf", dependencies=[READ])
def print_notice(
    notice_id: UUID,
    request: Request,
    screen: TheScreen,
    found: TheServed,
    model: TheReadModel,
    reach: TheReach,
) -> Response:
    """Set the notice as a poster to hang up, with the code that leads to its page.

    Raises:
        PeopleShownNoMore: Its time is over.
    """
    notice = notice_within(model, reach, notice_id)
    if not notice.shows_people(screen.today):
        raise PeopleShownNoMore(notice_id, notice.shown_until)
    [told] = _told(model, found, [notice])
    rows = public_rows(found.ledger, notice.batch_id, limit=POSTER_ROWS_MAX)
    address = f"{request.base_url}notices/{notice_id}"
    checkpoint = found.ledger.log.select_checkpoint()
    note = "" if checkpoint is None else checkpoint[1]
    paper = set_in_type("notices/poster.typ", poster(screen, told, rows, address, note), screen)
    return _unlisted(file_answer(paper, PDF, f"notice-{notice_id}.pdf", shown=True))


@router.get("/notices/{notice_id}", dependencies=[ANYBODY])
def show_notice(
    notice_id: UUID,
    screen: TheScreen,
    found: TheServed,
    model: TheReadModel,
    start: Number = None,
) -> Response:
    """Show a notice: to everybody the masked list, to officers what was said against it."""
    notice = _notice(model, notice_id)
    return _unlisted(
        screen.show(
            "notices/notice.html",
            **_shown(screen, found, model, notice, start or 0),
            code=None,
        )
    )


@router.post("/notices/{notice_id}/objections", dependencies=[ANYBODY])
def take_objection(
    notice_id: UUID,
    screen: TheScreen,
    found: TheServed,
    model: TheReadModel,
    key: FormKey,
    row: Annotated[str, Form(max_length=20)] = "",
    text: NoWritten = "",
    name: NoWritten = "",
    contact: NoWritten = "",
) -> Response:
    """Take in what anybody objects. It is sealed at once; what was refused is shown again."""
    notice = _notice(model, notice_id)
    clock = found.clock
    act = CommandAct(OPERATOR, clock.today(), clock.now(), f"objection {key}")
    try:
        number = _row_number(notice_id, row)
        raise_objection(found.ledger, act, Raising(notice_id, number, text, name, contact))
    except LedgerError as refusal:
        written = {"row": row, "text": text, "name": name, "contact": contact}
        shown = _shown(screen, found, model, notice, 0) | {"written": written}
        return _unlisted(show_refusal(screen, refusal, "notices/notice.html", **shown))
    return screen.go(
        f"/notices/{notice_id}#objections", N_("异议已收到并密封记入账本，编号见“异议”一节末行。")
    )


@router.post("/notices/{notice_id}/objections/entered", dependencies=[KEEP_NOTICE])
def enter_objection(
    notice_id: UUID,
    screen: TheScreen,
    acting: TheActingOnPage,
    found: TheServed,
    model: TheReadModel,
    reach: TheReach,
    told_on: Annotated[date, Form()],
    row: Annotated[str, Form(max_length=20)] = "",
    text: NoWritten = "",
    name: NoWritten = "",
    contact: NoWritten = "",
) -> Response:
    """Enter what an officer was told on a day of the period: by phone, by letter, to their face."""
    notice = notice_within(model, reach, notice_id)
    try:
        number = _row_number(notice_id, row)
        order = Raising(notice_id, number, text, name, contact)
        done(raise_objection(found.ledger, acting.act(told_on), order))
    except LedgerError as refusal:
        entered = {"row": row, "text": text, "name": name, "contact": contact}
        entered |= {"told_on": told_on.isoformat()}
        shown = _shown(screen, found, model, notice, 0) | {"entered": entered}
        return _unlisted(show_refusal(screen, refusal, "notices/notice.html", **shown))
    return screen.go(f"/notices/{notice_id}#objections", N_("异议已登记并密封记入账本。"))


@router.get("/batches/{batch_id}/notices/new", dependencies=[HANDLE])
def show_opening(
    batch_id: UUID, screen: TheScreen, model: TheReadModel, reach: TheReach
) -> Response:
    """Show what is to be said of a notice before it is put up."""
    batch = batch_within(model, reach, batch_id)
    return screen.show("notices/open.html", **_blank(batch.batch_id, batch.code), code=None)


@router.post("/batches/{batch_id}/notices/new", dependencies=[HANDLE])
def put_up(
    batch_id: UUID,
    screen: TheScreen,
    acting: TheActingOnPage,
    the_ledger: TheLedger,
    model: TheReadModel,
    reach: TheReach,
    period_days: Ticked,
    period_unit: Annotated[DayUnit, Form()],
    source: Line,
    confidence: Line,
    place: Line,
    contact: Line,
    shown_days: Ticked = 0,
    last_day: Annotated[str, Form(max_length=10)] = "",
) -> Response:
    """Put the list of a batch up, as it stands."""
    batch = batch_within(model, reach, batch_id)
    try:
        last = _day(last_day, period_days, period_unit)
        period = Period(period_days, period_unit, last, shown_days, source, confidence)
        answer = done(
            open_notice(the_ledger, acting.act(), Opening(batch_id, period, place, contact))
        )
    except LedgerError as refusal:
        shown = _blank(batch_id, batch.code)
        shown["written"] |= {
            "period_days": period_days,
            "period_unit": period_unit.value,
            "last_day": last_day,
            "shown_days": shown_days,
            "source": source,
            "confidence": confidence,
            "place": place,
            "contact": contact,
        }
        return show_refusal(screen, refusal, "notices/open.html", **shown)
    return screen.go(f"/notices/{answer.result['notice_id']}", N_("名单已公示。"))


@router.post("/notices/{notice_id}/objections/{number}/reading", dependencies=[READ_OBJECTIONS])
def read(
    notice_id: UUID,
    number: int,
    screen: TheScreen,
    acting: TheActingOnPage,
    found: TheServed,
    model: TheReadModel,
    reach: TheReach,
    reason: Line = READING,
) -> Response:
    """Show an officer what an objector wrote; that it was read is on record before."""
    notice = notice_within(model, reach, notice_id)
    clear = read_objection(found.ledger, acting.act(), notice_id, number, reason)
    shown = _shown(screen, found, model, notice, 0) | {"opened": (number, UNSAID | clear)}
    return screen.show("notices/notice.html", **shown, code=None)


@router.post("/notices/{notice_id}/objections/{number}/answer", dependencies=[REVIEW_OR_APPROVE])
def answer(
    notice_id: UUID,
    number: int,
    screen: TheScreen,
    acting: TheActingOnPage,
    found: TheServed,
    model: TheReadModel,
    reach: TheReach,
    verdict: Annotated[str, Form(pattern="^(upheld|no_row|dismissed)$")],
    row: Annotated[str, Form(max_length=20)] = "",
    reason: NoWritten = "",
) -> Response:
    """Uphold an objection, about a row or about none, or dismiss it."""
    notice = notice_within(model, reach, notice_id)
    try:
        order = Answering(
            notice_id,
            number,
            upheld=verdict != "dismissed",
            reason=reason,
            row_number=_row_number(notice_id, row) if verdict == "upheld" else None,
            no_row=verdict == "no_row",
        )
        answered = done(answer_objection(found.ledger, acting.act(), order))
    except LedgerError as refusal:
        shown = _shown(screen, found, model, notice, 0) | {"reason": reason}
        return show_refusal(screen, refusal, "notices/notice.html", **shown)
    said = N_("异议已答复。")
    if verdict == "no_row":
        said = N_("异议成立，没有行从名单撤下。")
    fell, payment = answered.result["row_withdrawn"], answered.result["payment"]
    if payment:
        said = (ELSEWHERE_SAYS if fell else UPHELD_SAYS)[Stopped(payment)]
    elif fell:
        said = N_("异议成立，该行已从名单撤下。")
    return screen.go(f"/notices/{notice_id}#objections", said)


@router.post("/notices/{notice_id}/closing", dependencies=[KEEP_NOTICE])
def close(
    notice_id: UUID,
    screen: TheScreen,
    acting: TheActingOnPage,
    the_ledger: TheLedger,
    model: TheReadModel,
    reach: TheReach,
) -> Response:
    """End a notice whose period is over."""
    notice_within(model, reach, notice_id)
    done(close_notice(the_ledger, acting.act(), notice_id))
    return screen.go(f"/notices/{notice_id}", N_("公示已结束。"))


@router.post("/notices/{notice_id}/withdrawal", dependencies=[KEEP_NOTICE])
def withdraw(
    notice_id: UUID,
    screen: TheScreen,
    acting: TheActingOnPage,
    the_ledger: TheLedger,
    model: TheReadModel,
    reach: TheReach,
    reason: Line,
) -> Response:
    """Take a notice down before its time."""
    notice_within(model, reach, notice_id)
    done(withdraw_notice(the_ledger, acting.act(), notice_id, reason))
    return screen.go(f"/notices/{notice_id}", N_("公示已撤回。"))


def _notice(model: Connection, notice_id: UUID) -> Notice:
    found = notice_list(model, notice_id=notice_id)
    if not found:
        raise NotOnRecord("notice", notice_id)
    return found[0]


def _shown(
    screen: Screen, found: Served, model: Connection, notice: Notice, start: int
) -> dict[str, Any]:
    """Return what a notice's page shows; to officers within whose reach it is, more."""
    [told] = _told(model, found, [notice])
    acts = _acts(screen, model, notice)
    people = notice.shows_people(screen.today)
    rows: list[PublicRow] = []
    if people:
        rows = public_rows(found.ledger, notice.batch_id, start, ROWS_SHOWN + 1)
    return {
        "told": told,
        "notice": notice,
        "state": notice.state(screen.today),
        "days_left": notice.days_left(screen.today),
        "people": people,
        "rows": rows[:ROWS_SHOWN],
        "standing": standing_count(found.ledger, notice.batch_id)
        if people
        else notice.listed_count,
        "start": start,
        "back": max(0, start - ROWS_SHOWN),
        "further": start + ROWS_SHOWN if len(rows) > ROWS_SHOWN else None,
        "acts": acts,
        "stopped": _stopped(found, notice) if acts else {},
        "staff": staff_numbers(model) if screen.caller else {},
        "text_max": TEXT_CHARACTERS_MAX,
        "who_max": WHO_CHARACTERS_MAX,
        "written": {"row": "", "text": "", "name": "", "contact": ""},
        "entered": {
            "told_on": min(screen.today.isoformat(), notice.last_day),
            "row": "",
            "text": "",
            "name": "",
            "contact": "",
        },
        "opened": None,
        "reason": "",
        "reading": READING,
    }


def _stopped(found: Served, notice: Notice) -> dict[int, str]:
    """Return what became of payments of rows that objections were upheld against, by number."""
    stopped = {}
    for each in notice.objections:
        if each.upheld and each.row_number is not None:
            payment = payment_of(found.ledger, notice.batch_id, each.row_number)
            if payment is not None:
                stopped[each.number] = stopped_as(payment, sent=False).value
    return stopped


def _told(model: Connection, found: Served, notices: list[Notice]) -> list[Hanging]:
    """Name the union, the campaign and the batch of notices."""
    if not notices:
        return []
    campaigns = {each.campaign_id: each.name for each in campaign_list(model, limit=PAGE_ROWS_MAX)}
    tree: Tree = tree_on(model, found.clock.today())
    return [
        Hanging(
            each,
            tree.by_id[each.organisation_id].name,
            campaigns[each.campaign_id],
            batch_list(model, batch_id=each.batch_id)[0].code,
        )
        for each in notices
    ]


def _own(caller: Caller | None, model: Connection) -> frozenset[UUID]:
    """Return the organisations of which a caller sees more than everybody does."""
    return frozenset() if caller is None else reach(caller, model).ids


def _acts(screen: Screen, model: Connection, notice: Notice) -> set[str]:
    """Return what the caller may do with the notice as it stands; nothing where nobody is known."""
    caller = screen.caller
    if caller is None or notice.organisation_id not in _own(caller, model):
        return set()
    tree = tree_on(model, caller.day)
    posts = {role for place, role in caller.posts if notice.organisation_id in tree.subtree(place)}
    acts = {"see"}
    if posts & MAY_READ:
        acts.add("read")
    if posts & CHECKERS:
        acts.add("answer")
    if notice.ended is None and posts & ENDERS:
        acts |= {"withdraw", "enter"}
        if notice.state(screen.today) == "over" and not notice.open_objections:
            acts.add("close")
    return acts


def _row_number(notice_id: UUID, row: str) -> int | None:
    """Read which row an objection is about.

    Raises:
        RowUnknown: What was written is no number of a row.
    """
    written = row.strip()
    if not written:
        return None
    if not (written.isascii() and written.isdecimal()) or len(written) > 9:  # noqa: PLR2004
        raise RowUnknown(notice_id, 0)
    return int(written)


def _day(written: str, days: int, unit: DayUnit) -> date | None:
    if not written.strip():
        return None
    try:
        return date.fromisoformat(written.strip())
    except ValueError:
        raise PeriodWrong(days, unit, None) from None


def _blank(batch_id: UUID, code: str) -> dict[str, Any]:
    return {
        "batch_id": batch_id,
        "batch_code": code,
        "days_max": DAYS_MAX,
        "shown_max": SHOWN_DAYS_MAX,
        "written": {
            "period_days": 5,
            "period_unit": DayUnit.NATURAL.value,
            "last_day": "",
            "shown_days": 0,
            "source": "",
            "confidence": "certain",
            "place": "",
            "contact": "",
        },
    }


def _unlisted(answer: Response) -> Response:
    """Keep people's names, masked as they are, out of search engines and archives."""
    answer.headers["X-Robots-Tag"] = "noindex, nofollow, noarchive"
    return answer

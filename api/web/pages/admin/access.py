"""The access journal: who signed in, failed to, was invited, got a token, or looked at people."""

from datetime import date, datetime, timedelta

from fastapi import APIRouter, Response

from api.callers import WATCH_ACCESS, TheWatchedOfficers
from api.dependencies import TheReadModel, TheServed
from api.web.asked import Day, Number, Word
from api.web.screen import TheScreen
from ledger.domain.officer import officer_id
from ledger.domain.values import CHINA
from projections.organisations import staff_numbers

router = APIRouter(include_in_schema=False)

ROWS = 100
KINDS = (
    "sign_in",
    "sign_out",
    "invited",
    "invitation",
    "password",
    "passkey",
    "token",
    "presence",
    "search",
    "trial",
)
"""What happened, by the word that its name begins with."""


@router.get("/admin/access", dependencies=[WATCH_ACCESS])
def show_journal(
    screen: TheScreen,
    model: TheReadModel,
    found: TheServed,
    watched: TheWatchedOfficers,
    staff_number: Word = None,
    what: Word = None,
    since: Day = None,
    until: Day = None,
    before: Number = None,
) -> Response:
    """List what happened at the door to those whom the caller watches, the last first."""
    entries = found.door.journal.latest(
        before=before,
        officer_id=None if staff_number is None else officer_id(staff_number),
        what=what,
        since_s=None if since is None else start_s(since),
        until_s=None if until is None else start_s(until + timedelta(days=1)),
        of=watched,
        limit=ROWS + 1,
    )
    shown = entries[:ROWS]
    return screen.show(
        "admin/access.html",
        journal=shown,
        next=shown[-1].number if len(entries) > ROWS else None,
        staff=staff_numbers(model),
        kinds=KINDS,
        asked={"staff_number": staff_number, "what": what, "since": since, "until": until},
    )


def start_s(day: date) -> int:
    """Return when a day begins in China, in seconds since 1970."""
    return int(datetime(day.year, day.month, day.day, tzinfo=CHINA).timestamp())

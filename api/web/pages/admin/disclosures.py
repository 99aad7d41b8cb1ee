"""Files in clear that were handed out, unmaskings, and looks at people: for who watches."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Response
from sqlalchemy import Connection

from api.access.journal import Entry
from api.callers import WATCH_ACCESS, Reach, TheWatched, TheWatchedOfficers
from api.dependencies import TheReadModel, TheServed
from api.file_answer import CSV, file_answer
from api.looking import Watch, looks_watched
from api.web.asked import Day, Number, Word
from api.web.language import N_, Language
from api.web.pages.admin.access import start_s
from api.web.screen import TheScreen
from api.web.words import term
from api.within import organisation_within
from ledger.domain.officer import officer_id
from ledger.domain.values import CHINA
from projections.disclosures import Disclosure, Question, disclosure_list
from projections.exports.delimited import lines
from projections.exports.table import Cell, Column, Kind, Table
from projections.officers import officers_at
from projections.organisations import Tree, staff_numbers, tree_on

router = APIRouter(include_in_schema=False)

ROWS = 100
ROWS_EXPORTED_MAX = 100_000
TITLES = (
    (N_("日期"), Kind.DAY),
    (N_("种类"), Kind.TEXT),
    (N_("工号"), Kind.TEXT),
    (N_("对象"), Kind.TEXT),
    (N_("人数"), Kind.COUNT),
    (N_("栏目"), Kind.TEXT),
    (N_("交给谁"), Kind.TEXT),
    (N_("理由"), Kind.TEXT),
    ("SHA-256", Kind.TEXT),
    (N_("日志位置"), Kind.COUNT),
)
LOOK = "look"
LOOK_TITLES = (
    (N_("时间"), Kind.TEXT),
    (N_("事项"), Kind.TEXT),
    (N_("工号"), Kind.TEXT),
    (N_("人数"), Kind.COUNT),
    (N_("对象"), Kind.TEXT),
    (N_("来源地址"), Kind.TEXT),
)


@dataclass(frozen=True, slots=True)
class Filter:
    """The question as the address has it.

    `kind` is file or unmasked; none for both. Or it is look: those stand in the access journal.
    """

    kind: Word = None
    staff_number: Word = None
    organisation: Word = None
    since: Day = None
    until: Day = None

    def given(self) -> list[tuple[str, str]]:
        values = ((field.name, getattr(self, field.name)) for field in fields(self))
        return [(name, str(value)) for name, value in values if value is not None]


TheFilter = Annotated[Filter, Depends()]


@router.get("/admin/disclosures", dependencies=[WATCH_ACCESS])
def show_disclosures(
    screen: TheScreen,
    model: TheReadModel,
    watched: TheWatched,
    officers: TheWatchedOfficers,
    served: TheServed,
    asked: TheFilter,
    before: Number = None,
) -> Response:
    """List who saw personal data, of what, and why, the last first."""
    tree = tree_on(model)
    question = question_of(asked, tree, watched)
    if asked.kind == LOOK:
        watch = watch_of(asked, question, model, officers)
        looks = looks_watched(served.door.journal, model, watch, before=before, limit=ROWS + 1)
        return screen.show(
            "admin/disclosures.html",
            asked=asked,
            looks=looks[:ROWS],
            next=looks[ROWS - 1].number if len(looks) > ROWS else None,
            tree=tree,
            choices=tree.among(watched.ids),
            staff=staff_numbers(model),
        )
    found = disclosure_list(model, question, before=before, limit=ROWS + 1)
    shown = found[:ROWS]
    return screen.show(
        "admin/disclosures.html",
        asked=asked,
        disclosures=shown,
        next=shown[-1].position if len(found) > ROWS else None,
        tree=tree,
        choices=tree.among(watched.ids),
        staff=staff_numbers(model),
        subject_of=lambda each: subject_of(each, tree),
    )


@router.get("/admin/disclosures.csv", dependencies=[WATCH_ACCESS])
def export_disclosures(
    screen: TheScreen,
    model: TheReadModel,
    found: TheServed,
    watched: TheWatched,
    officers: TheWatchedOfficers,
    asked: TheFilter,
) -> Response:
    """Write the same as a table; nobody's data stands in it."""
    tree = tree_on(model)
    question = question_of(asked, tree, watched)
    say = screen.language.say
    conditions = "; ".join(f"{name}={value}" for name, value in asked.given())
    staff = staff_numbers(model)
    if asked.kind == LOOK:
        watch = watch_of(asked, question, model, officers)
        looks = looks_watched(found.door.journal, model, watch, limit=ROWS_EXPORTED_MAX)
        rows = [_look_row(each, staff, screen.language) for each in looks]
    else:
        listed = disclosure_list(model, question, limit=ROWS_EXPORTED_MAX)
        rows = [_row(each, tree, staff, screen.language) for each in listed]
    table = Table(
        title=say(N_("个人信息")),
        columns=[
            Column(say(title), kind)
            for title, kind in (LOOK_TITLES if asked.kind == LOOK else TITLES)
        ],
        rows=rows,
        facts=(
            (say(N_("条件")), conditions or say(N_("全部"))),
            (say(N_("截至日志位置")), str(found.ledger.size() - 1)),
        ),
    )
    return file_answer(lines(table), CSV, "disclosures.csv")


def question_of(asked: Filter, tree: Tree, watched: Reach) -> Question:
    """Return the question, within what the officer watches.

    Raises:
        NotOnRecord: No such organisation.
        OutsideReach: It is not within reach.
    """
    ids = sorted(watched.ids)
    if asked.organisation is not None:
        named = organisation_within(tree, watched, asked.organisation)
        ids = tree.subtree(named.organisation_id)
    return Question(
        organisation_ids=ids,
        officer_id=None if asked.staff_number is None else officer_id(asked.staff_number),
        files={"file": True, "unmasked": False}.get(asked.kind or ""),
        since=asked.since,
        until=asked.until,
    )


def watch_of(
    asked: Filter, question: Question, model: Connection, officers: frozenset[UUID] | None
) -> Watch:
    """Return which looks at people the question asks for, within what the officer watches."""
    places = question.organisation_ids or ()
    return Watch(
        officers_at(model, places) if asked.organisation is not None else officers,
        places,
        question.officer_id,
        None if asked.since is None else start_s(asked.since),
        None if asked.until is None else start_s(asked.until + timedelta(days=1)),
    )


def subject_of(each: Disclosure, tree: Tree) -> str:
    """Say what a file is of, or who was read: by code or opaque id, never by name."""
    if each.batch_code is not None:
        return each.batch_code
    place = tree.by_id.get(each.subject_id)
    return str(each.subject_id) if place is None else place.name


def _row(each: Disclosure, tree: Tree, staff: Mapping[UUID, str], language: Language) -> list[Cell]:
    return [
        each.happened_on,
        term(language, "disclosure", each.kind),
        "" if each.officer_id is None else staff.get(each.officer_id, ""),
        subject_of(each, tree),
        each.people,
        " ".join(term(language, "field", name) for name in each.fields),
        each.made_for or "",
        each.reason,
        each.file_sha256 or "",
        each.position,
    ]


def _look_row(each: Entry, staff: Mapping[UUID, str], language: Language) -> list[Cell]:
    return [
        datetime.fromtimestamp(each.at_s, CHINA).strftime("%Y-%m-%d %H:%M:%S"),
        term(language, "access", each.what),
        "" if each.officer_id is None else staff.get(each.officer_id, ""),
        len(each.people),
        " ".join(map(str, each.people)),
        each.address,
    ]

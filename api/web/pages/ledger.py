"""The ledger of payments: one question for the table, its totals and what is taken away of it."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Annotated

from fastapi import APIRouter, Depends, Response
from fastapi.responses import StreamingResponse

from api.callers import READ, Reach, TheReach
from api.dependencies import TheLedger, ThePage, TheReadModel, TheServed
from api.payees import payment_of
from api.web.asked import Day, Number, TheMomentOnPage, Word
from api.web.language import N_, Language
from api.web.screen import TheScreen
from api.web.words import term
from api.within import organisation_within
from ledger.domain.batch import batch_id
from ledger.domain.campaign import campaign_id
from ledger.domain.disbursement import Status
from ledger.domain.policy import Channel
from projections.asked import Moment
from projections.batches import campaign_list
from projections.disbursements import (
    PAID,
    Disbursement,
    Question,
    categories,
    disbursement_list,
    every_disbursement,
    status_totals,
)
from projections.organisations import Tree, tree_on
from projections.runner import catch_up

router = APIRouter(include_in_schema=False)

FEN_PER_YUAN = 100
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
TITLES = (
    N_("批次号"),
    N_("序号"),
    N_("单位"),
    N_("类别"),
    N_("方式"),
    N_("金额(元)"),
    N_("状态"),
    N_("日期"),
    N_("原因"),
    N_("日志位置"),
)


@dataclass(frozen=True, slots=True)
class Filter:
    """The question as the address has it: codes and words; amounts in whole yuan."""

    organisation: Word = None
    alone: Word = None
    campaign: Word = None
    batch: Word = None
    channel: Word = None
    category: Word = None
    status: Word = None
    since: Day = None
    until: Day = None
    least: Number = None
    most: Number = None

    def given(self) -> list[tuple[str, str]]:
        """Return what was asked for, by name: the chips above the table."""
        values = ((field.name, getattr(self, field.name)) for field in fields(self))
        return [(name, str(value)) for name, value in values if value is not None]


TheFilter = Annotated[Filter, Depends()]


@router.get("/ledger", dependencies=[READ])
def show_ledger(
    screen: TheScreen,
    model: TheReadModel,
    page: ThePage,
    reach: TheReach,
    moment: TheMomentOnPage,
    asked: TheFilter,
    the_ledger: TheLedger,
) -> Response:
    """List payments in the order in which they were instructed, and what they come to."""
    tree = tree_on(model, moment.as_of)
    question = question_of(asked, tree, reach)
    found = disbursement_list(model, moment, asked=question, after=page.after, limit=page.limit + 1)
    shown, further = page.cut(found)
    return screen.show(
        "ledger.html",
        asked=asked,
        payments=[payment_of(the_ledger, each) for each in shown],
        totals=status_totals(model, question, moment, upto=page.at),
        tree=tree,
        choices=tree.among(reach.ids),
        campaigns=campaign_list(model),
        categories=categories(model),
        channels=list(Channel),
        statuses=[*(each.value for each in Status), PAID],
        moment=moment,
        at=page.at,
        next=further,
    )


@router.get("/ledger.csv", dependencies=[READ])
def export_ledger(
    screen: TheScreen,
    found: TheServed,
    model: TheReadModel,
    reach: TheReach,
    moment: TheMomentOnPage,
    asked: TheFilter,
) -> Response:
    """Write the payments of the same question as a table; nobody is named in it."""
    tree = tree_on(model, moment.as_of)
    question = question_of(asked, tree, reach)
    until = Moment(moment.as_of, found.ledger.size() - 1 if moment.at is None else moment.at)
    say = screen.language.say
    conditions = "; ".join(f"{name}={value}" for name, value in asked.given())
    head: list[list[object]] = [
        [say(N_("条件")), conditions or say(N_("全部"))],
        [say(N_("截至日志位置")), until.at],
        [say(title) for title in TITLES],
    ]

    def lines() -> Iterator[str]:
        yield "\ufeff" + written(head)
        with catch_up(found.ledger, found.home.read_models).asking() as connection:
            for each in every_disbursement(connection, question, until):
                yield written([_row(each, tree, screen.language)])

    return StreamingResponse(
        lines(),
        media_type="text/csv; charset=utf-8",
        headers={
            "Content-Disposition": 'attachment; filename="ledger.csv"',
            "Cache-Control": "no-store",
        },
    )


def _row(payment: Disbursement, tree: Tree, language: Language) -> list[object]:
    return [
        payment.batch_code,
        payment.number,
        tree.by_id[payment.organisation_id].name,
        language.say(payment.category),
        language.say(payment.channel),
        f"{payment.amount_fen // FEN_PER_YUAN}.{payment.amount_fen % FEN_PER_YUAN:02d}",
        term(language, "payment", payment.status),
        payment.status_since,
        term(language, "reason", payment.reason),
        payment.position,
    ]


def written(rows: Iterable[Sequence[object]]) -> str:
    """Write rows as CSV. What a spreadsheet would take for a formula is kept from being one.

    Source: OWASP, CSV Injection.
    """
    lines = io.StringIO()
    table = csv.writer(lines)
    for row in rows:
        table.writerow(
            f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA_STARTS) else cell
            for cell in row
        )
    return lines.getvalue()


def question_of(asked: Filter, tree: Tree, reach: Reach) -> Question:
    """Return the question, within what the officer may see.

    Raises:
        NotOnRecord: No such organisation.
        OutsideReach: It is not within reach.
    """
    ids = sorted(reach.ids)
    if asked.organisation is not None:
        named = organisation_within(tree, reach, asked.organisation)
        alone = [named.organisation_id]
        ids = alone if asked.alone else tree.subtree(named.organisation_id)
    return Question(
        organisation_ids=ids,
        campaign_id=None if asked.campaign is None else campaign_id(asked.campaign),
        batch_id=None if asked.batch is None else batch_id(asked.batch),
        channel=asked.channel,
        category=asked.category,
        status=asked.status,
        since=asked.since,
        until=asked.until,
        least_fen=None if asked.least is None else asked.least * FEN_PER_YUAN,
        most_fen=None if asked.most is None else asked.most * FEN_PER_YUAN,
    )

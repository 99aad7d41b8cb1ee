"""Deadlines as a table: who was to hand in what by which day, when it came, and how late."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, time

from api.owed import Due, Owed
from api.web.language import N_, Language
from api.web.ledger_filter import moment_words
from api.web.tables.report import SIGNATURES
from api.web.words import term
from projections.asked import Moment
from projections.exports.table import Column, Kind, Row, Table, Total


def deadlines_table(due: Due, language: Language, address: str) -> Table:
    """Put the table together; `address` is the page of the same question."""
    say = language.say
    missing = [row for row in due.asked if row.missing]
    late = [row for row in due.asked if not row.missing and row.days_late]
    return Table(
        title=say(N_("报送期限")),
        columns=[
            Column(say(N_("单位")), width=24),
            Column(say(N_("活动")), width=24),
            Column(say(N_("材料")), width=14),
            Column(say(N_("期限")), Kind.DAY, 12),
            Column(say(N_("报送日期")), Kind.DAY, 12),
            Column(say(N_("迟报或逾期天数")), Kind.COUNT, 10),
            Column(say(N_("状态")), width=22),
        ],
        rows=_rows(due.listed, language),
        facts=[
            (say(N_("单位")), say(N_("全部")) if due.chosen is None else due.chosen.name),
            (say(N_("时点")), moment_words(language, Moment(due.on), due.at)),
            (say(N_("检查点")), f"{due.checkpoint.size} · {due.checkpoint.root}"),
        ],
        totals=[
            Total(say(N_("应报")), len(due.asked)),
            Total(say(N_("按期")), len(due.asked) - len(missing) - len(late)),
            Total(say(N_("迟报")), len(late)),
            Total(say(N_("未报")), len(missing)),
            Total(say(N_("其中逾期")), sum(row.overdue for row in missing)),
        ],
        address=address,
        foot=say(N_("账本第 {n} 条"), n=due.at),
        pages=say(N_("第 {page} 页，共 {pages} 页")),
        signatures=[say(each) for each in SIGNATURES],
        dated=datetime.combine(due.on, time(), UTC),
    )


def _state(row: Owed, language: Language) -> str:
    """Say how a row stands."""
    say = language.say
    if row.missing and row.filing is not None and row.filing.sent_back is not None:
        return say(N_("已退回：{why}"), why=row.filing.sent_back)
    if row.overdue:
        return say(N_("逾期未报"))
    if row.missing:
        return say(N_("未到期"))
    return say(N_("迟报")) if row.days_late else say(N_("按期已报"))


def _rows(of: Sequence[Owed], language: Language) -> Iterator[Row]:
    for row in of:
        yield [
            row.organisation.name,
            row.campaign.name,
            term(language, "filing", row.deadline.name),
            row.deadline.due_on.isoformat(),
            None if row.filing is None else row.filing.handed_in_on,
            row.days_late,
            _state(row, language),
        ]

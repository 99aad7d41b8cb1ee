"""Cases as a table: what was taken up, how far it is, with whom, and what is to come back."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, time
from uuid import UUID

from api.web.language import N_, Language
from api.web.words import term
from projections.cases import CaseView
from projections.exports.table import Column, Kind, Row, Table
from projections.organisations import Organisation, Tree


def cases_table(
    of: Iterable[CaseView],
    tree: Tree,
    staff: Mapping[UUID, str],
    language: Language,
    day: date,
    *,
    place: Organisation | None = None,
    address: str | None = None,
) -> Table:
    """Put the table together.

    Args:
        of: The cases, in the order in which they were opened.
        tree: What organisations are called.
        staff: Staff numbers of officers.
        language: Whose words it speaks.
        day: On which it is said how late somebody is.
        place: The union of which they are, with all below; None for all.
        address: The page of the same question.
    """
    say = language.say
    return Table(
        title=say(N_("案件")),
        columns=[
            Column(say(N_("规则"))),
            Column(say(N_("案由")), width=20),
            Column(say(N_("轻重")), width=8),
            Column(say(N_("单位")), width=24),
            Column(say(N_("进展")), width=12),
            Column(say(N_("交给谁")), width=10),
            Column(say(N_("期限")), Kind.DAY, 12),
            Column(say(N_("逾期天数")), Kind.COUNT, 10),
            Column(say(N_("应追回")), Kind.MONEY, 14),
            Column(say(N_("已追回")), Kind.MONEY, 14),
            Column(say(N_("免予追回")), Kind.MONEY, 14),
            Column(say(N_("待追回")), Kind.MONEY, 14),
            Column(say(N_("立案日期")), Kind.DAY, 12),
            Column(say(N_("案件编号")), width=36),
        ],
        rows=_rows(of, tree, staff, language, day),
        facts=[
            (say(N_("单位")), say(N_("全部")) if place is None else place.name),
            (say(N_("时点")), day.isoformat()),
        ],
        address=address,
        pages=say(N_("第 {page} 页，共 {pages} 页")),
        dated=datetime.combine(day, time(), UTC),
    )


def _rows(
    of: Iterable[CaseView],
    tree: Tree,
    staff: Mapping[UUID, str],
    language: Language,
    day: date,
) -> Iterator[Row]:
    for each in of:
        yield [
            each.subject.rule,
            term(language, "rule", each.subject.rule),
            term(language, "severity", each.severity),
            tree.by_id[each.organisation_id].name,
            term(language, "case_stage", each.stage),
            None if each.owner_id is None else staff.get(each.owner_id),
            each.due_on,
            each.days_late(day),
            each.demanded_fen,
            each.recovered_fen,
            each.written_off_fen,
            each.open_fen,
            each.happened_on,
            str(each.case_id),
        ]

"""The statistics table (送温暖活动统计表): by category, source, union and campaign."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

from api.reporting import Reporting
from api.web.behind import PAID, Behind
from api.web.language import N_, Language
from api.web.tables.report import Cell, Figure, Line, Section
from api.web.words import term
from ledger.domain.disbursement import Status
from ledger.domain.policy import Channel
from projections.exports.report import Weight
from projections.exports.table import Column, Kind
from projections.organisations import Organisation
from projections.statistics import WAITING, Payments, Spent, Statistics, Tally

CARD, SHEET = Channel.BANK_CARD.value, Channel.SIGNATURE_SHEET.value
ACROSS_MAX = 5
"""Categories side by side: more go into a further table, since paper is no wider."""


@dataclass(frozen=True, slots=True)
class Measure:
    """A column of figures: which of a tally's, and what the payments behind it have in common."""

    name: str
    title: str
    kind: Kind
    status: str
    channel: str | None = None


COUNT, PAID_FEN = (
    Measure("count", N_("人次"), Kind.COUNT, PAID),
    Measure("paid_fen", N_("金额(元)"), Kind.MONEY, PAID),
)
MEASURES = (
    COUNT,
    PAID_FEN,
    Measure("card_count", N_("银行卡人次"), Kind.COUNT, PAID, CARD),
    Measure("card_fen", N_("银行卡金额(元)"), Kind.MONEY, PAID, CARD),
    Measure("sheet_count", N_("签字表人次"), Kind.COUNT, PAID, SHEET),
    Measure("sheet_fen", N_("签字表金额(元)"), Kind.MONEY, PAID, SHEET),
    Measure("in_transit_fen", N_("在途(元)"), Kind.MONEY, Status.IN_TRANSIT),
    Measure("returned_fen", N_("已退回(元)"), Kind.MONEY, Status.RETURNED),
)
NAME_WIDTH, COUNT_WIDTH, MONEY_WIDTH = 22, 9, 14
EARLIER = N_("上年下达、本年到账（或退回）")


@dataclass(frozen=True, slots=True)
class Row:
    """One row's payments, and where they are listed. `behind` is None for sums of several."""

    name: str
    of: Statistics
    behind: Behind | None
    weight: Weight = Weight.ROW


def statistics_sections(
    of: Reporting,
    found: Statistics,
    earlier: Statistics,
    language: Language,
    categories: Sequence[str],
    *,
    every: bool,
) -> list[Section]:
    """Put the statistics table together.

    Args:
        of: What it is of.
        found: Its figures.
        earlier: What a year brought of payments that were instructed before it.
        language: Whose words it speaks.
        categories: Those that the policy names, in its order.
        every: List each union by itself, instead of those below with all that is below them.
    """
    tables = _Tables(of, found, earlier, language, every=every)
    known = {each.category for each in found.beside(earlier).payments}
    in_order = [*categories, *sorted(known - set(categories))]
    sections = [tables.by_category(in_order), tables.by_source(), tables.by_union()]
    sections += tables.by_union_and_category(in_order)
    if of.campaign is None:
        sections.append(tables.by_campaign())
    return sections


class _Tables:
    def __init__(
        self,
        of: Reporting,
        found: Statistics,
        earlier: Statistics,
        language: Language,
        *,
        every: bool,
    ) -> None:
        self._of, self._found, self._language = of, found, language
        self._earlier, self._all = earlier, found.beside(earlier)
        self._say = language.say
        self._whole = Behind(None if of.chosen is None else of.chosen.code, False, of.moment)  # noqa: FBT003
        self._scope: dict[str, object] = {
            "campaign": None if of.campaign is None else of.campaign.code,
            "since": of.since,
        }
        self._rows = list(_every(self) if every else _below(self))

    def by_category(self, categories: Sequence[str]) -> Section:
        lines = [
            self._line(
                Row(self._say(each), _only(self._found, category=each), self._whole),
                category=each,
            )
            for each in categories
        ]
        return Section(
            "by_category",
            self._say(N_("按对象类别")),
            self._columns(N_("类别"), MEASURES),
            [*lines, *self._before(), self._total()],
            self._explained(),
        )

    def by_source(self) -> Section:
        sources: dict[str, dict[int, int]] = {}
        for each in self._found.spent:
            of_source = sources.setdefault(each.source, {})
            of_source[each.vintage] = of_source.get(each.vintage, 0) + each.paid_fen
        lines = []
        for source, vintages in sorted(sources.items()):
            lines.append(self._spent(self._say(source), sum(vintages.values()), source=source))
            lines += [
                self._spent(
                    self._say(N_("{year} 年度资金"), year=vintage),
                    fen,
                    Weight.WITHIN,
                    source=source,
                    vintage=vintage,
                )
                for vintage, fen in sorted(vintages.items())
            ]
        if self._earlier.spent:
            name, behind = self._say(EARLIER), self._listed_before()
            lines.append(Line([name, Figure(self._earlier.spent_fen, behind)], Weight.SUM))
        total = self._spent(self._say(N_("合计")), self._all.spent_fen, Weight.TOTAL)
        return Section(
            "by_source",
            self._say(N_("按资金来源")),
            [
                Column(self._say(N_("资金来源")), Kind.TEXT, NAME_WIDTH),
                Column(self._say(N_("金额(元)")), Kind.MONEY, MONEY_WIDTH),
            ],
            [*lines, total],
            self._say(N_("由几种来源合付的一笔，这里按来源分开计；台账列出整笔。")),
        )

    def by_union(self) -> Section:
        return Section(
            "by_union",
            self._say(N_("按单位")),
            self._columns(N_("单位"), MEASURES),
            [*(self._line(each) for each in self._rows), *self._before(), self._total()],
        )

    def by_union_and_category(self, categories: Sequence[str]) -> Iterator[Section]:
        """Set the categories side by side, some at a time."""
        for start in range(0, len(categories), ACROSS_MAX):
            shown = categories[start : start + ACROSS_MAX]
            columns = [Column(self._say(N_("单位")), Kind.TEXT, NAME_WIDTH)]
            for each in shown:
                name = self._say(each)
                columns += [
                    Column(f"{name} {self._say(COUNT.title)}", Kind.COUNT, COUNT_WIDTH),
                    Column(f"{name} {self._say(PAID_FEN.title)}", Kind.MONEY, MONEY_WIDTH),
                ]
            rows = [*self._rows, self._sum()]
            lines = []
            for row in rows:
                cells: list[Cell] = [row.name]
                for each in shown:
                    of = _only(row.of, category=each).tally
                    cells += self._cells(of, row.behind, (COUNT, PAID_FEN), category=each)
                lines.append(Line(cells, row.weight))
            if self._earlier.payments:
                cells = [self._say(EARLIER)]
                for each in shown:
                    of = _only(self._earlier, category=each).tally
                    cells += self._cells_before(of, (COUNT, PAID_FEN), category=each)
                lines.insert(-1, Line(cells))
            number = start // ACROSS_MAX + 1
            yield Section(
                f"by_union_and_category_{number}",
                self._say(N_("各单位各类对象")) + (f" ({number})" if number > 1 else ""),
                columns,
                lines,
            )

    def by_campaign(self) -> Section:
        lines = [
            self._line(
                Row(
                    each.name,
                    _only(self._found, campaign_id=each.campaign_id),
                    self._whole,
                ),
                campaign=each.code,
            )
            for each in self._of.campaigns
            if any(one.campaign_id == each.campaign_id for one in self._found.payments)
        ]
        return Section(
            "by_campaign",
            self._say(N_("按活动")),
            self._columns(N_("活动"), MEASURES),
            [*lines, *self._before(), self._total()],
        )

    def at(self, organisation: Organisation, *, alone: bool) -> Behind:
        return Behind(organisation.code, alone, self._of.moment)

    def row(
        self, name: str, organisation: Organisation, ids: Sequence[UUID], *, alone: bool
    ) -> Row:
        return Row(name, self._found.among(ids), self.at(organisation, alone=alone))

    @property
    def of(self) -> Reporting:
        return self._of

    @property
    def language(self) -> Language:
        return self._language

    @property
    def found(self) -> Statistics:
        return self._found

    def _columns(self, name: str, measures: Sequence[Measure]) -> list[Column]:
        return [
            Column(self._say(name), Kind.TEXT, NAME_WIDTH),
            *(
                Column(
                    self._say(each.title),
                    each.kind,
                    COUNT_WIDTH if each.kind is Kind.COUNT else MONEY_WIDTH,
                )
                for each in measures
            ),
        ]

    def _total(self) -> Line:
        return self._line(self._sum())

    def _sum(self) -> Row:
        """Return the row of all; no one list comes to it where payments of before are in it."""
        behind = None if self._earlier.payments else self._whole
        return Row(self._say(N_("合计")), self._all, behind, Weight.TOTAL)

    def _before(self) -> list[Line]:
        """Return what the year brought of payments that were instructed before it, if anything."""
        if not self._earlier.payments:
            return []
        return [Line([self._say(EARLIER), *self._cells_before(self._earlier.tally, MEASURES)])]

    def _cells_before(
        self, of: Tally, measures: Sequence[Measure], **conditions: object
    ) -> list[Cell]:
        return [
            Figure(
                getattr(of, each.name),
                self._listed_before(
                    status=each.status if each.status in WAITING else None,
                    channel=each.channel,
                    **conditions,
                ),
            )
            for each in measures
        ]

    def _listed_before(self, **conditions: object) -> str:
        """Say where payments of earlier years are listed: some may have been paid in this one."""
        return self._whole.payments(until=f"{self._of.year - 1}-12-31", **conditions)

    def _explained(self) -> str:
        words = self._say(N_("一项活动中每人至多一笔，人次就是人数。"))
        if not self._earlier.payments:
            return words
        return words + self._say(
            N_(
                "各行是本年下达的；上年（及以前）下达、本年到账的另列一行，扣除以前到账、本年退回的；"
                "其中在途、已退回的是年末仍未到账的。每笔只在到账的年度计一次。"
            )
        )

    def _line(self, row: Row, **conditions: object) -> Line:
        cells = self._cells(row.of.tally, row.behind, MEASURES, **conditions)
        return Line([row.name, *cells], row.weight)

    def _cells(
        self,
        of: Tally,
        behind: Behind | None,
        measures: Sequence[Measure],
        **conditions: object,
    ) -> list[Cell]:
        return [
            Figure(
                getattr(of, each.name),
                None
                if behind is None
                else behind.payments(
                    **{
                        **self._scope,
                        "status": each.status,
                        "channel": each.channel,
                        **conditions,
                    }
                ),
            )
            for each in measures
        ]

    def _spent(
        self, name: str, fen: int, weight: Weight = Weight.SUM, **conditions: object
    ) -> Line:
        address = self._whole.payments(**{**self._scope, "status": PAID, **conditions})
        return Line([name, Figure(fen, address)], weight)


def _below(tables: _Tables) -> Iterator[Row]:
    """Return the level below, sort by sort, each union with all that stands below it."""
    of = tables.of
    if len(of.tops) == 1 and of.below():
        top = of.tops[0]
        name = tables.language.say(N_("本级"))
        yield tables.row(name, top, [top.organisation_id], alone=True)
    listed = of.below() or of.tops
    kinds = list(dict.fromkeys(each.kind for each in listed))
    for kind in kinds:
        of_kind = sorted((each for each in listed if each.kind == kind), key=lambda one: one.code)
        within: list[UUID] = []
        for each in of_kind:
            ids = of.tree.subtree(each.organisation_id)
            within += ids
            yield tables.row(each.name, each, ids, alone=False)
        if len(kinds) > 1:
            name = tables.language.say(
                N_("{kind}小计"), kind=term(tables.language, "organisation", kind)
            )
            yield Row(name, tables.found.among(within), None, Weight.SUM)


def _every(tables: _Tables) -> Iterator[Row]:
    """Return each union by itself."""
    for each in sorted(tables.of.tree.among(set(tables.of.ids)), key=lambda one: one.code):
        yield tables.row(each.name, each, [each.organisation_id], alone=True)


def _only(of: Statistics, **alike: object) -> Statistics:
    def meant(each: Payments | Spent) -> bool:
        return all(getattr(each, name) == value for name, value in alike.items())

    return Statistics(
        [each for each in of.payments if meant(each)], [each for each in of.spent if meant(each)]
    )

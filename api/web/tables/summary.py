"""A campaign's summary report (工作总结): its figures, each leading to the list behind it."""

from collections.abc import Iterator, Sequence
from urllib.parse import urlencode

from api.owed import Papers
from api.reporting import Reporting
from api.summing import Summary
from api.web.behind import Behind
from api.web.formats import day as day_words
from api.web.formats import percent, yuan
from api.web.language import N_, Language
from api.web.tables.report import Cell, Figure, Line, Section
from api.web.tables.statistics import statistics_sections
from api.web.tables.year import year_sections
from api.web.words import term
from ledger.domain.disbursement import Status
from ledger.domain.values import WHOLE_BP
from projections.exports.report import Weight
from projections.exports.table import Column, Kind
from projections.followed_lots import Target
from projections.movements import Kind as Movement
from projections.year import Used

NAME_WIDTH, COUNT_WIDTH, MONEY_WIDTH, TEXT_WIDTH = 26, 10, 16, 18


def summary_sections(
    of: Reporting,
    found: Summary,
    used: Sequence[Used],
    categories: Sequence[str],
    language: Language,
) -> list[Section]:
    """Put the report's tables together.

    Args:
        of: What it is of.
        found: Its figures.
        used: What the year's payments were used for.
        categories: Those that the policy names, in its order.
        language: Whose words it speaks.
    """
    account = year_sections(of, found.year, used, language, every=False)[0]
    by_category = statistics_sections(
        of, found.statistics, found.earlier, language, categories, every=False
    )[0]
    tables = _Tables(of, found, language)
    return [
        account,
        by_category,
        tables.returned(),
        tables.surplus(),
        tables.deadlines(),
        tables.findings(),
        tables.cases(),
        tables.looked_at(),
    ]


class _Tables:
    def __init__(self, of: Reporting, found: Summary, language: Language) -> None:
        self._of, self._found, self._language = of, found, language
        self._say = language.say
        code = None if of.chosen is None else of.chosen.code
        self._behind = Behind(code, alone=False, moment=of.period.moment)
        self._stood = Behind(code, alone=False, moment=of.moment)
        self._campaign = None if of.campaign is None else of.campaign.code

    def returned(self) -> Section:
        """Return what came back from the bank, what was paid again, and what still waits."""
        of, say = self._found, self._say
        tally, earlier = of.statistics.beside(of.earlier).tally, of.earlier.tally
        since = self._of.since
        year_long = self._campaign is None
        came_back = N_("银行退回（本年）") if year_long else N_("银行退回（累计）")
        paid_again = N_("已补发（本年）") if year_long else N_("已补发（累计）")
        lines = [
            self._line(
                term(self._language, "reason", reason) if reason else say(N_("未说明")),
                each.count,
                each.amount_fen,
                self._payments(kind=Movement.RETURN.value, reason=reason or None, since=since),
                Weight.WITHIN,
            )
            for reason, each in sorted(of.returned.items())
        ]
        back = list(of.returned.values())
        return self._counted(
            "returned",
            N_("退回与补发"),
            [
                self._line(
                    say(came_back),
                    sum(each.count for each in back),
                    sum(each.amount_fen for each in back),
                    self._payments(kind=Movement.RETURN.value, since=since),
                    Weight.SUM,
                ),
                *lines,
                self._line(
                    say(paid_again),
                    of.paid_again.count,
                    of.paid_again.amount_fen,
                    self._payments(kind=Movement.REISSUE.value, since=since),
                    Weight.SUM,
                ),
                *(
                    [
                        self._line(
                            say(N_("目前已撤销")),
                            tally.withdrawn_count,
                            tally.withdrawn_fen,
                            None
                            if earlier.withdrawn_count or earlier.withdrawn_fen
                            else self._payments(status=Status.WITHDRAWN.value, since=since),
                            Weight.SUM,
                        )
                    ]
                    if tally.withdrawn_count
                    else ()
                ),
                self._line(
                    say(N_("目前仍退回未补发")),
                    tally.returned_count,
                    tally.returned_fen,
                    self._payments(status=Status.RETURNED.value),
                    Weight.SUM,
                ),
                self._line(
                    say(N_("目前在途")),
                    tally.in_transit_count,
                    tally.in_transit_fen,
                    self._payments(status=Status.IN_TRANSIT.value),
                    Weight.SUM,
                ),
            ],
        )

    def surplus(self) -> Section:
        """Return how much of the opening surplus reached people, against its target lines."""
        old, say, year = self._found.old, self._say, self._of.year
        behind = self._behind.opening(year)
        ratio = percent(old.ratio_basis_points)
        lines = [
            Line([say(N_("年初结余")), Figure(old.opening_fen, behind), None, None], Weight.SUM),
            Line([say(N_("已到人")), Figure(old.consumed_fen, behind), ratio, None], Weight.SUM),
            Line([say(N_("在途")), Figure(old.consumed_in_transit_fen), None, None], Weight.WITHIN),
            Line([say(N_("尚未使用")), Figure(old.unconsumed_fen), None, None], Weight.WITHIN),
            *self._targets(Target(old.first_year_minimum_bp, old.all_within_years)),
        ]
        return Section(
            "surplus",
            say(N_("结余消化")),
            [
                Column(say(N_("项目")), Kind.TEXT, NAME_WIDTH),
                Column(say(N_("金额(元)")), Kind.MONEY, MONEY_WIDTH),
                Column(say(N_("占年初结余")), Kind.TEXT, TEXT_WIDTH),
                Column(say(N_("是否达到")), Kind.TEXT, TEXT_WIDTH),
            ],
            lines if old.opening_fen else [],
            say(N_("到人才算消化；拨到下级不算。比例向下取整，不靠四舍五入达标。"))
            if old.opening_fen
            else say(N_("没有年初结余，不计算消化率。")),
        )

    def _targets(self, target: Target) -> Iterator[Line]:
        old, say, year = self._found.old, self._say, self._of.year
        lines: list[tuple[str, int, int]] = []
        if target.first_year_minimum_bp is not None:
            words = say(N_("{year} 年底前至少"), year=year)
            least = -(-old.opening_fen * target.first_year_minimum_bp // WHOLE_BP)
            lines.append((words, least, target.first_year_minimum_bp))
        if target.all_within_years is not None:
            words = say(N_("{year} 年底前全部"), year=year + target.all_within_years - 1)
            lines.append((words, old.opening_fen, WHOLE_BP))
        for words, needed, points in lines:
            short = needed - old.consumed_fen
            reached = say(N_("✓ 已达到")) if short <= 0 else say(N_("还差 {fen}"), fen=yuan(short))
            yield Line([words, Figure(needed), percent(points), reached])

    def deadlines(self) -> Section:
        titles = (N_("应报"), N_("按期"), N_("迟报"), N_("未报"), N_("其中逾期"))
        return Section(
            "deadlines",
            self._say(N_("报送期限")),
            [
                Column(self._say(N_("材料")), Kind.TEXT, NAME_WIDTH),
                Column(self._say(N_("期限")), Kind.TEXT, TEXT_WIDTH),
                *(Column(self._say(title), Kind.COUNT, COUNT_WIDTH) for title in titles),
            ],
            [self._paper(each) for each in self._found.papers],
            "" if self._found.papers else self._say(N_("政策没有规定报送期限。")),
        )

    def _paper(self, of: Papers) -> Line:
        language = self._language
        behind = self._behind.deadline(of.campaign.code, of.deadline.name)
        name = term(language, "filing", of.deadline.name)
        cells: list[Cell] = [
            name if self._campaign else f"{of.campaign.name} {name}",
            day_words(of.deadline.due_on, language.locale),
            Figure(of.asked, f"{behind}&every=yes"),
            Figure(of.in_time),
            Figure(of.late),
            Figure(of.missing, behind),
            Figure(of.overdue),
        ]
        return Line(cells)

    def findings(self) -> Section:
        lines = [
            Line(
                [
                    term(self._language, "severity", severity),
                    Figure(number, self._stood.findings_of(severity)),
                ]
            )
            for severity, number in self._found.findings.items()
        ]
        total = Figure(sum(self._found.findings.values()), self._stood.findings)
        return Section(
            "findings",
            self._say(N_("疑点")),
            [
                Column(self._say(N_("级别")), Kind.TEXT, NAME_WIDTH),
                Column(self._say(N_("疑点条数")), Kind.COUNT, COUNT_WIDTH),
            ],
            [*lines, Line([self._say(N_("合计")), total], Weight.TOTAL)],
            self._say(N_("规则查出的都是疑点，经人核实才是问题；疑点清单也列出其他活动的。")),
        )

    def cases(self) -> Section:
        of, say = self._found.cases, self._say
        asked = {
            "organisation": self._behind.code,
            "campaign": self._campaign,
            "since": self._of.since,
            "until": None if self._of.since is None else self._of.moment.as_of,
        }
        given = {name: value for name, value in asked.items() if value is not None}
        every = f"/cases?{urlencode({'show': 'all', **given})}"
        lines = [
            self._line(term(self._language, "case_stage", stage), number, None)
            for stage, number in of.stages.items()
        ]
        return self._counted(
            "cases",
            N_("核实与整改"),
            [
                *lines,
                self._line(say(N_("合计")), of.stages.total(), None, every, Weight.TOTAL),
                self._line(say(N_("已追回")), None, of.recovered_fen),
                self._line(say(N_("经批准不再追回")), None, of.written_off_fen),
            ],
        )

    def looked_at(self) -> Section:
        samples, notices, say = self._found.samples, self._found.notices, self._say
        gone = [
            self._line(
                say(N_("已撤回（不计入公示）")), notices.withdrawn, None, None, Weight.WITHIN
            )
        ]
        return self._counted(
            "looked_at",
            N_("公示与抽查"),
            [
                self._line(say(N_("公示")), notices.opened, notices.listed_fen, "/notices"),
                self._line(say(N_("公示人次")), notices.listed_count, None, None, Weight.WITHIN),
                self._line(say(N_("已期满结束")), notices.closed, None, None, Weight.WITHIN),
                *(gone if notices.withdrawn else ()),
                self._line(say(N_("收到异议")), notices.raised, None, None, Weight.WITHIN),
                self._line(say(N_("异议成立")), notices.upheld, None, None, Weight.WITHIN),
                self._line(say(N_("抽查方案")), samples.planned, None, "/samples"),
                self._line(say(N_("已抽取方案")), samples.drawn, None, None, Weight.WITHIN),
                self._line(
                    say(N_("抽中笔数")), samples.payments, samples.amount_fen, None, Weight.WITHIN
                ),
            ],
        )

    def _counted(self, name: str, title: str, lines: Sequence[Line]) -> Section:
        return Section(
            name,
            self._say(title),
            [
                Column(self._say(N_("项目")), Kind.TEXT, NAME_WIDTH),
                Column(self._say(N_("数量")), Kind.COUNT, COUNT_WIDTH),
                Column(self._say(N_("金额(元)")), Kind.MONEY, MONEY_WIDTH),
            ],
            lines,
        )

    def _line(
        self,
        name: str,
        count: int | None,
        fen: int | None,
        behind: str | None = None,
        weight: Weight = Weight.ROW,
    ) -> Line:
        cells: list[Cell] = [
            name,
            None if count is None else Figure(count, behind),
            None if fen is None else Figure(fen, behind),
        ]
        return Line(cells, weight)

    def _payments(self, **conditions: object) -> str:
        return self._stood.payments(campaign=self._campaign, **conditions)

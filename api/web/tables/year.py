"""A centre's yearly table (困难职工帮扶中心统计表): what was there, came, was used, and is left."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode
from uuid import UUID

from api.reporting import Reporting
from api.web.behind import PAID
from api.web.language import N_, Language
from api.web.tables.report import Cell, Figure, Line, Section
from ledger.domain.disbursement import Status
from projections.exports.report import Weight
from projections.exports.table import Column, Kind
from projections.organisations import Organisation
from projections.year import Line as Figures
from projections.year import Used, Year

NAME_WIDTH, MONEY_WIDTH = 22, 14


@dataclass(frozen=True, slots=True)
class Place:
    """Whose lists figures lead to: an organisation with all below it, or `alone`."""

    of: Reporting
    organisation: Organisation | None
    alone: bool = False

    def opening(self, **more: object) -> str:
        return self._address("/flow/receipts", carried="yes", **self._here(), **more)

    def received(self, **more: object) -> str:
        return self._address("/flow/receipts", carried="no", **self._here(), **more)

    def came_down(self) -> str:
        return self._address("/flow/allocations", **self._side("taker"))

    def passed_on(self) -> str:
        return self._address("/flow/allocations", **self._side("giver"))

    def in_hand(self) -> str:
        return self._address("/flow/holdings", **self._here())

    def paid(self, **more: object) -> str:
        return self._ledger(status=PAID, since=f"{self.of.year}-01-01", **more)

    def paid_before(self, earmark: str) -> str:
        """Return the payments of earlier years of which some may have been paid in this one."""
        return self._ledger(until=f"{self.of.year - 1}-12-31", earmark=earmark)

    def in_transit(self) -> str:
        return self._ledger(status=Status.IN_TRANSIT.value)

    def _ledger(self, **conditions: object) -> str:
        until = self.of.period.until
        return _written(
            "/ledger", **self._here(), **conditions, as_of=until.as_of, at=self.of.period.moment.at
        )

    def _address(self, path: str, **conditions: object) -> str:
        moment = self.of.period.moment
        return _written(path, year=self.of.year, **conditions, as_of=moment.as_of, at=moment.at)

    def _here(self) -> dict[str, object]:
        code = None if self.organisation is None else self.organisation.code
        return {"organisation": code, "alone": "yes" if self.alone else None}

    def _side(self, side: str) -> dict[str, object]:
        if self.organisation is None:
            return {}
        code = self.organisation.code
        return {"organisation": code, side: code, f"{side}_alone": "yes" if self.alone else None}


def year_sections(
    of: Reporting, year: Year, used: Sequence[Used], language: Language, *, every: bool
) -> list[Section]:
    """Put the yearly table together: the account, and each union's share in it."""
    tables = _Tables(of, year, language, every=every)
    return [tables.account(used), tables.by_union(), tables.by_source(), *tables.by_purpose()]


class _Tables:
    def __init__(self, of: Reporting, year: Year, language: Language, *, every: bool) -> None:
        self._of, self._year, self._language = of, year, language
        self._say = language.say
        self._whole = Place(of, of.chosen)
        self._total = year.line(of.ids)
        self._rows = list(self._listed(every=every))

    def account(self, used: Sequence[Used]) -> Section:
        """Return the account: what there was and came on top, what went and is left below."""
        of, place, say = self._total, self._whole, self._say
        lines = [
            self._sum(N_("一、上年结余"), of.opening_fen, place.opening()),
            *(
                self._within(say(source), fen, place.opening(source=source))
                for source, fen in sorted(of.opening.items())
                if fen
            ),
            self._sum(N_("二、本年收入"), of.received_fen + of.came_down_fen, None),
            *(
                self._within(say(source), fen, place.received(source=source))
                for source, fen in sorted(of.received.items())
                if fen
            ),
            *self._unless_nought(
                N_("其中：以前年度资金本年到账"), of.earlier_fen, place.received(earlier="yes")
            ),
            *self._unless_nought(N_("上级拨入"), of.came_down_fen, place.came_down()),
            self._sum(N_("三、本年支出"), of.paid_fen, place.paid()),
            *self._purposes(used),
            *self._unless_nought(N_("拨付下级"), of.passed_on_fen, place.passed_on(), Weight.SUM),
            *self._unless_nought(N_("拨往其他账本"), of.remitted_fen, "/remittances", Weight.SUM),
            self._sum(N_("四、年末结余"), of.closing_fen, None),
            self._within(say(N_("在账")), of.in_hand_fen, place.in_hand()),
            self._within(say(N_("在途")), of.in_transit_fen, place.in_transit()),
        ]
        return Section(
            "account",
            say(N_("收支总表")),
            [
                Column(say(N_("项目")), Kind.TEXT, 40),
                Column(say(N_("金额(元)")), Kind.MONEY, MONEY_WIDTH),
            ],
            lines,
            say(N_("支出是已经到账或签领的；在途的仍算结余。")),
        )

    def by_union(self) -> Section:
        titles = (
            N_("上年结余"),
            N_("本年收入"),
            N_("上级拨入"),
            N_("拨付下级"),
            N_("本年支出"),
            N_("年末在账"),
            N_("年末在途"),
            N_("年末结余"),
        )
        elsewhere = (N_("拨往其他账本"),) if self._total.remitted_fen else ()
        total = (self._say(N_("合计")), self._whole, self._total, Weight.TOTAL)
        lines = [
            Line(
                [
                    name,
                    Figure(of.opening_fen, place.opening()),
                    Figure(of.received_fen, place.received()),
                    Figure(of.came_down_fen, place.came_down()),
                    Figure(of.passed_on_fen, place.passed_on()),
                    Figure(of.paid_fen, place.paid()),
                    Figure(of.in_hand_fen, place.in_hand()),
                    Figure(of.in_transit_fen, place.in_transit()),
                    Figure(of.closing_fen),
                    *(Figure(of.remitted_fen) for _ in elsewhere),
                ],
                weight,
            )
            for name, place, of, weight in (*self._rows, total)
        ]
        return Section(
            "by_union",
            self._say(N_("各单位收支")),
            [self._name(), *(self._money(title) for title in (*titles, *elsewhere))],
            lines,
            self._say(N_("合计不含本表各单位之间的拨付，所以拨入、拨付两列不等于各行之和。")),
        )

    def by_source(self) -> Section:
        sources = [each for each in self._year.sources if self._total.received[each]]
        total = (self._say(N_("合计")), self._whole, self._total, Weight.TOTAL)
        lines = [
            Line(
                [
                    name,
                    *(Figure(of.received[each], place.received(source=each)) for each in sources),
                    Figure(of.received_fen, place.received()),
                ],
                weight,
            )
            for name, place, of, weight in (*self._rows, total)
        ]
        return Section(
            "by_source",
            self._say(N_("各单位本年收入按来源")),
            [
                self._name(),
                *(self._money(each) for each in sources),
                self._money(N_("合计")),
            ],
            lines,
        )

    def by_purpose(self) -> Iterator[Section]:
        """Tell purposes apart, where there are several."""
        purposes = list(self._year.purposes)
        if len(purposes) < 2:  # noqa: PLR2004 - of one there is nothing to tell apart
            return
        total = (self._say(N_("合计")), self._whole, self._total, Weight.TOTAL)
        lines = []
        for name, place, of, weight in (*self._rows, total):
            paid = self._year.used_by(self._ids(place))
            cells: list[Cell] = [name]
            cells += [Figure(paid[each], place.paid(earmark=each)) for each in purposes]
            lines.append(Line([*cells, Figure(of.paid_fen, place.paid())], weight))
        yield Section(
            "by_purpose",
            self._say(N_("各单位本年支出按用途")),
            [
                self._name(),
                *(self._money(each) for each in purposes),
                self._money(N_("合计")),
            ],
            lines,
        )

    def _purposes(self, used: Sequence[Used]) -> Iterator[Line]:
        """Return what was used for each purpose, and of it for whom."""
        by_purpose: Mapping[str, Counter[str]] = {each: Counter() for each in self._year.purposes}
        for one in used:
            by_purpose[one.earmark][one.category] += one.paid_fen
        paid = self._year.used_by(self._of.ids)
        for earmark, categories in by_purpose.items():
            if not paid[earmark] and not categories:
                continue
            name = self._say(N_("用途：{name}"), name=self._say(earmark))
            yield self._within(name, paid[earmark], self._whole.paid(earmark=earmark))
            for category, fen in sorted(categories.items()):
                address = self._whole.paid(earmark=earmark, category=category)
                yield self._within(f"　{self._say(category)}", fen, address)
            earlier = paid[earmark] - categories.total()
            if earlier:
                name = "　" + self._say(N_("上年下达、本年到账（或退回）"))
                yield self._within(name, earlier, self._whole.paid_before(earmark))

    def _listed(self, *, every: bool) -> Iterator[tuple[str, Place, Figures, Weight]]:
        of, line = self._of, self._year.line
        if every:
            for each in sorted(of.tree.among(set(of.ids)), key=lambda one: one.code):
                place = Place(of, each, alone=True)
                yield each.name, place, line([each.organisation_id]), Weight.ROW
            return
        if len(of.tops) == 1 and of.below():
            place = Place(of, of.tops[0], alone=True)
            own = line([of.tops[0].organisation_id])
            yield self._say(N_("本级")), place, own, Weight.ROW
        for each in sorted(of.below() or of.tops, key=lambda one: one.code):
            below = line(of.tree.subtree(each.organisation_id))
            yield each.name, Place(of, each), below, Weight.ROW

    def _ids(self, place: Place) -> list[UUID]:
        if place is self._whole or place.organisation is None:
            return self._of.ids
        id_ = place.organisation.organisation_id
        return [id_] if place.alone else self._of.tree.subtree(id_)

    def _name(self) -> Column:
        return Column(self._say(N_("单位")), Kind.TEXT, NAME_WIDTH)

    def _money(self, title: str) -> Column:
        return Column(self._say(title) + self._say(N_("(元)")), Kind.MONEY, MONEY_WIDTH)

    def _sum(self, title: str, fen: int, behind: str | None) -> Line:
        return Line([self._say(title), Figure(fen, behind)], Weight.SUM)

    def _within(self, name: str, fen: int, behind: str) -> Line:
        return Line([name, Figure(fen, behind)], Weight.WITHIN)

    def _unless_nought(
        self, title: str, fen: int, behind: str, weight: Weight = Weight.WITHIN
    ) -> list[Line]:
        return [Line([self._say(title), Figure(fen, behind)], weight)] if fen else []


def _written(path: str, **conditions: object) -> str:
    given = {name: value for name, value in conditions.items() if value is not None}
    return f"{path}?{urlencode(given)}"

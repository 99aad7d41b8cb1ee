"""What earlier versions of rules found, so that it can be asked what they would say.

A rule changes when it finds more than before, or tells it differently. Whoever acted on what an
earlier version said can ask for that again, of any state of the ledger.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial
from typing import NamedTuple

from ledger.domain.policy import LIMIT_MAX
from ledger.errors import Kind, LedgerError
from projections.findings import (
    above,
    adoptions,
    amounts,
    archive,
    banking,
    decisions,
    listed,
    lists,
    money,
    notices,
    outside,
    papers,
    payments,
    people,
    sheets,
    signatures,
    witnessing,
)
from projections.findings.adoptions import MoneyFor
from projections.findings.asked import Asked
from projections.findings.borne import as_borne
from projections.findings.catalogue import RULES_KNOWN
from projections.findings.finding import Finding
from projections.findings.found import Found, Part
from projections.findings.limits import LIMITS_OF
from projections.followed_lots import surplus_targets, years_opened


class NoSuchRule(LedgerError):
    """A version is asked of a rule that is evaluated."""

    code = "finding.no_such_rule"
    kind = Kind.ABSENT

    def __init__(self, rule: str) -> None:
        super().__init__(f"no rule {rule!r} is evaluated")


class NoSuchVersion(LedgerError):
    """A rule has the versions from its first to the one that counts."""

    code = "finding.no_such_version"
    kind = Kind.ABSENT

    def __init__(self, rule: str, version: int, newest: int) -> None:
        super().__init__(f"rule {rule} has no version {version}, its newest is {newest}")


class Earlier(NamedTuple):
    """An earlier version; `changed` says what the next one does otherwise.

    `by_item`: as of rules.
    """

    find: Callable[[Asked], Iterable[Finding]]
    changed: str
    by_item: bool = False


def _one_amount_each(asked: Asked) -> Iterator[Finding]:
    """B4: every odd amount was told by itself, however many there were."""
    patience = replace(asked.patience, odd_amounts=LIMIT_MAX)
    yield from amounts.unlike_the_class(replace(asked, patience=patience))


def _drawn_signatures(asked: Asked) -> Iterator[Finding]:
    """D2: sheets on paper were not looked at."""
    yield from signatures.signatures_alike(asked)
    yield from signatures.signed_in_no_time(asked)
    yield from (each for each in lists.attempts_refused(asked) if each.rule == "D2")


def _rows_of(rule: str, asked: Asked) -> Iterator[Finding]:
    """A1, A2, C1: rows that were refused, and no payments."""
    yield from (each for each in lists.rows_refused(asked) if each.rule == rule)


def _unnamed_categories(asked: Asked) -> Iterator[Finding]:
    """F1: rows of categories that the policy does not name; of what money was not looked at."""
    yield from (each for each in _rows_of("F1", asked) if each.detail == "category.not_in_policy")


def _late_in_london(asked: Asked) -> Iterator[Finding]:
    """H4: days were London's; signatures from before the approval were told."""
    yield from money.recorded_late_in_london(asked)
    yield from (each for each in lists.attempts_refused(asked) if each.rule == "H4")


def _loosened_but_for_money(asked: Asked) -> Iterator[Finding]:
    """H6: of what money a category may be paid was not looked at."""
    silent = {kind.value for kind in MoneyFor}
    rereadings = tuple(
        replace(each, loosened=tuple(w for w in each.loosened if w.split(" ")[0] not in silent))
        for each in asked.rereadings
    )
    yield from adoptions.policies_loosened(replace(asked, rereadings=rereadings))
    yield from adoptions.policies_backwards(asked)


def _loosened_anew(asked: Asked) -> Iterator[Finding]:
    """H6: policies of lower unions were not held against those above."""
    yield from adoptions.policies_loosened(asked)
    yield from adoptions.policies_backwards(asked)


def _loosened_or_looser(asked: Asked) -> Iterator[Finding]:
    """H6: last year's policies of lower unions were held against this year's above."""
    yield from _loosened_anew(asked)
    yield from above.looser_than_above_though_over(asked)


def _own_lists(asked: Asked) -> Iterator[Finding]:
    """H1: who wanted to pass a list of their own; cases and notices were not looked at."""
    for each in lists.attempts_refused(asked):
        if each.rule == "H1" and each.detail == "duty.same_person":
            yield each


def _own_acts(asked: Asked) -> Iterator[Finding]:
    """H1: what was stopped; who certified sheets of their own lists was not looked at."""
    yield from (each for each in lists.attempts_refused(asked) if each.rule == "H1")


def _money_and_signatures(asked: Asked) -> Iterator[Finding]:
    """H4: when papers were recorded was not looked at."""
    yield from money.recorded_late(asked)
    yield from (each for each in lists.attempts_refused(asked) if each.rule == "H4")


def _money_signatures_and_papers(asked: Asked) -> Iterator[Finding]:
    """H4: notices were not looked at."""
    yield from _money_and_signatures(asked)
    yield from papers.recorded_late(asked)


def _never_shown(asked: Asked) -> Iterator[Finding]:
    """K1: for how long a notice hung was not looked at."""
    yield from (each for each in notices.not_shown_in_public(asked) if each.detail is None)


def _unsigned_and_sheets(asked: Asked) -> Iterator[Finding]:
    """D3: what was signed for late was not told any more."""
    yield from payments.unsigned_after_deadline(asked)
    yield from sheets.paper_against_ledger(asked)


def _unsigned_and_paper(asked: Asked) -> Iterator[Finding]:
    """D3: screens, what was undone and attempts made again since were not looked at."""
    yield from _unsigned_and_sheets(asked)
    yield from payments.signed_late(asked)


def _unsigned_and_withdrawn(asked: Asked) -> Iterator[Finding]:
    """D3: who signed on a screen for what an objection stopped was not looked at."""
    yield from payments.unsigned_after_deadline(asked)
    yield from sheets.withdrawn_against_ledger(asked)
    yield from payments.signed_late(asked)


def _all_in_a_year(asked: Asked, year: int) -> money.Targets:
    """G1: where no day was said by which all is to be used, it was the year's end."""
    targets = surplus_targets(asked.connection, year, asked.moment)
    return {
        owner: replace(each, all_within_years=each.all_within_years or 1)
        for owner, each in targets.items()
    }


def _behind_alone(asked: Asked) -> Iterator[Finding]:
    """G1: the pace and the last line of the year that is followed."""
    if asked.year is not None:
        yield from money.behind(asked, asked.year, _all_in_a_year(asked, asked.year))


def _opened_years(asked: Asked) -> Iterator[Finding]:
    """G1: years that were opened, by what was dated up to their lines."""
    yield from _behind_alone(asked)
    for year in years_opened(asked.connection, asked.day.year - 1):
        yield from money.missed(asked, year, _all_in_a_year(asked, year), money.recorded_at)


BY_FILE_OR_NAME = (
    "困难类别按方案是否要求建档、名称是否属于通行名称（困难、致困、低保、低收入、失业等）认定；"
    "此前只看名称中有无“困难”"
)
NEVER_CAME_BACK = "误认的退回更正以后不再算；此前更正以后仍算"
BY_EVERY_NAME = "低保、低收入、失业等通行名称也认作困难类别；此前只看名称中有无“困”字"

EARLIER: Mapping[str, tuple[Earlier, ...]] = {
    "A1": (
        Earlier(
            partial(_rows_of, "A1"),
            "已发放的也与档案核对，被拦下后才补录的档案作为提示；此前只看名册上被拦下的行",
        ),
    ),
    "A2": (
        Earlier(
            partial(_rows_of, "A2"),
            "发放后补记的退档、退档后的重新发放也算；此前只看名册上被拦下的行",
        ),
    ),
    "A3": (
        Earlier(
            outside.dead_when_instructed,
            "死后重新发放、死后有人签领的也算；此前只看首次签批日",
        ),
    ),
    "A4": (Earlier(outside.public_servants_as_named, BY_FILE_OR_NAME),),
    "A5": (Earlier(outside.property_owners_as_named, BY_FILE_OR_NAME),),
    "A6": (Earlier(listed.retired_as_named, BY_FILE_OR_NAME),),
    "B3": (
        Earlier(
            people.over_it_as_instructed,
            "退回后重新发放的计入重新发放的年度；此前计入首次签批的年度",
            by_item=True,
        ),
    ),
    "B4": (
        Earlier(_one_amount_each, "同一单位同一类别的异常金额很多时合为一项；此前每个金额各成一项"),
    ),
    "C1": (
        Earlier(
            partial(_rows_of, "C1"),
            "在档职工按其他困难类别领签字表的也作为疑点；此前只看名册上被拦下的行",
        ),
        Earlier(archive.paid_beside_file_as_named, BY_EVERY_NAME),
    ),
    "C2": (Earlier(payments.in_anothers_name_as_ever_recorded, NEVER_CAME_BACK),),
    "D2": (Earlier(_drawn_signatures, "纸质签字表扫描件上出现过的同一图像也算；此前只看电子签字"),),
    "D3": (
        Earlier(
            payments.unsigned_after_deadline,
            "扫描的签字表与账不一致也算；此前只看到期未签",
        ),
        Earlier(_unsigned_and_sheets, "迟签的也列出；此前补签以后就不再列出"),
        Earlier(
            _unsigned_and_paper,
            "付款撤销以后送到的屏幕签字、扫描件送到前已撤销重发的、签领更正后或签字作废后又撤销的也算；此前只看纸质签字表",
        ),
        Earlier(
            _unsigned_and_withdrawn,
            "异议成立、停止发放以后的屏幕签字也算；此前只看已撤销的付款",
        ),
    ),
    "D5": (
        Earlier(
            papers.owed_by_all,
            "只看到期日前参加活动的单位，签字表只看有签字批次的单位，迟报的也列出；"
            "此前所有单位都算，补报以后就不再列出",
        ),
    ),
    "F1": (
        Earlier(
            _unnamed_categories,
            "方案限定了资金来源或账户用途的，用其他资金发放的、被拦下的也算；此前只看类别不在方案内的行",
        ),
    ),
    "F4": (
        Earlier(
            banking.open_money_out,
            "一人标为不属本账、未经他人核销的，以及与很久以后的收入相抵的也算；"
            "此前标注或相抵以后就不再看",
            by_item=True,
        ),
        Earlier(
            banking.written_off_by_anybody,
            "审批人未经他人先标为不属本账就核销的也算；此前经审批人核销就不再看",
            by_item=True,
        ),
    ),
    "F6": (
        Earlier(
            banking.never_paid_by_the_last_day_covered,
            "从支付之日起对账单须接连不断；此前只看最后一份对账单的止日，中间缺的不看",
            by_item=True,
        ),
    ),
    "E2": (
        Earlier(
            people.paid_elsewhere_as_instructed,
            "退回后重新发放的，按最后一次发放的日期和资金判断；此前按首次签批",
            by_item=True,
        ),
        Earlier(
            people.paid_again_elsewhere,
            "同一单位用同一笔资金在两次活动中按同一类别发放的也算；此前只看不同单位或不同资金",
            by_item=True,
        ),
    ),
    "E3": (
        Earlier(
            outside.one_household_in_any_class,
            "只看按户慰问的类别；此前不分类别，一线职工也算",
        ),
        Earlier(outside.one_household_as_named, BY_EVERY_NAME),
    ),
    "E4": (
        Earlier(
            lists.listed_twice_from_one_file,
            "只算两次都发到的人；此前按整份名册的行数和金额",
        ),
    ),
    "G1": (
        Earlier(
            _behind_alone,
            "首年年底未达标、以前年度的结余到期未用完也算；此前只看最近结转年度的进度和最后期限",
            by_item=True,
        ),
        Earlier(
            _opened_years,
            "持有旧款而没有年度开账的也算，没有规定指标的只列出，误记的到账更正后不再算作已用；"
            "此前只看已开账的年度，没有指标的按当年全部用完，误记的也算到人",
            by_item=True,
        ),
    ),
    "G2": (Earlier(payments.not_paid_by_the_end, "迟到的也列出；此前发到以后就不再列出"),),
    "G3": (Earlier(money.every_rush, "跨年活动的发放不算；此前年末的发放都算", by_item=True),),
    "G4": (
        Earlier(
            money.idle_at_new_year,
            "有跨年活动的，看活动结束时还剩多少；此前只看年末结余",
            by_item=True,
        ),
    ),
    "G5": (
        Earlier(
            payments.returned_and_not_paid_again,
            "重发迟了的、重发以后又撤销的也列出；此前重发以后就不再列出",
            by_item=True,
        ),
        Earlier(payments.returned_as_ever_recorded, NEVER_CAME_BACK, by_item=True),
    ),
    "H1": (
        Earlier(_own_lists, "自办自销案件、自答自结公示也算；此前只看名册的审核审批"),
        Earlier(_own_acts, "编制人自己见证签领也算；此前只看被拦下的"),
    ),
    "H3": (
        Earlier(
            decisions.large_without_minutes,
            "同一单位同一活动累计计算，一份纪要只管其后的一次审批；此前逐批计算",
        ),
    ),
    "H4": (
        Earlier(
            money.recorded_late_in_london,
            "审批之前签字的也算；此前只看收款、拨付的登记",
            by_item=True,
        ),
        Earlier(_late_in_london, "登记日期按北京时间算；此前按世界时，晚八小时换日", by_item=True),
        Earlier(
            _money_and_signatures,
            "报送材料在所称日期之后很久才登记的也算；此前只看收款、拨付的登记和审批之前的签字",
            by_item=True,
        ),
        Earlier(_money_signatures_and_papers, "公示补登的也算；此前不看公示", by_item=True),
    ),
    "H6": (
        Earlier(
            _loosened_but_for_money,
            "方案放宽资金来源、账户用途限制的也算；此前不看资金用途",
        ),
        Earlier(_loosened_anew, "下级方案宽于上级方案的也算；此前只与本方案以前的采用相比"),
        Earlier(
            _loosened_or_looser,
            "下级方案的活动全部结束后，不再与此后的上级方案相比；此前下级出新方案以前仍比",
        ),
    ),
    "J3": (Earlier(payments.sent_back_as_ever_recorded, NEVER_CAME_BACK),),
    "K1": (
        Earlier(
            _never_shown, "公示天数少于方案要求的也算；此前只看有没有公示期满的公示", by_item=True
        ),
    ),
    "K3": (
        Earlier(
            notices.over_what_nobody_answered,
            "审批以后才答复的、撤回公示而异议未答复的也算；"
            "此前答复以后只要任何名单又办了一步，就不再列出",
        ),
    ),
    "L2": (
        Earlier(
            witnessing.witnesses_refused,
            "核验发现记录被截短也算；此前只看见证人的拒绝",
        ),
    ),
}
"""By code: the versions before the one that counts, the first one first."""


def as_version(asked: Asked, found: Found, rule: str, version: int) -> Found:
    """Return what all rules find, one of them as an earlier version of it had it.

    Raises:
        NoSuchRule, NoSuchVersion: As they say.
    """
    if rule not in RULES_KNOWN:
        raise NoSuchRule(rule)
    newest = RULES_KNOWN[rule].version
    if not 1 <= version <= newest:
        raise NoSuchVersion(rule, version, newest)
    if version == newest:
        return found
    others = Part(each for each in found.findings if each.rule != rule)
    earlier = EARLIER[rule][version - 1]
    if earlier.by_item:
        return Found([others, Part(earlier.find(asked))])
    return Found([others, Part(as_borne(earlier.find, LIMITS_OF.get(rule, ()), asked))])


class Compared(StrEnum):
    """Where a finding stands: in what was supposed, in what counts, in both or otherwise in both.

    `differs`: both tell it, and not as many of it, as much, or as grave.
    """

    SAME = "same"
    DIFFERS = "differs"
    ONLY_SUPPOSED = "only_supposed"
    ONLY_NOW = "only_now"


@dataclass(frozen=True, slots=True)
class Comparison:
    """What was supposed, finding by finding, each with where it stands; and what it leaves out."""

    supposed: list[tuple[Finding, Compared]]
    only_now: list[Finding]

    @property
    def counted(self) -> dict[Compared, int]:
        found = dict.fromkeys(Compared, 0)
        for _, compared in self.supposed:
            found[compared] += 1
        found[Compared.ONLY_NOW] = len(self.only_now)
        return found


_Known = tuple[object, ...]


def compared(supposed: Iterable[Finding], now: Iterable[Finding]) -> Comparison:
    """Hold what was supposed against what counts: what both tell of is known by its subject."""
    left: dict[int, Finding] = dict(enumerate(now))
    by_subject: dict[_Known, int] = {}
    for number, each in left.items():
        for subject in _subjects(each):
            by_subject.setdefault(subject, number)
    rows = []
    for each in supposed:
        numbers = (by_subject.get(subject) for subject in _subjects(each))
        match = next((one for one in numbers if one is not None and one in left), None)
        same = None if match is None else left.pop(match)
        rows.append((each, _standing(each, same)))
    return Comparison(rows, list(left.values()))


def _standing(supposed: Finding, now: Finding | None) -> Compared:
    if now is None:
        return Compared.ONLY_SUPPOSED
    return Compared.SAME if _told(supposed) == _told(now) else Compared.DIFFERS


def _told(finding: Finding) -> _Known:
    return finding.severity, finding.since, finding.count, finding.amount_fen


def _subjects(of: Finding) -> Iterator[_Known]:
    """Yield what a finding is known by, now and before: as a case of it would be."""
    place = (of.rule, of.organisation_id, of.campaign_id, of.batch_id, of.detail, of.year)
    positions: tuple[int | None, ...] = (of.position, *of.stood_at)
    for position in dict.fromkeys(positions):
        yield *place, position

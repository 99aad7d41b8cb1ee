"""The tables of cases: which findings were taken up, how far each is, and every step of it."""

from collections.abc import Iterator

from api.inspection.acts import OFFICER
from api.inspection.money import POSITION, UNION
from api.inspection.sources import Sources
from api.web.words import TERMS
from projections.cases import Asked, CaseView, case_list
from projections.exports.flat import Field, Flat
from projections.exports.table import Kind, Row
from projections.findings.catalogue import RULES_KNOWN

CASE = Field("case", "案件编号", width=36)
RULE = Field("rule", "规则", width=6)
OWNER = Field("owner", "交给谁", width=9, meaning="工号")
DUE = Field("due_on", "期限", Kind.DAY, 11)


def case_tables(of: Sources) -> list[Flat]:
    """Return what became of findings up to the closing day, as the page of cases has it."""
    return [_cases(of), _steps(of)]


def _cases(of: Sources) -> Flat:
    stages = TERMS["case_stage"]
    return Flat(
        "cases",
        "案件",
        "已立案的疑点和办理进展；与账本“案件”页同一查询",
        [
            CASE,
            RULE,
            Field("title", "疑点名称", width=20),
            UNION,
            Field("stage", "进展", width=12, meaning="、".join(stages.values())),
            OWNER,
            DUE,
            Field("late", "逾期天数", Kind.COUNT, 8),
            Field("demanded_fen", "应追回", Kind.MONEY, 12),
            Field("recovered_fen", "已追回", Kind.MONEY, 12),
            Field("written_off_fen", "免予追回", Kind.MONEY, 12),
            Field("open_fen", "待追回", Kind.MONEY, 12),
            Field("happened_on", "立案日期", Kind.DAY, 11),
            POSITION,
            Field("link", "账本页面", width=40, meaning="接在账本网址之后，可看到原始证据"),
        ],
        (
            (
                str(each.case_id),
                each.subject.rule,
                RULES_KNOWN[each.subject.rule].name,
                of.code(each.organisation_id),
                stages[each.stage],
                of.officer(each.owner_id),
                each.due_on,
                each.days_late(of.closing),
                each.demanded_fen,
                each.recovered_fen,
                each.written_off_fen,
                each.open_fen,
                each.happened_on,
                each.position,
                f"/cases/{each.case_id}",
            )
            for each in _every(of)
        ),
    )


def _steps(of: Sources) -> Flat:
    words = TERMS["case_step"]
    return Flat(
        "case_steps",
        "案件经过",
        "每个案件的每一步：由谁、在哪天、做了什么",
        [
            CASE,
            RULE,
            Field("step", "步骤", width=12, meaning="、".join(words.values())),
            Field("happened_on", "日期", Kind.DAY, 11),
            OFFICER,
            Field("text", "内容", width=40),
            OWNER,
            DUE,
            Field("amount_fen", "金额", Kind.MONEY, 12, "应追回的总额、已追回或免予追回的金额"),
            Field("documents", "附件哈希", width=64, meaning="SHA-256，空格分隔"),
            POSITION,
        ],
        _step_rows(of),
    )


def _step_rows(of: Sources) -> Iterator[Row]:
    words = TERMS["case_step"]
    for case in _every(of):
        for each in case.steps:
            yield (
                str(case.case_id),
                case.subject.rule,
                words[each.step],
                each.happened_on,
                of.officer(each.officer_id),
                each.text,
                of.officer(each.owner_id),
                each.due_on,
                each.amount_fen,
                " ".join(each.documents) or None,
                each.position,
            )


def _every(of: Sources) -> Iterator[CaseView]:
    """Return every case within the package's organisations, page by page."""
    after = -1
    while page := case_list(of.model, Asked(of.ids), of.moment, after=after):
        yield from page
        after = page[-1].position

"""The tables of what was done: payments, other movements, batches, bank returns, filings."""

from sqlalchemy import select

from api.inspection.money import DAY, EARMARK, LOT, POSITION, UNION, VINTAGE
from api.inspection.payees import FIELDS, Payees
from api.inspection.sources import Sources
from api.web.words import TERMS
from projections.batches import batches, rows_listed, statements
from projections.deadlines import filing_list
from projections.exports.flat import Field, Flat
from projections.exports.table import Kind
from projections.turnover import every_movement, every_payment

BATCH = Field("batch", "批次号", width=16, meaning="见“批次”表")
NUMBER = Field("number", "序号", Kind.COUNT, 6, "在名册中的序号")
AMOUNT = Field("amount_fen", "金额", Kind.MONEY, 12)
CAMPAIGN = Field("campaign", "活动编码", width=14)
OFFICER = Field("officer", "登记人", width=9, meaning="工号")
PAYMENT = Field("payment", "发放编号", width=36)
PERSON = {
    "name": ("收款人姓名", 12),
    "id_number": ("身份证号码", 20),
    "phone": ("联系电话", 13),
    "bank_name": ("开户行", 18),
    "card_number": ("银行卡号", 20),
}


def act_tables(of: Sources, payees: Payees) -> list[Flat]:
    return [
        _organisations(of),
        _payments(of, payees),
        _movements(of),
        _batches(of),
        _steps(of),
        _refused_rows(of),
        _statements(of),
        _filings(of),
    ]


def _organisations(of: Sources) -> Flat:
    return Flat(
        "organisations",
        "单位",
        "被查单位和它的全部下级，按截止日的隶属关系",
        [
            UNION,
            Field("name", "单位名称", width=24),
            Field("kind", "层级", width=8),
            Field("parent", "上级单位编码", width=12),
        ],
        [
            (each.code, each.name, each.kind, of.code(each.parent_id))
            for each in of.tree.among(of.ids)
        ],
    )


def _payments(of: Sources, payees: Payees) -> Flat:
    return Flat(
        "payments",
        "发放明细",
        "本年度下达的每一笔发放，以及它在截止日的状态；与账本“台账”页同一查询",
        [
            PAYMENT,
            BATCH,
            NUMBER,
            UNION,
            CAMPAIGN,
            Field("category", "类别", width=20),
            Field("channel", "方式", width=8),
            AMOUNT,
            Field("happened_on", "下达日期", Kind.DAY, 11),
            Field("status", "状态", width=8, meaning="在途、已到账、已签领、已退回、已撤销付款"),
            Field("status_since", "状态日期", Kind.DAY, 11),
            Field("reason", "退回原因", width=14),
            *_person(payees),
            Field("data", "个人信息", width=10, meaning="正常保存、已限制使用、已销毁"),
            POSITION,
        ],
        (
            (
                str(payment.disbursement_id),
                payment.batch_code,
                payment.number,
                of.code(payment.organisation_id),
                of.campaigns.get(payment.campaign_id),
                payment.category,
                payment.channel,
                payment.amount_fen,
                payment.happened_on,
                words("payment", payment.status),
                payment.status_since,
                words("reason", payment.reason),
                *payee.cells(),
                words("data", payee.state),
                payment.position,
            )
            for payment, payee in payees.of(every_payment(of.model, of.asked, of.moment))
        ),
    )


def _person(payees: Payees) -> list[Field]:
    shown = "明文，交接已登记在账本" if payees.opened else "已遮盖"
    return [
        Field(name, title, width=width, meaning=shown)
        for name in FIELDS
        for title, width in [PERSON[name]]
    ]


def _movements(of: Sources) -> Flat:
    return Flat(
        "movements",
        "其他资金流水",
        "本年度的收款、拨付、退款、补发和更正；与账本“台账”页同一查询",
        [
            Field("kind", "种类", width=8),
            DAY,
            Field("recorded_at", "登记时间", width=24, meaning="世界时"),
            OFFICER,
            UNION,
            Field("other", "对方单位编码", width=12, meaning="拨付给谁；其他种类为空"),
            AMOUNT,
            Field("source", "资金来源", width=14),
            Field("document", "文号", width=20),
            VINTAGE,
            LOT,
            PAYMENT,
            BATCH,
            NUMBER,
            Field("reason", "退回原因", width=14),
            POSITION,
        ],
        (
            (
                words("movement", each.kind),
                each.happened_on,
                each.recorded_at,
                of.officer(each.officer_id),
                of.code(each.organisation_id),
                of.code(each.other_id),
                each.amount_fen,
                each.source,
                each.document,
                each.vintage,
                None if each.lot_id is None else str(each.lot_id),
                None if each.disbursement_id is None else str(each.disbursement_id),
                each.batch_code,
                each.number,
                words("reason", each.reason),
                each.position,
            )
            for each in every_movement(of.model, of.others, of.moment)
        ),
    )


def _batches(of: Sources) -> Flat:
    return Flat(
        "batches",
        "批次",
        "截止日以前编制的全部批次；状态、行数和金额为截止日的",
        [
            BATCH,
            UNION,
            CAMPAIGN,
            EARMARK,
            Field("channel", "方式", width=8),
            Field("drafted_on", "编制日期", Kind.DAY, 11),
            Field("officer", "编制人", width=9, meaning="工号"),
            Field("state", "状态", width=9),
            Field("listed", "名册行数", Kind.COUNT, 9),
            Field("listed_fen", "名册金额", Kind.MONEY, 14),
            Field("accepted", "通过行数", Kind.COUNT, 9),
            Field("accepted_fen", "通过金额", Kind.MONEY, 14),
            Field("refused", "拒绝行数", Kind.COUNT, 9),
            Field("roster_sha256", "名册文件 SHA-256", width=64),
            POSITION,
        ],
        (
            (
                each.code,
                of.code(each.organisation_id),
                of.campaigns.get(each.campaign_id),
                each.earmark,
                each.channel,
                each.happened_on,
                of.officer(each.drafted_by),
                words("batch", each.state),
                each.listed_count,
                each.listed_total_fen,
                each.accepted_count,
                each.accepted_total_fen,
                each.refused_count,
                each.roster_sha256,
                each.position,
            )
            for each in of.batches()
        ),
    )


def _steps(of: Sources) -> Flat:
    return Flat(
        "batch_steps",
        "批次经手",
        "复核、审批、被拒绝的尝试、导出、作废、签认、办结，各由谁在何日",
        [
            BATCH,
            Field("step", "环节", width=10),
            DAY,
            Field("officer", "经手人", width=9, meaning="工号"),
            Field("code", "拒绝原因代码", width=22),
            Field("count", "行数", Kind.COUNT, 8),
            AMOUNT,
            Field("file_sha256", "文件 SHA-256", width=64),
            Field("reason", "作废依据", width=30),
            POSITION,
        ],
        (
            (
                batch.code,
                STEPS.get(step.step, step.step),
                step.happened_on,
                of.officer(step.officer_id),
                step.code,
                step.count,
                step.total_fen,
                step.file_sha256,
                step.reason,
                step.position,
            )
            for batch in of.batches()
            for step in batch.steps
        ),
    )


STEPS = {
    "reviewed": "复核",
    "approved": "审批",
    "refused": "被拒绝",
    "exported": "导出银行文件",
    "file_cancelled": "作废银行文件",
    "certified": "签字表签认",
    "closed": "办结",
}


def _refused_rows(of: Sources) -> Flat:
    statement = (
        select(rows_listed, batches.c.code.label("batch"), batches.c.organisation_id)
        .join(batches, batches.c.batch_id == rows_listed.c.batch_id)
        .where(rows_listed.c.code.is_not(None), of.moment.covers(rows_listed))
        .where(batches.c.organisation_id.in_([each.bytes for each in of.ids]))
        .order_by(rows_listed.c.position)
    )
    return Flat(
        "refused_rows",
        "拒绝的名册行",
        "没有通过规则的名册行，没有付款",
        [
            BATCH,
            NUMBER,
            Field("line", "文件中的行", Kind.COUNT, 10),
            Field("code", "拒绝原因代码", width=26),
            Field("category", "类别", width=20),
            AMOUNT,
            DAY,
            POSITION,
        ],
        (
            (
                row.batch,
                row.number,
                row.line,
                row.code,
                row.category,
                row.amount_fen,
                row.happened_on,
                row.position,
            )
            for row in of.model.execute(statement)
        ),
    )


def _statements(of: Sources) -> Flat:
    statement = (
        select(statements, batches.c.code.label("batch"))
        .join(batches, batches.c.batch_id == statements.c.batch_id)
        .where(batches.c.organisation_id.in_([each.bytes for each in of.ids]))
        .where(of.moment.covers(statements))
        .order_by(statements.c.position)
    )
    return Flat(
        "bank_returns",
        "银行回盘",
        "收到的每份银行回盘文件和它的结论",
        [
            BATCH,
            Field("bank_format", "文件格式", width=14),
            DAY,
            Field("lines", "文件行数", Kind.COUNT, 9),
            Field("settled", "成功笔数", Kind.COUNT, 9),
            Field("settled_fen", "成功金额", Kind.MONEY, 14),
            Field("returned", "退回笔数", Kind.COUNT, 9),
            Field("returned_fen", "退回金额", Kind.MONEY, 14),
            Field("unresolved", "未定笔数", Kind.COUNT, 9),
            Field("file_sha256", "文件 SHA-256", width=64),
            POSITION,
        ],
        (
            (
                row.batch,
                row.bank_format,
                row.happened_on,
                row.line_count,
                row.settled_count,
                row.settled_total_fen,
                row.returned_count,
                row.returned_total_fen,
                row.unresolved_count,
                row.file_sha256,
                row.position,
            )
            for row in of.model.execute(statement)
        ),
    )


def _filings(of: Sources) -> Flat:
    return Flat(
        "filings",
        "报送",
        "已报送的材料；迟报天数按期限计",
        [
            UNION,
            CAMPAIGN,
            Field("name", "材料", width=14),
            Field("due_on", "期限", Kind.DAY, 11),
            Field("handed_in_on", "报送日期", Kind.DAY, 11),
            Field("days_late", "迟报天数", Kind.COUNT, 9),
            Field("sent_back", "退回理由", width=20),
            Field("officer", "报送人", width=9, meaning="工号"),
            Field("document_sha256", "文件 SHA-256", width=64),
            POSITION,
        ],
        (
            (
                of.code(each.organisation_id),
                None if each.campaign_id is None else of.campaigns.get(each.campaign_id),
                words("filing", each.name),
                each.due_on,
                each.handed_in_on,
                each.days_late,
                each.sent_back,
                of.officer(each.officer_id),
                each.document_sha256,
                each.position,
            )
            for each in filing_list(of.model, of.moment, organisation_ids=of.ids)
        ),
    )


def words(kind: str, code: str | None) -> str | None:
    """Return the Chinese word for a stored code."""
    return None if code is None else TERMS.get(kind, {}).get(code, code)

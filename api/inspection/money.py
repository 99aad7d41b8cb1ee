"""The tables of money: accounts, balances by month, vouchers, lots, old money."""

from calendar import monthrange
from collections import defaultdict
from collections.abc import Iterator
from uuid import UUID

from sqlalchemy import select

from api.inspection.sources import Sources
from projections.account_book import WORDS
from projections.asked import uuid_of
from projections.balances import balances
from projections.exports.flat import Field, Flat
from projections.exports.table import Kind, Row
from projections.followed_lots import FollowedLot, consumption, owned_once
from projections.journal import Account, lots
from projections.journal_sums import of_organisations, routes
from projections.vouchers import MONTHS, month_balances, voucher_lines

POSITION = Field("position", "日志位置", Kind.COUNT, 9, "事件在账本中的位置，从 0 起，不断号")
UNION = Field("organisation", "单位编码", width=10, meaning="见“单位”表")
EARMARK = Field("earmark", "用途", meaning="专款用途")
VINTAGE = Field("vintage", "资金年度", Kind.COUNT, 8, "资金最初到账的会计年度")
LOT = Field("lot", "资金批次", width=36, meaning="见“资金批次”表")
ONCE = "本表内上级已列的不再计，可以加总"
DAY = Field("happened_on", "发生日期", Kind.DAY, 11, "业务发生的日期")


def money_tables(of: Sources) -> list[Flat]:
    return [
        _periods(of),
        _accounts(of),
        _month_balances(of),
        _vouchers(of),
        _balances(of),
        _lots(of),
        _surplus(of),
    ]


def _periods(of: Sources) -> Flat:
    last = of.closing.month
    rows = [
        (str(of.year), month, f"{of.year:04d}-{month:02d}-01", _month_end(of.year, month))
        for month in range(1, min(last, MONTHS) + 1)
    ]
    return Flat(
        "periods",
        "会计期间",
        "自然月；未到的月份不列",
        [
            Field("year", "会计年度", width=8),
            Field("period", "会计期间号", Kind.COUNT, 10),
            Field("begins_on", "期间起始日期", Kind.DAY, 12),
            Field("ends_on", "期间结束日期", Kind.DAY, 12),
        ],
        rows,
    )


def _accounts(of: Sources) -> Flat:
    return Flat(
        "accounts",
        "会计科目",
        "本账本自设的科目，按资金所在的地方分；收入按来源设二级科目；不作年终结转，收入和支出逐年累计",
        [
            Field("account", "科目编号", width=9),
            Field("name", "科目名称", width=18),
            Field("level", "科目级次", Kind.COUNT, 8),
            Field("parent", "上级科目编号", width=12),
            Field("kind", "科目类型", width=9, meaning="资产、净资产、收入、支出"),
            Field("direction", "余额方向", width=8, meaning="借或贷"),
        ],
        [
            (each.code, each.name, each.level, each.parent, each.kind, _side(debit=each.debit))
            for each in of.chart.accounts
        ],
    )


def _month_balances(of: Sources) -> Flat:
    return Flat(
        "month_balances",
        "科目余额及发生额",
        "每月每科目每单位每用途每资金年度一行；余额按科目的余额方向，与之相反的为负数；"
        "没有余额也没有发生额的不列",
        [
            Field("year", "会计年度", width=8),
            Field("period", "会计期间号", Kind.COUNT, 10),
            Field("account", "科目编号", width=9, meaning="见“会计科目”表"),
            UNION,
            EARMARK,
            VINTAGE,
            Field("direction", "余额方向", width=8, meaning="借或贷"),
            Field("opening_fen", "期初余额", Kind.MONEY, 14),
            Field("debit_fen", "借方发生额", Kind.MONEY, 14),
            Field("credit_fen", "贷方发生额", Kind.MONEY, 14),
            Field("closing_fen", "期末余额", Kind.MONEY, 14, "期初加减发生额"),
        ],
        _month_rows(of),
    )


def _month_rows(of: Sources) -> Iterator[Row]:
    for each in month_balances(of.model, of.chart, of.ids, of.year, of.moment):
        account, union, earmark, vintage = each.of
        sign = 1 if account.debit else -1
        yield (
            str(of.year),
            each.month,
            account.code,
            of.code(union),
            earmark,
            vintage,
            _side(debit=account.debit),
            sign * each.opening_fen,
            each.debit_fen,
            each.credit_fen,
            sign * each.closing_fen,
        )


def _vouchers(of: Sources) -> Flat:
    return Flat(
        "vouchers",
        "记账凭证",
        "每个动用资金的事件一张凭证，借贷相等；凭证编号就是事件在账本中的位置，不能插入，不能抽走",
        [
            Field("voucher", "凭证编号", Kind.COUNT, 9, "即日志位置"),
            Field("line", "凭证行号", Kind.COUNT, 8),
            Field("happened_on", "凭证日期", Kind.DAY, 11),
            Field("period", "会计期间号", Kind.COUNT, 10),
            Field("summary", "摘要", width=14),
            Field("account", "科目编号", width=9, meaning="见“会计科目”表"),
            UNION,
            EARMARK,
            VINTAGE,
            Field("debit_fen", "借方金额", Kind.MONEY, 14, "更正减少的为负数（红字）"),
            Field("credit_fen", "贷方金额", Kind.MONEY, 14, "更正减少的为负数（红字）"),
            LOT,
            Field("payment", "发放编号", width=36, meaning="见“发放明细”表；与发放无关的为空"),
            Field("event", "事件种类", width=22, meaning="账本中事件的名称"),
            Field("stream", "事件流", width=36, meaning="事件所属对象的编号"),
            Field("officer", "制单人", width=9, meaning="登记人的工号；operator 为系统管理员代录"),
        ],
        _voucher_rows(of),
    )


def _voucher_rows(of: Sources) -> Iterator[Row]:
    found = voucher_lines(of.model, of.chart, of.ids, of.opening, of.moment, of.telling)
    for each in found:
        account, union, earmark, vintage = each.of
        yield (
            each.told.position,
            each.number,
            each.day,
            int(each.day[5:7]),
            WORDS[each.told.topic],
            account.code,
            of.code(union),
            earmark,
            vintage,
            each.debit_fen,
            each.credit_fen,
            str(each.lot_id),
            None if each.payment_id is None else str(each.payment_id),
            each.told.topic,
            str(each.told.stream),
            of.actor(each.told.actor),
        )


def _balances(of: Sources) -> Flat:
    return Flat(
        "balances",
        "资金余额",
        "截止日各单位各用途各资金年度的余额，与账本“资金余额”页同一查询",
        [
            UNION,
            EARMARK,
            VINTAGE,
            Field("in_hand_fen", "在手", Kind.MONEY, 14),
            Field("in_transit_fen", "在途", Kind.MONEY, 14, "含银行退回、尚未回到原批次的"),
            Field("paid_fen", "已发放", Kind.MONEY, 14, "银行确认到账或本人签收"),
        ],
        (
            (
                of.code(each.organisation_id),
                each.earmark,
                each.vintage,
                each.in_hand_fen,
                each.in_transit_fen,
                each.paid_fen,
            )
            for each in balances(of.model, of.moment, organisation_ids=of.ids)
        ),
    )


def _lots(of: Sources) -> Flat:
    return Flat(
        "lots",
        "资金批次",
        "每笔到账资金或上级拨来的一份，从哪一批拨来，还剩多少在手",
        [
            LOT,
            UNION,
            VINTAGE,
            Field("source", "资金来源", width=14),
            Field("document", "文号", width=20, meaning="最初到账所依据的文件"),
            Field("received_on", "到账日期", Kind.DAY, 11),
            Field("parent", "拨出的批次", width=36, meaning="从外部直接收到的为空"),
            Field("origin", "最初的批次", width=36),
            Field("received_fen", "收到", Kind.MONEY, 14, "以后更正的差额不在内"),
            Field("in_hand_fen", "在手", Kind.MONEY, 14),
            POSITION,
        ],
        _lot_rows(of),
    )


def _lot_rows(of: Sources) -> Iterator[Row]:
    left = routes(of.model, of.moment, by=("lot_id",), among=of_organisations(of.ids))
    statement = (
        select(lots)
        .where(lots.c.organisation_id.in_([each.bytes for each in of.ids]))
        .where(of.moment.covers(lots))
        .order_by(lots.c.position, lots.c.lot_id)
    )
    for row in of.model.execute(statement):
        yield (
            str(uuid_of(row.lot_id)),
            of.code(uuid_of(row.organisation_id)),
            row.vintage,
            row.source,
            row.document,
            row.happened_on,
            None if row.parent_id is None else str(uuid_of(row.parent_id)),
            str(uuid_of(row.origin_id)),
            row.amount_fen,
            left[row.lot_id,].net(Account.FUND) if (row.lot_id,) in left else 0,
            row.position,
        )


def _surplus(of: Sources) -> Flat:
    rows = []
    by_owner = of.known.by_owner
    theirs = (each for id_ in of.ids for each in by_owner.get(id_, ()))
    once: dict[UUID, list[FollowedLot]] = defaultdict(list)
    for each in owned_once(theirs):
        once[each.owner_id].append(each)
    for union in of.tree.among(of.ids):
        found = consumption(by_owner.get(union.organisation_id, []))
        counted = consumption(once[union.organisation_id])
        target = of.known.targets.get(union.organisation_id)
        if found.opening_fen or target is not None:
            ratio = found.ratio_basis_points
            rows.append(
                (
                    union.code,
                    found.opening_fen,
                    found.consumed_fen,
                    found.remaining_fen,
                    None if ratio is None else f"{ratio // 100}.{ratio % 100:02d}",
                    None if target is None else _percent(target.first_year_minimum_bp),
                    None if target is None else target.all_within_years,
                    counted.opening_fen,
                    counted.consumed_fen,
                )
            )
    return Flat(
        "surplus",
        "结余消化",
        "年初结余（开年时在账的和在途的）中已经到达职工手中的部分，拨到下级的继续跟踪；"
        "上级年初已有、拨给下级、下级年初又列的，两级各列一次，合计用最后两列；与账本“总览”“组织”页同一查询",
        [
            UNION,
            Field("opening_fen", "年初结余", Kind.MONEY, 14),
            Field("consumed_fen", "已消化", Kind.MONEY, 14),
            Field("remaining_fen", "未消化", Kind.MONEY, 14),
            Field("ratio", "消化率(%)", width=10, meaning="向下取整到万分之一；没有年初结余的为空"),
            Field("minimum", "首年至少(%)", width=10, meaning="按政策"),
            Field("within", "全部用完年限", Kind.COUNT, 11, "按政策"),
            Field("opening_once_fen", "年初结余(不重复)", Kind.MONEY, 16, ONCE),
            Field("consumed_once_fen", "已消化(不重复)", Kind.MONEY, 16, ONCE),
        ],
        rows,
    )


def _percent(basis_points: int | None) -> str | None:
    return None if basis_points is None else f"{basis_points // 100}.{basis_points % 100:02d}"


def _side(*, debit: bool) -> str:
    return "借" if debit else "贷"


def _month_end(year: int, month: int) -> str:
    return f"{year:04d}-{month:02d}-{monthrange(year, month)[1]:02d}"

"""A package's accounts as XML in the manner of GB/T 24589: shared data, and the general ledger.

Written from the package's own tables, so that both say the same. What this ledger does not keep
(currencies, settlement, attached sheets) is given as the standard asks of those that have none.
"""

from collections.abc import Iterator

from api.inspection.sources import Sources
from projections.exports import interchange
from projections.exports.database import Database
from projections.exports.delimited import Encoding
from projections.exports.flat import Flat
from projections.exports.interchange import Element, Group
from projections.exports.table import Kind, Row

CURRENCY, VOUCHER = "CNY", "记"
VERSION = "GB/T 24589.2-2010（节选）"
DIMENSIONS = (("01", "单位"), ("02", "用途"), ("03", "资金年度"))
MADE_BY = "暖账 Nuanzhang"


def shared_lines(
    of: Sources, encoding: Encoding, tables: dict[str, Flat], data: Database
) -> Iterator[bytes]:
    """Write 公共档案: the book, its periods, kinds of voucher, currency, unions, officers."""
    book = (
        of.ledger.origin,
        f"{of.organisation.name}送温暖帮扶资金账",
        of.organisation.name,
        of.organisation.code,
        "人民团体",
        "工会",
        MADE_BY,
        "1",
        CURRENCY,
        str(of.year),
        VERSION,
    )
    groups = [
        Group(
            "电子账簿",
            _elements(
                "电子账簿编号", "电子账簿名称", "会计核算单位", "组织机构代码", "单位性质", "行业",
                "开发单位", "版本号", "本位币", "会计年度", "标准版本号",
            ),
            [book],
        ),
        Group(
            "会计期间",
            _elements("会计年度", "会计期间号", "会计期间起始日期", "会计期间结束日期"),
            data.rows(tables["periods"]),
        ),
        Group(
            "记账凭证类型",
            _elements("记账凭证类型编号", "记账凭证类型名称", "记账凭证类型简称"),
            [("1", "记账凭证", VOUCHER)],
        ),
        Group("币种", _elements("币种编码", "币种名称"), [(CURRENCY, "人民币元")]),
        Group(
            "部门档案",
            _elements("部门编码", "部门名称", "上级部门编码"),
            ((row[0], row[1], row[3]) for row in data.rows(tables["organisations"])),
        ),
        Group(
            "自定义档案项",
            _elements("档案编码", "档案名称", "档案描述", "是否有层级特征", "档案编码规则"),
            ((code, name, name, "0", "") for code, name in DIMENSIONS),
        ),
    ]  # fmt: skip
    return interchange.lines("公共档案", groups, encoding)


def ledger_lines(
    of: Sources, encoding: Encoding, tables: dict[str, Flat], data: Database
) -> Iterator[bytes]:
    """Write 总账: the chart of accounts, what it is told apart by, balances, vouchers."""
    groups = [
        Group(
            "总账基础信息",
            _elements(
                "结构分隔符", "会计科目编号规则", "凭证头可扩展字段结构", "凭证行可扩展字段结构"
            ),
            [("-", "3-2", "日志位置", "资金批次,发放编号,事件种类,事件流")],
        ),
        Group(
            "会计科目",
            _elements("科目编号", "科目名称", "科目级次", "科目类型", "余额方向"),
            (
                (code, name, level, kind, direction)
                for code, name, level, _, kind, direction in data.rows(tables["accounts"])
            ),
        ),
        Group(
            "科目辅助核算",
            _elements("科目编号", "辅助项编号", "辅助项名称", "对应档案", "辅助项描述"),
            (
                (row[0], code, name, code, name)
                for row in data.rows(tables["accounts"])
                for code, name in DIMENSIONS
            ),
        ),
        Group(
            "科目余额及发生额",
            (
                *_elements("会计年度", "会计期间号", "科目编号", *_dimensions(), "期初余额方向"),
                *_elements("币种编码"),
                Element("期初本币余额", Kind.MONEY),
                Element("借方本币发生额", Kind.MONEY),
                Element("贷方本币发生额", Kind.MONEY),
                Element("期末余额方向"),
                Element("期末本币余额", Kind.MONEY),
            ),
            (_balance(row) for row in data.rows(tables["month_balances"])),
        ),
        Group(
            "记账凭证",
            (
                *_elements(
                    "记账凭证日期", "会计年度", "会计期间号", "记账凭证类型编号", "记账凭证编号",
                    "记账凭证行号", "记账凭证摘要", "科目编号", *_dimensions(), "币种编码",
                ),
                Element("借方本币金额", Kind.MONEY),
                Element("贷方本币金额", Kind.MONEY),
                *_elements("附件数", "制单人", "记账标志", "作废标志"),
                *_elements("日志位置", "资金批次", "发放编号", "事件种类", "事件流"),
            ),
            (_voucher(of.year, row) for row in data.rows(tables["vouchers"])),
        ),
    ]  # fmt: skip
    return interchange.lines("总账", groups, encoding)


def _balance(row: Row) -> Row:
    year, month, account, union, earmark, vintage, side, opening, debit, credit, closing = row
    place = (year, month, account, union, earmark, vintage)
    return (*place, side, CURRENCY, opening, debit, credit, side, closing)


def _voucher(year: int, row: Row) -> Row:
    number, line, day, month, summary, account, union, earmark, vintage, debit, credit, *rest = row
    lot, payment, event, stream, officer = rest
    head = (day, str(year), month, "1", number, line, summary, account, union, earmark, vintage)
    # Posted, and never void: what is put right is put right by a further voucher.
    return (
        *head,
        CURRENCY,
        debit,
        credit,
        0,
        officer,
        "1",
        "0",
        number,
        lot,
        payment,
        event,
        stream,
    )


def _dimensions() -> tuple[str, ...]:
    return tuple(f"辅助项{int(code)}编号" for code, _ in DIMENSIONS)


def _elements(*names: str) -> tuple[Element, ...]:
    return tuple(map(Element, names))

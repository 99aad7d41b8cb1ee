"""Rules of the table that are not evaluated: which check keeps them from being broken, or why not.

An auditor reads here what the absence of a finding means. A rule leaves this list when it is
evaluated.
"""

from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import NamedTuple

from ledger.domain.outside_list import ListKind
from projections.findings.catalogue import RULES_KNOWN


class Standing(StrEnum):
    """Whether a rule is evaluated, cannot be broken in this ledger, or lacks the data."""

    EVALUATED = "evaluated"
    EXCLUDED = "excluded"
    NO_DATA = "no_data"


class Aside(NamedTuple):
    """`checks` are codes of the refusals that exclude what the rule would find."""

    name: str
    standing: Standing
    reason: str
    checks: tuple[str, ...] = ()


_EVERY: Mapping[str, Aside] = {
    "A10": Aside(
        "困难原因缺失",
        Standing.EXCLUDED,
        "方案列为必填的栏目缺失时，该行不予录入，记为 D4",
        ("field.missing",),
    ),
    "B6": Aside("实物未折价", Standing.NO_DATA, "账本只记资金，不记慰问品"),
    "F8": Aside(
        "捐赠指定用途",
        Standing.EXCLUDED,
        "资金按用途分户，下拨和发放只能在同一用途内支取，来源随款而行；指定用途的捐赠单设账户，"
        "由方案限定它能发放哪些类别，越出的见 F1",
        ("fund.insufficient", "earmark.not_for_category", "fund.sources_insufficient"),
    ),
    "H5": Aside(
        "名单批后变更",
        Standing.EXCLUDED,
        "审批人签署名单哈希，发放指令与审批同一事务写入，批后不能再改；银行文件只写批准的行",
        ("batch.wrong_stage",),
    ),
    "I1": Aside(
        "附件不全",
        Standing.EXCLUDED,
        "名册、银行回盘、签字表没有文件哈希就不能记账；方案另外要求报送的材料见 D5",
        ("signature.not_captured",),
    ),
    "I2": Aside("附件失配", Standing.NO_DATA, "账本只存文件的哈希，不存原件；原件哈希不符即可查出"),
    "J2": Aside(
        "回盘不闭合",
        Standing.EXCLUDED,
        "回盘文件缺行、多行或合计不符时整份拒收，什么也不写入",
        ("bank_file.incomplete", "bank_file.control_total", "bank_file.unknown_line"),
    ),
    "K2": Aside(
        "公示泄密",
        Standing.EXCLUDED,
        "公示只生成掩码后的姓名和证件号，从不含卡号、电话和困难原因",
    ),
}

ASIDE: Mapping[str, Aside] = {
    code: aside for code, aside in _EVERY.items() if code not in RULES_KNOWN
}
"""By code; what came to be evaluated is not told."""


PROPERTY = (ListKind.REAL_ESTATE, ListKind.VEHICLES, ListKind.BUSINESSES)

LISTS_OF: Mapping[str, tuple[ListKind, ...]] = {
    "A3": (ListKind.DECEASED,),
    "A4": (ListKind.PUBLIC_SERVANTS,),
    "A5": PROPERTY,
    "A8": (ListKind.RELATIVES,),
    "C4": (ListKind.STAFF_ACCOUNTS,),
    "E3": (ListKind.HOUSEHOLDS,),
}
"""Which lists of others a rule looks at: while none of them is held, it can say nothing."""

LISTS_BESIDE: Mapping[str, tuple[ListKind, ...]] = {"D6": (ListKind.STAFF_PHONES,)}
"""Which lists a rule looks at, too: without them it says less."""

LISTS_WANTED: Mapping[str, str] = {
    "A3": "需要死亡人员名单",
    "A4": "需要财政供养人员名单",
    "A5": "需要房产、车辆、工商登记名单",
    "A8": "需要经办、审批人员申报的亲属名单",
    "C4": "需要工作人员账户名单",
    "E3": "需要户籍名单",
}
"""By code: what is said of a rule until such a list is held."""


def standing_of(code: str, held: Collection[ListKind]) -> Standing:
    """Say whether a rule is evaluated, or looks at lists of others of which none is held."""
    lacks = code in LISTS_OF and not set(held).intersection(LISTS_OF[code])
    return Standing.NO_DATA if lacks else Standing.EVALUATED


def in_order(code: str) -> tuple[str, int]:
    """Order codes as the table does: A9 before A10."""
    return code[0], int(code[1:])

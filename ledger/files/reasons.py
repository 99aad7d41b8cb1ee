"""Why a bank sent money back: one canonical reason for each bank's codes and words."""

import re
from typing import NamedTuple


class Reason(NamedTuple):
    """`pending` means the bank does not know yet: ask again, never send again."""

    code: str
    pending: bool = False


DUPLICATE = Reason("DUPLICATE", pending=True)
"""The bank has seen this payment before, and so may have paid it."""

UNKNOWN = Reason("UNKNOWN", pending=True)
OTHER = Reason("OTHER")
RETURNED = Reason("RETURNED")

_PENDING = frozenset({DUPLICATE.code, UNKNOWN.code})


def reason_of(code: str) -> Reason:
    """Return a canonical reason by its code."""
    return Reason(code, pending=code in _PENDING)


_CODES = {
    code: reason_of(reason)
    for reason, codes in {
        "NAME_MISMATCH": "3031 3065",
        "ACCT_INVALID": "3004 3009 3030",
        "ACCT_CLOSED": "3018 3039",
        "ACCT_FROZEN": "3017 3020",
        "CARD_LOST": "3006 3007 3010 3016 3037",
        "DORMANT": "3069",
        "NOT_SETTLEMENT_ACCT": "3034 3041 3068",
        "LIMIT": "3013 3055 3040",
        "PAYER_FUNDS": "3008",
        "DUPLICATE": "3051",
        "RETURNED": "3056",
        # 4000 is "sent to the other bank": sent is not arrived.
        "UNKNOWN": "0397 3044 3059 3999 4000",
    }.items()
    for code in codes.split()
}

# In this order: a message may hold the words of several reasons, and the first is the sharper one.
_WORDS = tuple(
    (re.compile(words), reason_of(reason))
    for reason, words in (
        ("NAME_MISMATCH", "(户名|姓名).{0,4}(不符|不一致|错|有误)"),
        ("DUPLICATE", "重复|代理次数错误"),
        ("PAYER_FUNDS", "余额不足"),
        ("DORMANT", "长期不动户|睡眠户|久悬|不动户"),
        ("ACCT_CLOSED", "销户|清户|关户|已注销"),
        ("NOT_SETTLEMENT_ACCT", "非结算户|非活期|非存折户|非个人结算"),
        ("CARD_LOST", "挂失|被窃|过期|过有效期|未生效|介质状态异常|作废|吞没"),
        ("ACCT_FROZEN", "冻结|锁定|只进不出|止付|只收不付"),
        ("LIMIT", "超限|限额|金额错误|超过.{0,6}额"),
        (
            "ACCT_INVALID",
            "无效卡号|卡号(错误|不存在)|无此[账帐]户|无效[账帐][号户]|[账帐]号(错误|不存在)"  # noqa: ISC004
            "|[账帐]户不存在|查找[账帐]号信息错",
        ),
        ("RETURNED", "退票|退汇"),
        # A word of success beside a code of failure is no failure either: someone must ask.
        (
            "UNKNOWN",
            "处理中|正在处理|排队|超时|(通讯|通信|网络|查询)失败|待(处理|授权|核)|等待|未处理|未知|未明|状态可疑"  # noqa: ISC004
            "|通讯可疑|已发送|已提交|已受理|稍后|已[入到][账帐]|(代发|交易|处理)完成|(?<![不未])成功",
        ),
    )
)

_FAILED = re.compile("失败|拒绝|[不未]成功|未通过")


def says_failed(message: str) -> bool:
    """Say whether a message that tells no known reason tells at least that it failed."""
    return _FAILED.search(message) is not None


def canonical_reason(raw_code: str | None, message: str) -> Reason:
    """Return the reason for a line that is no success; the code speaks before the words.

    An empty message without a known code tells nothing, so the payment stays pending.

    Source: domain facts on return codes; ISO 20022 external status reason codes for the names.
    """
    if raw_code in _CODES:
        return _CODES[raw_code]
    for words, reason in _WORDS:
        if words.search(message):
            return reason
    return OTHER if message.strip() or raw_code else UNKNOWN

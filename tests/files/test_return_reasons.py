"""Each bank's codes and words lead to one canonical reason; what is not known stays open."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.files.reasons import canonical_reason

OPEN = {"UNKNOWN", "DUPLICATE"}


@pytest.mark.parametrize(
    ("codes", "messages", "reason"),
    [
        (
            "3031 3065",
            "账号户名不符|户名错|户名不符,原户名为[某某]|户名与账号不一致|姓名有误",
            "NAME_MISMATCH",
        ),
        (
            "3004 3009 3030",
            "无效卡号|无此账户|账号错误|卡号不存在|查找账号信息错|无效帐号",
            "ACCT_INVALID",
        ),
        ("3018 3039", "已清户|已关户|账户已销户", "ACCT_CLOSED"),
        ("3017 3020", "冻结|完全冻结|临时锁定|只进不出", "ACCT_FROZEN"),
        (
            "3006 3007 3010 3016 3037",
            "挂失|被窃卡|卡已过期|卡未生效|介质状态异常",
            "CARD_LOST",
        ),
        ("3069", "长期不动户,请到柜台", "DORMANT"),
        ("3034 3041 3068", "非结算户|非活期账户|非存折户", "NOT_SETTLEMENT_ACCT"),
        ("3013 3055 3040", "超限|金额错误|II类户超过日累计限额", "LIMIT"),
        ("3008", "余额不足|账面可用余额不足", "PAYER_FUNDS"),
        ("3051", "重复业务|未处理记录重复|代理次数错误", "DUPLICATE"),
        ("3056", "退票|退汇", "RETURNED"),
        ("0397 3044 3059 3999 4000", "处理中|交易超时|通讯失败|状态未明|", "UNKNOWN"),
        ("9999", "银行系统内部原因", "OTHER"),
    ],
)
def test_codes_and_words_of_a_family_have_one_reason(
    codes: str, messages: str, reason: str
) -> None:
    for code in codes.split():
        assert canonical_reason(code, "").code == reason
    for message in messages.split("|"):
        found = canonical_reason(None, message)
        assert (found.code, found.pending) == (reason, reason in OPEN)


def test_the_code_speaks_before_the_words() -> None:
    assert canonical_reason("3018", "户名不符").code == "ACCT_CLOSED"
    assert canonical_reason("0397", "户名不符").pending
    assert canonical_reason("77", "户名不符").code == "NAME_MISMATCH"


def test_a_word_of_success_beside_a_code_of_failure_is_left_open_rather_than_paid_again() -> None:
    assert canonical_reason("A6", "有缺陷的成功").pending
    assert not canonical_reason("77", "扣款不成功").pending


@given(st.one_of(st.none(), st.text(max_size=5)), st.text(max_size=40))
def test_only_what_the_bank_does_not_know_or_saw_before_is_pending(
    code: str | None, message: str
) -> None:
    reason = canonical_reason(code, message)

    assert reason.pending == (reason.code in OPEN)
    assert reason.code.isupper()

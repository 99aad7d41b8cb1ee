"""What each rule is called, the clause that it stands on, its version, and the events it reads."""

from collections.abc import Mapping
from typing import NamedTuple


class About(NamedTuple):
    """`version` rises with every change of what the rule finds.

    `reads` are topics of events; `verification` is what was found when the log was verified last.
    """

    name: str
    clause: str
    version: int
    reads: tuple[str, ...]


RULES_KNOWN: Mapping[str, About] = {
    "A1": About(
        "未建档先帮扶",
        "依档帮扶：先建档、后帮扶、实名制（总工发〔2015〕20号）",
        2,
        ("batch.row_refused", "disbursement.*", "recipient.*", "policy.adopted"),
    ),
    "A2": About(
        "已退档仍发放",
        "脱困、退休、调离、死亡后不再发放",
        2,
        ("batch.row_refused", "disbursement.*", "recipient.*", "policy.adopted"),
    ),
    "A3": About(
        "死亡后领取",
        "死亡即退档，死亡后不再发放",
        2,
        ("outside_list.*", "disbursement.*"),
    ),
    "A4": About(
        "财政供养人员领取",
        "困难慰问金不得发给财政供养人员",
        2,
        ("outside_list.*", "disbursement.*", "policy.adopted"),
    ),
    "A5": About(
        "房车企疑点",
        "困难职工家庭经济状况应核对房产、车辆、工商登记",
        2,
        ("outside_list.*", "disbursement.*", "policy.adopted"),
    ),
    "A6": About(
        "退休人员",
        "退休人员不再列入困难职工慰问；年龄由方案规定，录入名册时判断",
        2,
        ("batch.row_accepted", "disbursement.*", "policy.adopted"),
    ),
    "A7": About(
        "劳模收入超线",
        "困难劳模月均工资应低于上年度职工月平均工资（方案二）",
        1,
        ("batch.row_refused",),
    ),
    "A8": About(
        "经办人亲属",
        "不得优亲厚友、人情帮扶",
        1,
        ("outside_list.*", "disbursement.*", "batch.*"),
    ),
    "A9": About(
        "一人多档",
        "一户一档：同一人只有一份在档档案",
        1,
        (
            "recipient.filed",
            "recipient.file_closed",
        ),
    ),
    "B1": About(
        "低于标准下限",
        "慰问标准下限（方案二(二)）",
        1,
        ("batch.row_refused",),
    ),
    "B2": About(
        "超标准",
        "慰问标准上限（方案二(二)）",
        1,
        ("batch.row_refused",),
    ),
    "B3": About(
        "年度累计超限",
        "每人每年累计慰问金原则上不超过限额，各级各来源合并计算",
        2,
        ("disbursement.*",),
    ),
    "B4": About(
        "同类不同额",
        "同一活动同一类别标准一致，另定金额应有理由",
        2,
        ("disbursement.instructed",),
    ),
    "B5": About(
        "平均摊派",
        "按困难程度慰问，不搞平均摊派",
        1,
        ("disbursement.instructed",),
    ),
    "C1": About(
        "应卡未卡",
        "建档困难职工、困难劳模一律采用银行卡发放（方案四(五)）",
        3,
        ("batch.row_refused", "disbursement.*", "recipient.filed", "policy.adopted"),
    ),
    "C2": About(
        "卡非本人",
        "银行卡应为本人账户（方案四(五)）",
        2,
        ("disbursement.returned", "disbursement.corrected"),
    ),
    "C3": About(
        "多人一卡",
        "一个账户只收本人的慰问金",
        1,
        ("disbursement.*",),
    ),
    "C4": About(
        "账户属经办人",
        "慰问金应打入本人账户，不得打入工作人员账户",
        1,
        ("outside_list.*", "disbursement.*"),
    ),
    "C5": About(
        "临发改卡",
        "发放前后变更账户的应核实本人",
        1,
        (
            "disbursement.instructed",
            "disbursement.reissued",
            "recipient.filed",
        ),
    ),
    "D1": About(
        "代签代领",
        "不允许代签代领（方案四(五)）",
        1,
        ("refusal.recorded",),
    ),
    "D2": About(
        "笔迹雷同",
        "不允许代签代领，一人一签（方案四(五)）",
        2,
        (
            "signature.found_alike",
            "disbursement.signature_captured",
            "disbursement.signed",
            "batch.sheet_scanned",
            "refusal.recorded",
            "recipient.erased",
        ),
    ),
    "D3": About(
        "签字表与名单不一致",
        "签字表与职工名单一致，本人签字（方案四(五)）",
        5,
        (
            "disbursement.*",
            "batch.sheet_scanned",
            "policy.adopted",
            "refusal.recorded",
        ),
    ),
    "D4": About(
        "实名要素缺失",
        "实名制：身份证号、电话等要素齐全（方案四(五)）",
        1,
        ("batch.row_refused",),
    ),
    "D5": About(
        "报送逾期",
        "签字表、总结、统计表按期报送（方案）",
        2,
        (
            "filing.handed_in",
            "filing.sent_back",
            "batch.*",
            "policy.adopted",
        ),
    ),
    "D6": About(
        "一号多人",
        "实名制：联系电话应为本人或家人的，不得多人合用一号、不得填经办人电话",
        1,
        ("batch.row_accepted", "disbursement.*", "outside_list.*"),
    ),
    "E1": About(
        "同次重复发放",
        "同一活动不得重复发放",
        1,
        ("batch.row_refused",),
    ),
    "E2": About(
        "短期内重复发放",
        "同一人短期内不由多个单位、多种资金重复慰问，也不在两次活动中按同一类别重复慰问",
        3,
        ("disbursement.*", "fund.drawn"),
    ),
    "E3": About(
        "同户重复",
        "每户慰问一次，同一户不得分别列为两户",
        3,
        ("outside_list.*", "disbursement.*", "policy.adopted"),
    ),
    "E4": About(
        "同一文件重复发放",
        "同一名册文件不得重复发放",
        2,
        ("batch.drafted", "batch.approved", "disbursement.*"),
    ),
    "F1": About(
        "专款专用",
        "专款专用：发放对象限于方案所列各类；方案限定了资金来源或账户用途的类别，不得用其他资金发放",
        2,
        (
            "batch.row_refused",
            "refusal.recorded",
            "batch.refused",
            "disbursement.*",
            "fund.*",
            "policy.adopted",
        ),
    ),
    "F2": About(
        "超额分配",
        "分配与支出之和不得超过到账资金",
        1,
        (
            "refusal.recorded",
            "batch.refused",
        ),
    ),
    "F3": About(
        "资金滞留",
        "不得截留、滞留上级下达的资金",
        1,
        (
            "fund.allocation_received",
            "fund.*",
            "disbursement.*",
        ),
    ),
    "F4": About(
        "账外支出",
        "不得挪用、串户：专户每笔支出应有对应的发放或拨付",
        3,
        (
            "bank_statement.received",
            "bank_statement.line_taken",
            "bank_statement.line_set_aside",
            "bank_statement.withdrawn",
            "bank_match.*",
        ),
    ),
    "F5": About(
        "账实尚未核对",
        "银行存款余额应与账面核对",
        1,
        (
            "disbursement.*",
            "statement.received",
        ),
    ),
    "F6": About(
        "虚列支出",
        "账面支出应有银行支付",
        2,
        (
            "bank_statement.received",
            "bank_statement.withdrawn",
            "bank_account.statement_taken",
            "bank_match.*",
            "batch.approved",
            "statement.received",
        ),
    ),
    "F7": About(
        "无批准方案支出",
        "支出应在批准的活动方案期内",
        1,
        (
            "batch.approved",
            "campaign.opened",
        ),
    ),
    "F9": About(
        "跨账本拨款未确认",
        "拨往其他账本的资金应由对方确认到账",
        1,
        (
            "remittance.sent",
            "remittance.acknowledged",
            "remittance.taken_back",
        ),
    ),
    "G1": About(
        "结余消化不足",
        "结余资金首年至少消化一半，两年内消化完毕（方案四(五)末段）",
        3,
        (
            "fiscal_year.*",
            "fund.*",
            "disbursement.*",
        ),
    ),
    "G2": About(
        "拨付不及时",
        "慰问金应在活动期内发到职工手中",
        2,
        (
            "disbursement.*",
            "campaign.opened",
        ),
    ),
    "G3": About(
        "年末突击发放",
        "资金应均衡使用，不得年末突击发放",
        2,
        ("disbursement.*", "campaign.opened"),
    ),
    "G4": About(
        "资金沉淀",
        "资金应及时使用，不得沉淀",
        2,
        (
            "fund.*",
            "disbursement.*",
            "campaign.opened",
        ),
    ),
    "G5": About(
        "退票未重发",
        "银行退票的款项应核实后重新发放",
        3,
        ("disbursement.*",),
    ),
    "H1": About(
        "自审自批",
        "不相容岗位分离（财会〔2012〕21号）",
        3,
        (
            "batch.refused",
            "batch.drafted",
            "batch.sheet_certified",
            "refusal.recorded",
        ),
    ),
    "H2": About(
        "越权审批",
        "审批须在授权范围内（财会〔2012〕21号）",
        1,
        (
            "batch.refused",
            "refusal.recorded",
        ),
    ),
    "H3": About(
        "缺集体研究",
        "大额发放应经集体研究并有会议纪要",
        2,
        (
            "batch.approved",
            "filing.*",
        ),
    ),
    "H4": About(
        "登记滞后",
        "业务应及时登记，不得倒签、补签",
        5,
        (
            "notice.opened",
            "refusal.recorded",
            "fund.received",
            "fund.receipt_corrected",
            "fund.allocated",
            "filing.handed_in",
        ),
    ),
    "H6": About(
        "政策放宽",
        "方案修订应有依据，不得事后放宽要求；下级方案不得宽于上级方案",
        4,
        (
            "policy.adopted",
            "campaign.opened",
            "batch.approved",
            "organisation.*",
        ),
    ),
    "I3": About(
        "一据多用",
        "一份凭证只能支持一项业务",
        1,
        ("filing.handed_in",),
    ),
    "J1": About(
        "金额有误",
        "明细金额应为正数且与合计一致",
        1,
        ("batch.row_refused",),
    ),
    "J3": About(
        "成功后退票",
        "银行回报成功后退回的款项应核实",
        2,
        (
            "disbursement.settled",
            "disbursement.returned",
            "disbursement.corrected",
        ),
    ),
    "J4": About(
        "状态未知逾期",
        "银行未答复的款项应查询，不得自动重发",
        1,
        (
            "disbursement.*",
            "statement.received",
        ),
    ),
    "J5": About(
        "一款两付",
        "退回后重新发放的款项，银行又称原账户已入账的，应核实并追回，不得一款两付",
        1,
        ("disbursement.arrived_before",),
    ),
    "K1": About(
        "未经公示",
        "名单应先公示满规定天数、后审批",
        2,
        (
            "policy.adopted",
            "notice.*",
            "batch.approved",
        ),
    ),
    "K3": About(
        "异议未处理",
        "公示期间的异议应处理完毕后再审批",
        2,
        (
            "notice.*",
            "batch.approved",
        ),
    ),
    "K4": About(
        "异议成立仍发放",
        "异议成立的不得发放，已发放的应追回",
        1,
        (
            "notice.objection_answered",
            "batch.row_withdrawn",
            "disbursement.*",
        ),
    ),
    "L1": About(
        "记录链断裂",
        "记录应连续、完整、不可更改",
        1,
        ("verification",),
    ),
    "L2": About(
        "见证人拒绝联署或记录回退",
        "检查点只能接续，不能回退或分叉",
        2,
        (
            "witness.refused",
            "verification",
        ),
    ),
    "L3": About(
        "记录分叉",
        "检查点只能接续，不能回退或分叉",
        1,
        ("verification",),
    ),
    "L4": About(
        "记录缺号",
        "会计凭证和记录应连续编号",
        1,
        ("verification",),
    ),
    "L5": About(
        "密钥越期",
        "电子签名应由签名人本人控制的有效密钥作出（电子签名法第十三条）",
        1,
        (
            "verification",
            "officer.key_compromised",
        ),
    ),
}
"""By code, as the table of audit rules has it."""

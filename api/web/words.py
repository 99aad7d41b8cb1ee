"""Words for what is stored as a code or as a word of the registers."""

from collections.abc import Mapping

from api.web.language import N_, Language
from ledger.files.faults import TEXTS

TERMS: Mapping[str, Mapping[str, str]] = {
    "payment": {
        "in_transit": N_("在途"),
        "settled": N_("已到账"),
        "signed": N_("已签领"),
        "returned": N_("已退回"),
        "paid": N_("已到账或已签领"),
    },
    "batch": {
        "drafted": N_("已编制"),
        "reviewed": N_("已复核"),
        "approved": N_("已审批"),
        "refused": N_("未获准"),
        "exported": N_("已导出"),
        "returned": N_("已回盘"),
        "closed": N_("已办结"),
    },
    "notice": {
        "running": N_("公示中"),
        "over": N_("期满待结束"),
        "closed": N_("已结束"),
        "withdrawn": N_("已撤回"),
    },
    "notice_unit": {
        "natural": N_("自然日"),
        "working": N_("工作日"),
    },
    "objection": {
        "open": N_("待答复"),
        "upheld": N_("成立"),
        "dismissed": N_("不成立"),
    },
    "confidence": {
        "certain": N_("原文可靠"),
        "stated": N_("据转述"),
        "uncertain": N_("存疑"),
    },
    "reason": {
        "NAME_MISMATCH": N_("户名不符"),
        "ACCT_INVALID": N_("账号有误"),
        "ACCT_CLOSED": N_("账户已销户"),
        "ACCT_FROZEN": N_("账户冻结"),
        "CARD_LOST": N_("卡片挂失或失效"),
        "DORMANT": N_("久悬账户"),
        "NOT_SETTLEMENT_ACCT": N_("非结算账户"),
        "LIMIT": N_("超过限额"),
        "PAYER_FUNDS": N_("付款账户余额不足"),
        "DUPLICATE": N_("银行认为重复"),
        "RETURNED": N_("银行退票"),
        "UNKNOWN": N_("银行原因不明"),
        "OTHER": N_("其他原因"),
    },
    "movement": {
        "payment": N_("发放"),
        "receipt": N_("收款"),
        "allocation": N_("拨付"),
        "return": N_("退款"),
        "reissue": N_("补发"),
        "correction": N_("更正"),
    },
    "ever": {
        "returned": N_("曾被退回"),
        "reissued": N_("曾补发"),
    },
    "custody": {
        "officer": N_("本人持有"),
        "operator_keyring": N_("代管密钥"),
    },
    "event": {
        "disbursement.instructed": N_("下达发放"),
        "disbursement.settled": N_("银行确认到账"),
        "disbursement.signed": N_("本人签领"),
        "disbursement.signature_captured": N_("本人签字，待见证签认"),
        "disbursement.returned": N_("银行退回"),
        "disbursement.unresolved": N_("银行未作答复"),
        "disbursement.reissued": N_("再次发放"),
        "disbursement.corrected": N_("更正"),
        "fund.drawn": N_("从账户支取"),
        "fund.restored": N_("退回账户"),
        "statement.received": N_("接收银行回盘"),
        "statement.line_matched": N_("回盘行与发放相符"),
        "batch.row_accepted": N_("名册行通过"),
        "batch.row_refused": N_("名册行拒绝"),
        "recipient.unmasked": N_("查看未遮盖信息"),
        "export.recorded": N_("导出"),
    },
    "manner": {
        "drawn": N_("屏幕签写"),
        "scanned": N_("纸质扫描"),
    },
    "seen": {
        "signed": N_("有签字"),
        "doubtful": N_("有笔迹，存疑，请目视核对"),
        "empty": N_("空白"),
        "cut": N_("签字框没有扫全，未采用"),
        "repeated": N_("重复的行，未采用"),
        "paid": N_("已签领或不再待签，未采用"),
        "unknown": N_("名册中没有这一行"),
        "reused": N_("与另一笔发放的签字相同，未采用"),
        "erased": N_("信息已删除或受限，未采用"),
        "no_code": N_("这一页没有读到方码"),
        "bent": N_("这一页变形或方码不全，请逐行目视核对"),
        "foreign": N_("这一页有不是本账本印制的方码"),
        "other_batch": N_("这一页有其他批次的方码"),
    },
    "key": {
        "in_force": N_("有效"),
        "proposed": N_("待确认"),
        "ended": N_("已停用"),
        "compromised": N_("已失密"),
    },
    "change": {
        "restrict": N_("限制使用"),
        "lift": N_("恢复使用"),
        "erase": N_("删除"),
    },
    "change_done": {
        "restrict": N_("已限制"),
        "lift": N_("已恢复"),
        "erase": N_("已删除"),
    },
    "disclosure": {
        "unmasked": N_("查看未遮盖信息"),
        "bank_file": N_("银行文件"),
        "pack.fund": N_("资金账户证据包"),
        "pack.batch": N_("批次证据包"),
        "pack.payment": N_("发放证据包"),
        "pack.person": N_("个人证据包"),
        "pack.organisation": N_("单位证据包"),
    },
    "field": {
        "name": N_("姓名"),
        "id_number": N_("身份证号"),
        "phone": N_("手机号"),
        "reason": N_("困难原因"),
        "bank_name": N_("开户行"),
        "card_number": N_("银行卡号"),
    },
    "door": {
        "sign_in": N_("登录"),
        "sign_out": N_("退出"),
        "invited": N_("受邀"),
        "invitation": N_("用邀请码"),
        "password": N_("设置口令"),
        "passkey": N_("通行密钥"),
        "token": N_("令牌"),
    },
    "access": {
        "sign_in.password": N_("以口令登录"),
        "sign_in.passkey": N_("以通行密钥登录"),
        "sign_in.invitation": N_("以邀请码登录"),
        "sign_in.demo": N_("从演示入口登录"),
        "sign_in.failed": N_("登录被拒"),
        "sign_out": N_("退出"),
        "sign_out.everywhere": N_("结束全部会话"),
        "invited": N_("受邀"),
        "invitation.failed": N_("邀请码无效"),
        "password.set": N_("设置口令"),
        "passkey.added": N_("添加通行密钥"),
        "passkey.removed": N_("删除通行密钥"),
        "passkey.failed": N_("通行密钥被拒"),
        "token.issued": N_("生成令牌"),
        "token.revoked": N_("作废令牌"),
    },
    "policy": {
        "title": N_("标题"),
        "effective_from": N_("生效日期"),
        "channel": N_("方式"),
        "archive_required": N_("须已建档"),
        "required_fields": N_("必填栏目"),
        "minimum": N_("下限"),
        "maximum": N_("上限"),
        "monthly_income_below": N_("月收入低于"),
        "first_year_minimum": N_("首年至少消化"),
        "all_within": N_("全部用完年限"),
        "due_on": N_("报送期限"),
    },
    "mark": {
        "changed": N_("已改"),
        "backing": N_("出处或把握已改"),
        "added": N_("新增"),
        "removed": N_("删去"),
    },
    "key_step": {
        "proposed": N_("本人提交"),
        "registered": N_("确认登记"),
        "ended": N_("停用"),
        "compromised": N_("报失密"),
    },
    "opened_by": {
        "password": N_("口令"),
        "passkey": N_("通行密钥"),
        "invitation": N_("邀请码"),
        "demo": N_("演示入口"),
    },
    "filing": {
        "signature_sheets": N_("签字表"),
        "summary_report": N_("工作总结"),
        "statistics_tables": N_("统计报表"),
    },
    "organisation": {
        "市": N_("市级工会"),
        "县区": N_("县区工会"),
        "产业": N_("产业工会"),
        "基层": N_("基层工会"),
    },
}
"""By kind, then by code."""

STORED = (
    N_("经办"),
    N_("复核"),
    N_("审批"),
    N_("出纳"),
    N_("会计"),
    N_("审计"),
    N_("纪检"),
    N_("系统管理"),
    N_("安全管理"),
    N_("审计管理"),
    N_("银行卡"),
    N_("签字表"),
    N_("中央财政"),
    N_("地方财政"),
    N_("上级补助"),
    N_("本级工会经费"),
    N_("社会捐赠"),
    N_("送温暖"),
    N_("建档困难职工"),
    N_("困难劳模"),
    N_("去产能企业困难职工(未建档)"),
    N_("意外致困职工(未建档)"),
    N_("一线职工"),
)
"""Words of the registers that are stored as they are; others are shown as they stand."""


def term(language: Language, kind: str, value: str | None) -> str:
    """Return the word for a stored code; a word of the registers is its own."""
    if value is None:
        return ""
    return language.say(TERMS.get(kind, {}).get(value, value))


def fault_words(language: Language, code: str) -> str:
    """Return what a fault of a file, or a refused row, means."""
    zh, en = TEXTS.get(code, (code, code))
    return en if language.code == "en" else zh

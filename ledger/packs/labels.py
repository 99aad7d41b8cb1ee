"""What events, figures and states are called in a statement, in Chinese and English."""

from collections.abc import Mapping

KINDS: Mapping[str, tuple[str, str]] = {
    "fund": ("资金账户", "fund account"),
    "batch": ("发放批次", "disbursement batch"),
    "payment": ("发放明细", "payment"),
    "person": ("受助人", "person"),
    "organisation": ("工会组织", "union"),
}

EVENTS: Mapping[str, tuple[str, str]] = {
    "bank_account.closed": ("银行账户销户", "bank account closed"),
    "bank_account.registered": ("银行账户登记", "bank account registered"),
    "bank_account.statement_taken": ("对账单覆盖期间", "days covered by a statement"),
    "bank_match.made": ("银行与账面核对相符", "bank and books matched"),
    "bank_match.undone": ("撤销核对", "match undone"),
    "bank_statement.line_set_aside": ("对账单行另行处理", "bank line set aside"),
    "bank_statement.line_taken": ("对账单行", "line of an account statement"),
    "bank_statement.lines_matched": ("对账单行核对相符", "bank lines matched"),
    "bank_statement.lines_reopened": ("对账单行重新打开", "bank lines opened again"),
    "bank_statement.received": ("收到银行对账单", "account statement received"),
    "batch.approved": ("批次审批通过", "batch approved"),
    "batch.columns_read": ("名册栏目对应", "columns of the roster"),
    "batch.drafted": ("批次拟定", "batch drafted"),
    "batch.exported": ("导出银行代发文件", "bank file written"),
    "batch.refused": ("批次操作被拒绝", "act on batch refused"),
    "batch.reviewed": ("批次复核", "batch reviewed"),
    "batch.row_accepted": ("名单行通过", "row accepted"),
    "batch.row_refused": ("名单行被拒绝", "row refused"),
    "batch.row_withdrawn": ("名单行撤下", "row withdrawn"),
    "batch.sheet_certified": ("签收表证明", "signature sheet certified"),
    "batch.sheet_scanned": ("签字表扫描件接收", "signature sheet scanned"),
    "book_item.matched": ("账面收支核对相符", "movement of the books matched"),
    "book_item.released": ("账面收支重新打开", "movement of the books opened again"),
    "campaign.opened": ("活动开始", "campaign opened"),
    "disbursement.corrected": ("更正", "outcome corrected"),
    "disbursement.instructed": ("发放指令", "payment instructed"),
    "disbursement.reissued": ("补发", "paid again"),
    "disbursement.returned": ("银行退回", "returned by the bank"),
    "disbursement.settled": ("银行入账成功", "settled by the bank"),
    "disbursement.signature_captured": ("本人签字(待见证签认)", "signature taken down"),
    "disbursement.signed": ("本人签收", "signed for by the recipient"),
    "disbursement.unresolved": ("银行结果不明", "bank does not know yet"),
    "fiscal_year.closed": ("年度关账", "fiscal year closed"),
    "fiscal_year.opened": ("年度开账", "fiscal year opened"),
    "fiscal_year.surplus_brought_forward": ("上年结余转入", "surplus brought forward"),
    "fund.allocated": ("下拨", "allocated"),
    "fund.allocation_received": ("收到下拨", "allocation received"),
    "fund.drawn": ("支取", "drawn for a payment"),
    "fund.kept_at": ("资金存放的银行账户", "bank account that a fund is kept in"),
    "fund.opened": ("开立资金账户", "fund account opened"),
    "fund.receipt_corrected": ("收款更正", "receipt corrected"),
    "fund.received": ("收到资金", "funds received"),
    "fund.restored": ("退回原资金批次", "restored to its lots"),
    "key.claimed": ("密钥归属登记", "key claimed"),
    "notice.closed": ("公示结束", "public notice closed"),
    "notice.objection_answered": ("答复异议", "objection answered"),
    "notice.objection_raised": ("提出异议", "objection raised"),
    "notice.objection_read": ("查看异议", "objection read in clear"),
    "notice.opened": ("发布公示", "public notice put up"),
    "notice.withdrawn": ("撤回公示", "public notice withdrawn"),
    "officer.appointed": ("人员登记", "officer appointed"),
    "officer.key_registered": ("人员密钥登记", "officer's key registered"),
    "officer.key_revoked": ("人员密钥注销", "officer's key revoked"),
    "officer.role_ended": ("职务终止", "role ended"),
    "officer.role_granted": ("职务授予", "role granted"),
    "organisation.moved": ("组织隶属变更", "union moved"),
    "organisation.registered": ("组织登记", "union registered"),
    "policy.adopted": ("采用政策", "policy adopted"),
    "publication.announced": ("发布检查点", "checkpoint published"),
    "recipient.erased": ("个人信息销毁", "personal data erased"),
    "recipient.file_closed": ("退档", "file closed"),
    "recipient.filed": ("建档", "file opened"),
    "recipient.registered": ("受助人登记", "person registered"),
    "recipient.unmasked": ("查看明文", "personal data read in clear"),
    "refusal.recorded": ("拒绝记录", "refusal recorded"),
    "service_key.registered": ("服务密钥登记", "service key registered"),
    "service_key.retired": ("服务密钥停用", "service key retired"),
    "signature.claimed": ("签字归属登记", "signature claimed"),
    "statement.line_matched": ("银行回单行匹配", "bank line matched"),
    "statement.received": ("收到银行回单", "bank file received"),
}

FIGURES: Mapping[str, tuple[str, str]] = {
    "amount_fen": ("金额", "amount"),
    "status": ("状态", "status"),
    "payments": ("笔数", "payments"),
    "instructed_fen": ("指令金额", "instructed"),
    "paid": ("已发放笔数", "payments that arrived"),
    "paid_fen": ("已发放", "paid"),
    "times_returned": ("退回次数", "times returned"),
    "returned": ("退回笔数", "payments returned"),
    "returned_fen": ("退回", "returned"),
    "in_transit": ("在途笔数", "payments in transit"),
    "received_from_outside_fen": ("外部收入", "received from outside"),
    "opening_fen": ("年初结余", "opening surplus"),
    "consumed_fen": ("已消化（已到受助人）", "consumed: reached recipients"),
    "in_transit_fen": ("在途", "in transit"),
    "in_hand_fen": ("在手", "in hand"),
    "by_vintage": ("按年份", "by vintage"),
    "ratio_basis_points_floor": ("结余消化率", "surplus-consumption ratio"),
    "first_year_minimum_bp": ("首年消化率下限", "least share in the first year"),
    "policy_id": ("适用政策", "policy"),
    "policy_version": ("政策版本", "version of the policy"),
    "targets_position": ("结余指标所在事件", "event that states the targets"),
    "all_within_years": ("应全部使用完的年数", "years within which all is to be used"),
}

FORMULAS: Mapping[str, tuple[str, str]] = {
    "fund.balance/1": ("账户余额", "balance of the account"),
    "surplus/1": ("结余消化", "consumption of the surplus"),
    "payment/1": ("发放结果", "outcome of the payment"),
    "batch/1": ("批次结果", "outcome of the batch"),
}

STATES: Mapping[str, tuple[str, str]] = {
    "in_transit": ("在途", "in transit"),
    "settled": ("已入账", "settled"),
    "signed": ("已签收", "signed for"),
    "returned": ("已退回", "returned"),
}

FIELDS: Mapping[str, tuple[str, str]] = {
    "name": ("姓名", "name"),
    "id_number": ("身份证号码", "ID number"),
    "phone": ("联系电话", "phone"),
    "card_number": ("银行卡号", "card number"),
    "bank_name": ("开户银行", "bank"),
    "reason": ("困难原因", "reason"),
    "monthly_income_fen": ("月收入（分）", "monthly income, fen"),
}


def label(texts: Mapping[str, tuple[str, str]], name: str) -> str:
    """Return a name in both languages; what has none stays as it is."""
    found = texts.get(name)
    return name if found is None else f"{found[0]} {found[1]}"

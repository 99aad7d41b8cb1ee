"""What is wrong with a file: where, by which code, in Chinese and English."""

from collections.abc import Sequence
from dataclasses import dataclass

from ledger.errors import Kind, LedgerError

TEXTS: dict[str, tuple[str, str]] = {
    "amount.above_maximum": ("金额高于标准上限", "the amount is above the maximum"),
    "amount.below_minimum": ("金额低于标准下限", "the amount is below the minimum"),
    "amount.invalid": ("金额不是大于零且至多两位小数的数", "not an amount of whole fen above zero"),
    "archive.closed": ("审批日已退档", "the person had left the archive by the approval date"),
    "archive.dates_backwards": (
        "退档日期早于建档日期",
        "the file closes before the day it was opened",
    ),
    "archive.file_elsewhere": (
        "这个档案号在其他单位名下，请与同管两单位的上级工会联系",
        "the file is another union's: ask the union above both",
    ),
    "archive.not_on_file": ("未建档", "the person is not in the archive"),
    "bank_file.arrived_before": (
        "银行此前称此笔失败，现又称已付或在处理，而此笔已按另一账户或姓名补发、尚未交银行：请先撤销这笔付款，再按银行所称的卡号和姓名批准补发，不另出代发文件，然后导入本文件",
        "made again otherwise, not sent: withdraw it, pay again to the card and name the bank has",
    ),
    "bank_file.control_total": ("控制合计与明细不符", "the control totals disagree with the lines"),
    "bank_file.duplicate_line": ("同一笔在文件中出现两次", "a payment stands in the file twice"),
    "bank_file.failed_before": (
        "银行此前称此笔失败，款已退回账户，现又称已付或在处理：请先按银行所称的卡号和姓名批准补发，不另出代发文件，再导入本文件",
        "the bank takes a failure back: pay again to that card and name, write no file, then try",
    ),
    "bank_file.field_too_long": ("内容超出银行允许的长度", "longer than the bank takes"),
    "bank_file.format_unknown": ("不认识的银行格式", "no such bank format"),
    "bank_file.incomplete": ("文件未覆盖全部指令", "the file does not answer every instruction"),
    "bank_file.line_invalid": ("此行无法识读", "the line cannot be read"),
    "bank_file.name_not_encodable": (
        "银行字符集写不出此姓名",
        "the bank's charset lacks a character",
    ),
    "bank_file.not_accepted": ("银行未受理整批", "the bank did not accept the batch"),
    "bank_file.not_read": (
        "此银行格式没有回盘文件",
        "the bank sends no return file in this format",
    ),
    "bank_file.not_written": (
        "此银行格式没有代发文件，请在银行页面提交名单",
        "this format has no payment file: hand the list in at the bank's own page",
    ),
    "bank_file.other_batch": ("文件属于另一批次", "the file belongs to another batch"),
    "bank_file.other_days": (
        "起止日期与文件写明的不符，或有收支在起止日期之外",
        "the file says other days than are stated, or lists something booked outside of them",
    ),
    "bank_file.other_format": ("文件是另一家银行的格式", "the file is of another bank's format"),
    "bank_file.payer_missing": (
        "缺少银行要求的付款方信息，或内容不能写入文件",
        "a fact about the payer that the bank asks for is missing, or cannot be written",
    ),
    "bank_file.several_statements": (
        "一个文件里有几份对账单，请逐份导出",
        "the file holds several statements; export them one by one",
    ),
    "bank_file.too_many_rows": (
        "超出银行单个文件的笔数上限，请拆分批次",
        "more rows than the bank takes in one file; split the batch",
    ),
    "bank_file.truncated": ("文件不完整，末尾缺失", "the file ends before its last line does"),
    "bank_file.unclear_again": (
        "银行此前称此笔失败，这份文件称处理中或不明：如是更早的回盘，不必再导入；如是银行新的答复，请先查明，确已付的按银行所称的卡号和姓名补发后再导入",
        "an earlier file said that it failed; is this one older, leave it; else ask the bank first",
    ),
    "bank_file.unknown_line": ("此行与任何指令都不相符", "the line matches no instruction"),
    "amount.unit_contradicts": (
        "金额单位前后不一致（如表头写元、上方写万元），请统一后重新提交",
        "the unit of amounts is told in two ways, as yuan in the title and 10,000 yuan above",
    ),
    "bank_file.withdrawn": (
        "银行称已处理此笔，而此笔已撤销：请先批准补发，再导入本文件",
        "the bank did something of a payment that was withdrawn: have it paid again first",
    ),
    "campaign.malformed": ("活动与政策文件内容有误", "the campaign file is malformed"),
    "card.not_text": (
        "银行卡号被表格软件变成了数字，末位已丢失，请设为文本后重填",
        "a spreadsheet turned the card number into a number and lost its last digits",
    ),
    "earmark.not_for_category": (
        "方案不允许用这一用途的账户发放该类别",
        "the policy does not let this account pay the category",
    ),
    "category.not_in_policy": ("类别不在现行政策中", "the category is not in the policy in force"),
    "channel.card_required": ("此类人员一律银行卡发放", "this category is paid by bank card only"),
    "phone.invalid": ("不是电话号码", "this is no telephone number"),
    "date.implausible": (
        "日期早于1949年或晚于登记之日，请核对年份",
        "the day is before 1949 or after the day of recording",
    ),
    "date.invalid": ("日期无法识读", "the date cannot be read"),
    "duty.role_missing": (
        "经办人在此单位没有相应岗位",
        "whoever handed it in holds no post at this union",
    ),
    "field.missing": ("必填项为空", "a required field is empty"),
    "file.archive_bomb": ("压缩内容异常庞大", "the archive unpacks to an abnormal size"),
    "file.cells_excess": (
        "此行比表头多出单元格，含逗号的内容须加引号",
        "the row has more cells than the header; quote what holds a comma",
    ),
    "file.column_missing": ("缺少必需的列", "a required column is missing"),
    "file.column_twice": ("两列对应同一栏目", "two columns are taken for one field"),
    "file.header_missing": (
        "文件里没有选定的表头行",
        "the row chosen as header is not in the file",
    ),
    "file.missing": ("文件不存在", "the file does not exist"),
    "file.not_text": (
        "文件的编码读不出（这类文件一般用UTF-8或GB18030）",
        "the file is not in a charset that such files have, mostly UTF-8 or GB18030",
    ),
    "file.not_workbook": ("不是可读的XLSX工作簿", "not a readable XLSX workbook"),
    "file.old_workbook": (
        "旧版.xls或加了密码的工作簿，请另存为不加密码的.xlsx",
        "an old .xls, or a workbook with a password; save it as .xlsx without one",
    ),
    "file.quotes_unbalanced": ("引号不成对", "a quotation mark is not closed"),
    "file.too_large": ("文件过大", "the file is too large"),
    "file.truncated": ("文件不完整", "the file is cut off"),
    "file.xml_forbidden": (
        "文件含有禁止的XML实体或声明",
        "the file holds forbidden XML declarations",
    ),
    "id.invalid": ("身份证号码无效", "the ID number is not valid"),
    "id.not_text": (
        "身份证号码被表格软件变成了数字，末位已丢失，请设为文本后重填",
        "a spreadsheet turned the ID number into a number and lost its last digits",
    ),
    "model_worker.income_above_line": (
        "劳模收入不低于规定线",
        "the model worker's income is not below the line",
    ),
    "notice.objection_upheld": (
        "公示期间异议成立，撤下此行",
        "the row fell: an objection to the public notice was upheld",
    ),
    "number.duplicate": ("序号重复", "the row number stands twice"),
    "number.invalid": ("序号或年度不是整数", "not a whole number"),
    "person.duplicate_in_campaign": ("本次活动已发放", "already paid in this campaign"),
    "recipient.erased": ("此人的个人信息已销毁", "the person's data has been erased"),
    "register.row_twice": (
        "与上面一行重复，或对同一单位、同一人的说法不同",
        "the same as a row above, or says otherwise of the same union or officer",
    ),
    "roster.row_after_total": ("合计行之后还有人员", "a person stands below the 合计 row"),
    "roster.total_mismatch": ("合计与明细不符", "the 合计 row disagrees with the rows"),
    "roster.total_missing": ("缺少合计行", "the 合计 row is missing"),
    "sha256.invalid": ("影像摘要不是64位十六进制", "not a SHA-256 in hex"),
    "signature.ahead": (
        "签字时间晚于登记时间",
        "the time of the signature is still to come",
    ),
    "signature.before_approval": (
        "签字时间早于审批（或批准补发）之日，不得预签",
        "signed before the payment was approved",
    ),
    "signature.not_own": ("签字人不是本人，不允许代签代领", "signed by another than the recipient"),
    "signature.row_unknown": (
        "签字的序号未获批准发放",
        "the signed row was not approved for payment",
    ),
    "disbursement.not_in_transit": (
        "此笔已有结果，不能再签收",
        "the payment has its outcome already",
    ),
    "disbursement.objection_upheld": (
        "对此笔的异议已成立，不得签领，须撤销付款",
        "an objection to the payment was upheld: it is withdrawn, not signed for",
    ),
    "disbursement.withdrawn": (
        "此笔付款已撤销，须先批准补发",
        "the payment was withdrawn: have it paid again first",
    ),
    "ledger.not_on_record": ("账本中没有此项", "nothing stands in the ledger under this name"),
    "time.invalid": ("时间无法识读", "the time cannot be read"),
    "vault.person_erased": ("此人的个人信息已销毁", "the person's data was erased meanwhile"),
    "value.unknown": ("此处不能填这个词", "not one of the words allowed here"),
}
"""Every code by which a file, a row or a cell is found at fault. Codes keep their meaning."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong. `row` is the line as a person counts it in the file, from 1.

    `detail` may hold sums and counts, never what stands in a personal cell.
    """

    file: str
    row: int | None
    column: str | None
    code: str
    detail: str = ""

    @property
    def zh(self) -> str:
        return TEXTS[self.code][0]

    @property
    def en(self) -> str:
        return TEXTS[self.code][1]

    def __str__(self) -> str:
        """Say where and what, never what stands there: it may be personal."""
        row = f" row {self.row}" if self.row else ""
        column = f" column {self.column}" if self.column else ""
        detail = f": {self.detail}" if self.detail else ""
        return f"{self.file}{row}{column}: {self.code} {self.zh} ({self.en}){detail}"


class FileRefused(LedgerError):
    """A file is refused as a whole; nothing of it was taken in.

    Its public code is that of its first fault.
    """

    code = "file.refused"
    kind = Kind.INVALID

    def __init__(self, *faults: Fault) -> None:
        super().__init__("; ".join(map(str, faults[:5])))
        self.code = faults[0].code
        self.faults: Sequence[Fault] = faults


def refuse(
    file: str, code: str, *, row: int | None = None, column: str | None = None, detail: str = ""
) -> FileRefused:
    """Make the refusal of a whole file for one reason."""
    return FileRefused(Fault(file, row, column, code, detail))

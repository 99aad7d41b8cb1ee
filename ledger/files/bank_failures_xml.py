"""failures-xml: GB18030 XML that lists only failures, with the successes as control totals."""

from collections.abc import Sequence
from hashlib import sha256
from xml.etree.ElementTree import Element, ParseError, SubElement, tostring

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from ledger.files.amounts import fen, whole_number, yuan
from ledger.files.bank import (
    BankReturn,
    InstructionFile,
    InstructionLine,
    Lists,
    Outcome,
    ReturnLine,
    instruction_file,
    require_format,
)
from ledger.files.faults import FileRefused, refuse
from ledger.files.reasons import canonical_reason
from ledger.files.text import number_text, person_name, require_line_end

FORMAT = "failures-xml"
ACCEPTED = "000000"
_DECLARATION = '<?xml version="1.0" encoding="GB18030"?>'


def read(name: str, data: bytes) -> BankReturn:
    """Read a list of failures; SUCCESS_NUM and SUCCESS_AMOUNT vouch for the others."""
    require_format(name, data, FORMAT)
    require_line_end(name, data, "bank_file.truncated")
    root = _root(name, data)
    if root.tag != "TX":
        raise refuse(name, "bank_file.other_format")
    if _text(name, root, "RETURN_CODE") != ACCEPTED:
        raise refuse(name, "bank_file.not_accepted")
    failures = _only(name, root, "FAIL_LIST")
    settled_count = whole_number(_text(name, root, "SUCCESS_NUM"))
    settled_fen = fen(_text(name, root, "SUCCESS_AMOUNT"))
    if settled_count is None or settled_fen is None or settled_fen < 0:
        raise _invalid(name, None)
    lines = tuple(_line(name, number, item) for number, item in enumerate(failures, 1))
    if len({(line.account, line.name, line.amount_fen) for line in lines}) != len(lines):
        raise refuse(name, "bank_file.duplicate_line")
    return BankReturn(
        FORMAT,
        _text(name, root, "BATCH"),
        Lists.FAILURES,
        lines,
        settled_count,
        settled_fen,
        sha256(data).hexdigest(),
    )


def write(batch_code: str, lines: Sequence[InstructionLine]) -> InstructionFile:
    """Write the payment file of the same bank: totals first, then one ITEM a payment."""
    total = sum(line.amount_fen for line in lines)
    root = Element("TX")
    for tag, text in (
        ("BATCH", batch_code),
        ("TOTAL_NUM", str(len(lines))),
        ("TOTAL_AMOUNT", yuan(total)),
    ):
        SubElement(root, tag).text = text
    listed = SubElement(root, "PAY_LIST")
    for line in lines:
        item = SubElement(listed, "ITEM")
        for tag, text in (
            ("SEQ", str(line.number)),
            ("ACCOUNT", line.account),
            ("NAME", line.name),
            ("AMOUNT", yuan(line.amount_fen)),
            ("PURPOSE", line.purpose),
        ):
            SubElement(item, tag).text = text
    body = tostring(root, encoding="unicode", short_empty_elements=False)
    text = f"{_DECLARATION}\n{body}\n"
    return instruction_file(f"{batch_code}-pay.xml", text, "gb18030", batch_code, lines)


def _root(name: str, data: bytes) -> Element:
    """Parse with entities and document types forbidden.

    The XML parser of the standard library knows no GB18030, so the text is decoded first, and a
    declaration that names another charset is taken for what it is: another file.
    """
    try:
        text = data.decode("gb18030").lstrip("\ufeff")
    except UnicodeDecodeError:
        raise refuse(name, "file.not_text") from None
    declaration, closed, body = text.partition("?>")
    if not text.startswith("<?xml") or not closed:
        raise refuse(name, "bank_file.line_invalid", row=1)
    if "gb" not in declaration.lower():
        raise refuse(name, "bank_file.other_format", row=1)
    try:
        root: Element = fromstring(body, forbid_dtd=True)
    except DefusedXmlException:
        raise refuse(name, "file.xml_forbidden") from None
    except (ParseError, ValueError):
        raise refuse(name, "bank_file.truncated") from None
    return root


def _line(name: str, number: int, item: Element) -> ReturnLine:
    amount = fen(_text(name, item, "AMOUNT"))
    if item.tag != "ITEM" or amount is None or amount <= 0:
        raise _invalid(name, number)
    reason = canonical_reason(None, _text(name, item, "MESSAGE", may_be_empty=True))
    return ReturnLine(
        number,
        None,
        number_text(_text(name, item, "ACCOUNT")),
        person_name(_text(name, item, "NAME")),
        amount,
        Outcome.PENDING if reason.pending else Outcome.FAILED,
        reason.code,
        None,
    )


def _text(name: str, parent: Element, tag: str, *, may_be_empty: bool = False) -> str:
    element = _only(name, parent, tag)
    text = (element.text or "").strip()
    if len(element) or not (text or may_be_empty):
        raise refuse(name, "bank_file.line_invalid", column=tag)
    return text


def _only(name: str, parent: Element, tag: str) -> Element:
    """Return the one child of this name; of two, no one can say which holds."""
    found = parent.findall(tag)
    if len(found) != 1:
        raise refuse(name, "bank_file.line_invalid", column=tag)
    return found[0]


def _invalid(name: str, line: int | None) -> FileRefused:
    return refuse(name, "bank_file.line_invalid", row=line)

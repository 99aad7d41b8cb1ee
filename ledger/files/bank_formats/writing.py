"""Payment files for banks, written by a template: to the fen, and in characters the bank has."""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from hashlib import sha256
from io import BytesIO
from itertools import groupby
from string import Formatter
from xml.sax.saxutils import escape

import xlsxwriter

from ledger.domain.matching_rules import file_reference
from ledger.files.amounts import yuan
from ledger.files.bank import InstructionFile, InstructionLine
from ledger.files.bank_formats.template import (
    DelimitedOut,
    FixedOut,
    Measure,
    Out,
    OutColumn,
    Template,
    Unit,
    WorkbookOut,
    Writing,
    XmlOut,
)
from ledger.files.faults import Fault, FileRefused, refuse

OF_BATCH = frozenset({"batch", "file", "count", "total", "day", "day_dashed"})
OF_LINE = frozenset(
    {"number", "place", "account", "name", "bank", "id_number", "phone", "amount", "purpose"}
)
_PERSONAL = ("account", "name", "bank", "id_number", "phone", "purpose")
_UNSAFE_IN_FILENAME = re.compile(r"[^\w.-]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ufffe\uffff]")
_SPEC = re.compile(r"(0?[1-9][0-9]?)?")
_MADE_ON = datetime(2000, 1, 1, tzinfo=UTC)
_TEXT = "@"

Values = Mapping[str, str | int]

NAME_NOT_ENCODABLE = "bank_file.name_not_encodable"
"""Of a row without a column, it is the name; else of what that column says."""


def write(
    template: Template,
    batch_code: str,
    lines: Sequence[InstructionLine],
    payer: Mapping[str, str],
    day: date,
    file_number: int = 1,
) -> InstructionFile:
    """Write a batch's payments.

    Args:
        template: The bank's format.
        batch_code: The batch; the bank's answer names it where the format has a place for it.
        lines: The payments.
        payer: What the template asks of whoever pays, by its words.
        day: The day that the file names.
        file_number: Which of the batch's files it is; whoever writes one once more, says the same.

    Raises:
        FileRefused: The format has no such file, there are too many rows, a fact about the payer is
            missing, or rows hold what the bank's file cannot: `bank_file.name_not_encodable` and
            `bank_file.field_too_long` name them all.
    """
    out = template.out
    if out is None:
        raise refuse(batch_code, "bank_file.not_written")
    if template.rows_max and len(lines) > template.rows_max:
        detail = f"{len(lines)} rows, at most {template.rows_max}"
        raise refuse(batch_code, "bank_file.too_many_rows", detail=detail)
    _require_payer(out, batch_code, payer)
    _require_writable(out, batch_code, lines)
    total_fen = sum(line.amount_fen for line in lines)
    of_batch: dict[str, str | int] = {
        **payer,
        "batch": batch_code,
        "file": _file_mark(out, batch_code, file_number),
        "count": len(lines),
        "total": _amount(total_fen, out.amount),
        "day": f"{day:%Y%m%d}",
        "day_dashed": f"{day:%Y-%m-%d}",
    }
    of_lines = [
        {
            **of_batch,
            "number": line.number,
            "place": place,
            "account": line.account,
            "name": line.name,
            "bank": line.bank,
            "id_number": line.id_number,
            "phone": line.phone,
            "amount": _amount(line.amount_fen, out.amount),
            "purpose": line.purpose,
        }
        for place, line in enumerate(lines, 1)
    ]
    content = _content(out, batch_code, of_batch, of_lines)
    # Its name has room for what a reference in it may have none for.
    named = {**of_batch, "file": _mark(batch_code, file_number)}
    return InstructionFile(
        _UNSAFE_IN_FILENAME.sub("_", out.filename.format_map(named)),
        content,
        len(lines),
        total_fen,
        sha256(content).hexdigest(),
    )


def _file_mark(out: Writing, batch_code: str, file_number: int) -> str:
    """Where the bank has no room for it, a further file is called like the first, as ever."""
    mark, most = _mark(batch_code, file_number), out.longest.get("batch")
    if most is not None and _length(out, batch_code + mark) > most:
        return ""
    return mark


def _mark(batch_code: str, file_number: int) -> str:
    return file_reference(batch_code, file_number).removeprefix(batch_code)


def is_spelling(template: Template, name: str, spelling: str) -> bool:
    """Say whether a spelling may stand in the bank's file for a name that the bank cannot write.

    What the bank can write of the name has to stay, in its order: another spelling is not another
    person. A question mark is no spelling.
    """
    out = template.out
    if out is None or _fits_in_a_field(out, name):
        return False
    kept = "".join(
        re.escape(run) if fits else ".{1,20}"
        for fits, run in _runs(name, lambda each: _fits_in_a_field(out, each))
    )
    return (
        _fits_in_a_field(out, spelling)
        and re.fullmatch(kept, spelling) is not None
        and not any(mark in spelling for mark in "?？")
    )


def odd_places(template: Template, name: str) -> list[int]:
    """Return which characters of a name, from 1, the bank cannot write."""
    out = template.out
    if out is None:
        return []
    return [at for at, each in enumerate(name, 1) if not _fits_in_a_field(out, each)]


def require_known_words(template: Template) -> None:
    """Check that a template's texts hold no word that nobody fills in.

    Raises:
        ValueError: One does.
    """
    out = template.out
    if out is None:
        return
    of_batch = OF_BATCH | {ask.word for ask in out.asks}
    texts = [(out.filename, of_batch)]
    if isinstance(out, XmlOut):
        texts += [(out.document, of_batch | {"rows"}), (out.row, of_batch | OF_LINE)]
    else:
        texts += [(column.value, of_batch | OF_LINE) for column in out.columns]
    if isinstance(out, (DelimitedOut, FixedOut)):
        texts += [(text, of_batch) for text in (*out.head, *out.tail)]
    for text, words in texts:
        for _, word, spec, conversion in Formatter().parse(text):
            known = word in words and not conversion and _SPEC.fullmatch(spec or "")
            if word is not None and not known:
                raise ValueError(f"{template.name}: nobody fills in {word} of {text!r}")


def _require_payer(out: Writing, batch_code: str, payer: Mapping[str, str]) -> None:
    for ask in out.asks:
        text = payer.get(ask.word, "")
        if not text.strip() or _CONTROL.search(text) or len(text) > ask.length_max:
            raise refuse(batch_code, "bank_file.payer_missing", column=ask.zh)
        if "|" in text or not _encodable(text, out.charset):
            raise refuse(batch_code, "bank_file.payer_missing", column=ask.zh)


def _require_writable(out: Writing, batch_code: str, lines: Sequence[InstructionLine]) -> None:
    """Check every row before one is written; `?` never stands in for a character."""
    if "batch" in out.longest and _length(out, batch_code) > out.longest["batch"]:
        raise refuse(batch_code, "bank_file.field_too_long", column="batch")
    faults = []
    for line in lines:
        texts = {word: str(getattr(line, word)) for word in _PERSONAL}
        odd = [word for word, text in texts.items() if not _fits_in_a_field(out, text)]
        if odd:
            column = odd[0] if odd[0] != "name" else None
            faults.append(Fault(batch_code, line.number, column, NAME_NOT_ENCODABLE))
            continue
        for word, most in out.longest.items():
            if _length(out, texts.get(word, "")) > most:
                code = "bank_file.field_too_long"
                faults.append(Fault(batch_code, line.number, word, code, f"at most {most}"))
    if faults:
        raise FileRefused(*faults)


def _fits_in_a_field(out: Writing, text: str) -> bool:
    """A separator or a line's end inside a field would make other fields of it."""
    separated = isinstance(out, DelimitedOut) and out.separator in text
    if separated or "|" in text or _CONTROL.search(text):
        return False
    return _encodable(text, out.charset)


def _runs(text: str, fits: Callable[[str], bool]) -> list[tuple[bool, str]]:
    return [(kind, "".join(run)) for kind, run in groupby(text, fits)]


def _encodable(text: str, charset: str) -> bool:
    try:
        text.encode(charset)
    except UnicodeEncodeError:
        return False
    return True


def _length(out: Writing, text: str) -> int:
    return len(text.encode(out.charset)) if out.measure is Measure.BYTES else len(text)


def _amount(fen: int, unit: Unit) -> str:
    if unit is Unit.FEN:
        return str(fen)
    return yuan(fen) + ("0" if unit is Unit.THREE_DECIMALS else "")


def _content(out: Out, batch_code: str, of_batch: Values, of_lines: Sequence[Values]) -> bytes:
    match out:
        case WorkbookOut():
            return _workbook(out, of_lines)
        case XmlOut():
            text = _document(out, of_batch, of_lines)
        case DelimitedOut():
            rows = [_delimited(out, [each.value for each in out.columns], row) for row in of_lines]
            titles = [_delimited(out, [each.title for each in out.columns], {})]
            text = _lines(out, of_batch, titles * out.titles + rows)
        case FixedOut():
            text = _lines(out, of_batch, [_fixed(out, batch_code, row) for row in of_lines])
    if not _encodable(text, out.charset):
        raise refuse(batch_code, NAME_NOT_ENCODABLE)
    return text.encode(out.charset)


def _lines(out: DelimitedOut | FixedOut, of_batch: Values, rows: Sequence[str]) -> str:
    head = [text.format_map(of_batch) for text in out.head]
    tail = [text.format_map(of_batch) for text in out.tail]
    return "".join(f"{row}{out.line_end}" for row in (*head, *rows, *tail))


def _delimited(out: DelimitedOut, cells: Sequence[str], values: Values) -> str:
    row = out.separator.join(cell.format_map(values) for cell in cells)
    return row + out.separator * out.closed


def _fixed(out: FixedOut, batch_code: str, values: Values) -> str:
    return "".join(_padded(out, batch_code, column, values) for column in out.columns)


def _padded(out: FixedOut, batch_code: str, column: OutColumn, values: Values) -> str:
    text = column.value.format_map(values)
    missing = column.width - _length(out, text)
    if missing < 0:
        number = values["number"]
        row = number if isinstance(number, int) else None
        raise refuse(batch_code, "bank_file.field_too_long", row=row, column=column.title)
    return text + " " * missing if column.align == "left" else " " * missing + text


def _document(out: XmlOut, of_batch: Values, of_lines: Sequence[Values]) -> str:
    rows = "".join(out.row.format_map(_escaped(values)) for values in of_lines)
    return out.document.format_map({**_escaped(of_batch), "rows": rows})


def _escaped(values: Values) -> Values:
    return {word: escape(each) if isinstance(each, str) else each for word, each in values.items()}


def _workbook(out: WorkbookOut, of_lines: Sequence[Values]) -> bytes:
    """Write every cell as text: a spreadsheet keeps fifteen digits of a number."""
    file = BytesIO()
    with xlsxwriter.Workbook(file, {"in_memory": True}) as book:
        book.set_properties({"created": _MADE_ON})
        sheet, text = book.add_worksheet(out.sheet), book.add_format({"num_format": _TEXT})
        sheet.set_column(0, len(out.columns) - 1, 24, text)
        for at, column in enumerate(out.columns):
            sheet.write_string(0, at, column.title, text)
            for row, values in enumerate(of_lines, 1):
                sheet.write_string(row, at, column.value.format_map(values), text)
    return file.getvalue()

"""Account movements as lists with columns (CSV, XLSX), as net banks export them."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from hashlib import sha256

from ledger.evidence.canonical import canonical_json
from ledger.files.account_statement import AccountStatement, StatementEntry
from ledger.files.amounts import day, fen
from ledger.files.bank_formats.template import ColumnsStatement
from ledger.files.columns import (
    Fields,
    Layout,
    Lines,
    guess,
    header_at,
    read_lines,
    require_readable,
)
from ledger.files.faults import FileRefused, refuse
from ledger.files.statement_days import NOT_STATED, StatedDays, covered_days
from ledger.files.text import heading, number_text, person_name

CURRENCIES: Mapping[str, str] = {"人民币": "CNY", "人民币元": "CNY", "RMB": "CNY", "156": "CNY"}
_EIGHT_DIGITS = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})")
_TIME_BEHIND = re.compile(r"(.*?)[ T]\d{1,2}:\d{2}(:\d{2})?")
_LINES_ABOVE = 20
_NUMBER_DIGITS_MAX = 15


def fields(wanted: ColumnsStatement) -> Fields:
    return Fields(wanted.titles, wanted.words, wanted.required)


def read(
    bank_format: str,
    wanted: ColumnsStatement,
    name: str,
    data: bytes,
    layout: Layout | None = None,
    stated: StatedDays = NOT_STATED,
) -> AccountStatement:
    """Read a list, oldest or newest first; each row's balance must follow from the one before."""
    lines = read_lines(name, data)
    known = fields(wanted)
    if layout is None:
        layout = guess(lines, known)
        require_readable(name, layout, known)
    at = header_at(name, lines, layout, known)
    rows = [
        _Row(wanted, name, line, cells, layout.columns)
        for line, cells in lines[at + 1 :]
        if any(cell is not None for cell in cells)
    ]
    # Below the movements banks write totals and remarks: they have neither a day nor a balance.
    listed = rows[: next((n for n, row in enumerate(rows) if row.is_remark), len(rows))]
    for row in rows[len(listed) :]:
        if not row.is_remark:
            raise refuse(name, "bank_file.line_invalid", row=row.line)
    if not listed:
        raise refuse(name, "bank_file.line_invalid", row=lines[at][0])
    above = _above(wanted, lines[:at])
    entries, opening, closing = _in_order(name, listed)
    booked = [entry.booked_on for entry in entries]
    days = covered_days(
        name,
        entries,
        said=StatedDays(_day(above.get("opened_on")), _day(above.get("closed_on"))),
        stated=stated,
        seeming=(min(booked), max(booked)),
    )
    if any(not days.first <= each <= days.last for each in booked):
        raise refuse(name, "date.invalid", column=wanted.words["day"])
    return AccountStatement(
        bank_format=bank_format,
        account_number=_one(wanted, name, "account", listed, above),
        currency=_currency(_one(wanted, name, "currency", listed, above, missing="CNY")),
        number=None,
        opened_on=days.first,
        closed_on=days.last,
        opening_fen=opening,
        closing_fen=closing,
        entries=tuple(entries),
        sha256=sha256(data).hexdigest(),
        days_stated=days.stated,
    )


class _Row:
    """One movement as listed."""

    def __init__(
        self,
        wanted: ColumnsStatement,
        name: str,
        line: int,
        cells: Sequence[object],
        columns: Mapping[str, int],
    ) -> None:
        self._wanted = wanted
        self._name = name
        self._cells = cells
        self._columns = columns
        self.line = line

    @property
    def is_remark(self) -> bool:
        return _day(self.cell("day")) is None and fen(self.cell("balance")) is None

    def cell(self, field: str) -> object:
        at = self._columns.get(field)
        return self._cells[at] if at is not None and at < len(self._cells) else None

    def text(self, field: str) -> str | None:
        cell = self.cell(field)
        return str(cell).strip() or None if cell is not None else None

    def number(self, field: str) -> str | None:
        """Return an account's number; one that a spreadsheet made a number has lost its end."""
        cell = self.cell(field)
        if isinstance(cell, float) or (isinstance(cell, int) and cell >= 10**_NUMBER_DIGITS_MAX):
            raise self.refused("card.not_text", field)
        text = number_text(str(cell)) if cell is not None else ""
        return text or None

    @property
    def balance_fen(self) -> int:
        balance = fen(self.cell("balance"))
        if balance is None:
            raise self.refused("bank_file.line_invalid", "balance")
        return balance

    @property
    def amount_fen(self) -> int:
        """Return what was moved: by columns for each direction, by a word, or by its sign."""
        debit, credit = self._amount("debit"), self._amount("credit")
        if debit or credit:
            if debit and credit:
                raise self.refused("bank_file.line_invalid", "debit")
            return credit - debit
        amount = self._amount("amount")
        if not amount:
            raise self.refused("bank_file.line_invalid", "amount")
        direction = heading(self.text("direction") or "").upper()
        if not direction:
            return amount
        if direction in self._wanted.debit_words:
            return -abs(amount)
        if direction in self._wanted.credit_words:
            return abs(amount)
        raise self.refused("value.unknown", "direction")

    def _amount(self, field: str) -> int:
        cell = self.cell(field)
        if cell is None or (isinstance(cell, str) and cell.strip(" -—") == ""):
            return 0
        amount = fen(cell)
        if amount is None:
            raise self.refused("bank_file.line_invalid", field)
        return amount

    def entry(self) -> StatementEntry:
        booked_on = _day(self.cell("day"))
        if booked_on is None:
            raise self.refused("date.invalid", "day")
        amount, texts = self.amount_fen, (self.text("text"), self.text("purpose"))
        words = " ".join(filter(None, texts))
        name = self.text("counterparty_name")
        told = re.search(self._wanted.returned_words, words) is not None
        return StatementEntry(
            line=self.line,
            line_sha256=sha256(canonical_json([*map(_plain, self._cells)])).hexdigest(),
            booked_on=booked_on,
            value_on=_day(self.cell("value_day")),
            amount_fen=amount,
            counterparty_account=self.number("counterparty_account"),
            counterparty_name=person_name(name) if name else None,
            end_to_end_id=self.text("end_to_end"),
            reference=self.text("reference"),
            batch_code=self.text("batch"),
            count=1,
            text=words or None,
            returned=amount > 0 and told,
        )

    def refused(self, code: str, field: str) -> FileRefused:
        return refuse(self._name, code, row=self.line, column=self._wanted.words[field])


def _in_order(name: str, rows: Sequence[_Row]) -> tuple[list[StatementEntry], int, int]:
    """Return the entries oldest first, with the balances before and behind them.

    Raises:
        FileRefused: `bank_file.control_total` at the first row whose balance does not follow.
    """
    entries = [row.entry() for row in rows]
    balances = [row.balance_fen for row in rows]
    broken = _broken_at(entries, balances)
    if broken is None:
        return entries, balances[0] - entries[0].amount_fen, balances[-1]
    entries.reverse()
    balances.reverse()
    if _broken_at(entries, balances) is not None:
        raise refuse(name, "bank_file.control_total", row=rows[broken].line)
    return entries, balances[0] - entries[0].amount_fen, balances[-1]


def _broken_at(entries: Sequence[StatementEntry], balances: Sequence[int]) -> int | None:
    for at in range(1, len(entries)):
        if balances[at - 1] + entries[at].amount_fen != balances[at]:
            return at
    return None


def _above(wanted: ColumnsStatement, lines: Lines) -> dict[str, str]:
    """Return what is written above the header, beside its word or behind a colon."""
    found: dict[str, str] = {}
    for _, cells in lines[:_LINES_ABOVE]:
        texts = [str(cell) for cell in cells if cell is not None]
        for at, text in enumerate(texts):
            word, colon, behind = unicodedata.normalize("NFKC", text).partition(":")
            value = behind.strip() if colon and behind.strip() else "".join(texts[at + 1 : at + 2])
            for field, words in wanted.above.items():
                if heading(word) in words and value.strip():
                    found.setdefault(field, value.strip())
    return found


def _one(
    wanted: ColumnsStatement,
    name: str,
    field: str,
    rows: Sequence[_Row],
    above: Mapping[str, str],
    missing: str | None = None,
) -> str:
    """Return what all rows say of the account itself, or what stands above them."""
    said = {row.number(field) for row in rows} - {None}
    if len(said) > 1:
        raise refuse(name, "bank_file.several_statements", column=wanted.words[field])
    found = next(iter(said), None) or number_text(above.get(field, "")) or missing
    if found is None:
        raise refuse(name, "file.column_missing", column=wanted.words[field])
    return found


def _currency(text: str) -> str:
    return CURRENCIES.get(text, text)


def _day(cell: object) -> date | None:
    """Read a day, with the time behind it or without separators as banks write them."""
    if cell is None or isinstance(cell, (date, datetime)):
        return day(cell) if cell is not None else None
    text = unicodedata.normalize("NFKC", str(cell)).strip()
    behind = _TIME_BEHIND.fullmatch(text)
    text = behind[1].strip() if behind else text
    together = _EIGHT_DIGITS.fullmatch(text[:8]) if text[:8].isdecimal() else None
    return day("-".join(together.groups())) if together else day(text)


def _plain(cell: object) -> object:
    return cell if cell is None or isinstance(cell, (str, bool, int)) else str(cell)
